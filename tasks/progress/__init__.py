"""Showing how far a run has come: a bar on a terminal, plain lines elsewhere."""
