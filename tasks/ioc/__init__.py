"""The IOC scan without Prefect: which files to read, what they hold, and what of it is malicious."""
