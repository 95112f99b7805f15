"""Lists of packages beside the workbook: what teams already have, as rows for a review (plug point: interface.py)."""
