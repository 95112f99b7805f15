"""The Prefect tasks (thin adapters) and, in the folders, the plain code that does the work."""
