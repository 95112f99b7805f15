"""The review workbook: reading it, and writing into it without loss."""
