"""The documents of the repository as one page of the local stack: GET /local/docs."""
