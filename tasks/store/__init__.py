"""The advisory store: what `python -m flows.sync` downloaded, in one SQLite file, and the sources made of it."""
