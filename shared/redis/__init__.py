"""Clients of Redis: one for a single server, and one for a cluster."""
