"""The durable record of a scan under way."""
