"""The flows: they order the steps. Each is also a command: `python -m flows.NAME --help`."""
