"""The scan: look every package of a review workbook up and write what was found back (`python -m flows.scan`)."""
