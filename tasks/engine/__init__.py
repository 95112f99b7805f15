"""What looks packages up in one process: the event loop, the HTTP client, the sources, the reviewer."""
