"""Keeping what is stored between runs: current and within its limits."""
