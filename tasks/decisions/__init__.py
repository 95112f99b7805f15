"""What reviewers decided about findings: read, checked row by row, and held against what a scan found."""
