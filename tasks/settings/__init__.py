"""The settings model and its loader."""
