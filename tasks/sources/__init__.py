"""Where facts come from: one small module per service."""
