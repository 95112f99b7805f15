"""Durable file operations: whole files or none, backups, half-done merges, and who else has a workbook open.

Nothing is imported here, so that a small process can use one module without paying for the others.
"""
