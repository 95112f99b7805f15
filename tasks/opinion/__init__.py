"""A language model's second opinion where the records leave a row open: it can raise attention, and nothing else."""
