"""Write JSON with pydantic_core, which takes a sixth of the time that `json` does."""

from __future__ import annotations

import json

from shared.schema.validation import to_json

_ENCODER = json.JSONEncoder(default=str, separators=(",", ":"))


def ascii_json(value: object) -> str:
    """Encode a value as JSON without spaces and in ASCII; what JSON has no form for is written by `str`."""
    try:
        text = to_json(value, fallback=str).decode()
    except ValueError:
        # A lone surrogate.
        return _ENCODER.encode(value)
    # pydantic_core escapes nothing that UTF-8 can carry.
    return text if text.isascii() else _ENCODER.encode(value)
