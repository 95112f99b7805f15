"""The reports as one self-contained HTML page: no network, no script from elsewhere, every text escaped."""
