"""How the hooks inside Schemathesis and the program that runs it find the same file."""

from __future__ import annotations

ANSWERS_FILE = "SCHEMATHESIS_ANSWERS"
"""The variable that names the file with a line for each answer: operation and status."""
