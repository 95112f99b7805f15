"""OSV advisories: parsing, evaluation, grouping, severity.

parse.py reads and stores records, evaluate.py answers for one advisory and one version, assess.py for all advisories
of a project. Below them: versions.py (PEP 440 and PEP 503), intervals.py, ranges.py and vague.py (OSV ranges),
grouping.py (aliases), severity.py (CVSS), shapes.py (typed access to JSON), model.py (the values).
"""
