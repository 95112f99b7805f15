"""`python -m flows.report`: kept scans listed, compared and shown again. No Prefect, no network."""
