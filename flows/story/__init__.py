"""What a run tells in the Prefect UI: progress while it goes on, artifacts and tags when it has ended."""
