"""The edge of the process: environment, clock, randomness, invocation and log."""
