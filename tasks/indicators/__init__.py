"""Indicators of compromise: which package versions are known to be malicious, and who says so."""
