"""Results as files that other tools read (plug point: interface.py)."""
