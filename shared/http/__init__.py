"""HTTP in both directions: SCF's requests, callers' tokens, and outgoing connections."""
