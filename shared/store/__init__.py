"""Everything the service keeps, in Redis."""
