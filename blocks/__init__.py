"""What the steps talk to, as Prefect blocks."""
