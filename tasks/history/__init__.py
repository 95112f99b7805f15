"""What finished scans found out, kept so that they can be compared and shown again. Knows no Prefect."""
