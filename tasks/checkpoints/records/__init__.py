"""Where sealed records of batches lie: a folder, or S3."""
