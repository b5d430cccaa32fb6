"""The file that Schemathesis' hooks write and that the program running it reads."""

from __future__ import annotations

ANSWERS_FILE = "SCHEMATHESIS_ANSWERS"
"""The environment variable with the file's name; each line is an answer's operation and status."""
