"""Putting reviews into the workbook: which cells change, and writing them without losing anything."""
