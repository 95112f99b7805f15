"""How packages are cut into batches."""
