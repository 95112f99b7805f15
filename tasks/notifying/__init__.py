"""What is worth a notification, and what was told already."""
