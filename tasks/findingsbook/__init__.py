"""The workbook of an IOC scan's findings: its sheets, and fitting a scan's results into one that people work in."""
