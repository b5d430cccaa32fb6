"""Structured log: one JSON object per line on standard output, which SCF delivers to CLS.

The callers decide what is logged: ids, states and durations, never a token, a signature, a secret or an
address of the store.
"""

from __future__ import annotations

import sys
import time

from shared.schema.encoding import ascii_json

PART_CHARACTERS = 100_000
"""Of an event in one log line: CLS takes 1 MB a line, and JSON may spell a character in six bytes."""


def write(event: str, *, request_id: str, level: str = "info", **fields: object) -> None:
    """Write one line; `event` is what happened in dotted words, such as `signature.issued`.

    A mapping among the fields becomes fields of its own, `calls_store`, and a list one text: SCF turns only
    the numbers and texts on the first level of a JSON line into CLS fields (doc 583/55595).
    """
    line = {"time": round(time.time(), 3), "level": level, "event": event, "requestId": request_id, **fields}
    for name, value in fields.items():
        if isinstance(value, (dict, list)):
            del line[name]
            line |= _on_first_level(name, value)
    sys.stdout.write(ascii_json(line) + "\n")
    sys.stdout.flush()


def write_event(body: bytes, *, request_id: str) -> None:
    """Write a callback's body that could not be journaled, so that `events replay` can bring it back.

    `raw` is the body as text, or `base64` its Base64 if it is not UTF-8. A body longer than PART_CHARACTERS
    takes several lines, numbered by `part` of `parts`.
    """
    try:
        name, text = "raw", body.decode("utf-8")
    except UnicodeDecodeError:
        import base64  # noqa: PLC0415 -- VOD sends UTF-8

        name, text = "base64", base64.b64encode(body).decode("ascii")
    pieces = [text[at : at + PART_CHARACTERS] for at in range(0, len(text), PART_CHARACTERS)] or [""]
    for part, piece in enumerate(pieces, start=1):
        numbers = {"part": part, "parts": len(pieces)} if len(pieces) > 1 else {}
        fields = {name: piece, **numbers}
        write("event.unjournaled", request_id=request_id, level="error", **fields)


def _on_first_level(name: str, value: object) -> dict[str, object]:
    if isinstance(value, dict):
        parts = (_on_first_level(f"{name}_{inner}", it) for inner, it in value.items())
        return {key: it for part in parts for key, it in part.items()}
    return {name: " ".join(map(str, value)) if isinstance(value, list) else value}
