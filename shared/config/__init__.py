"""Settings of the functions, read from environment variables."""
