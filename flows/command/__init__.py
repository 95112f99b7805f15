"""What all commands share: their words, how they start beside a Prefect server, and how they end."""
