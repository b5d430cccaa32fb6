"""One JSON object a line on standard output, which SCF carries to CLS.

What may be logged is decided by the callers: ids, states and durations, never a token, a
signature, a secret or an address of the store.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENCODER = json.JSONEncoder(default=str, separators=(",", ":"))


def write(event: str, *, request_id: str, level: str = "info", **fields: object) -> None:
    """Write one line: `event` says what happened in dotted words, such as `signature.issued`.

    A mapping among the fields is spelt as fields of its own, `calls_store`, and a list as one text: of a
    line of JSON, SCF makes CLS fields of the numbers and texts on its first level alone (doc 583/55595).
    """
    line = {"time": round(time.time(), 3), "level": level, "event": event, "requestId": request_id}
    _add_to_first_level(line, fields)
    sys.stdout.write(_ENCODER.encode(line) + "\n")
    sys.stdout.flush()


def _add_to_first_level(line: dict[str, object], fields: Mapping[str, object], prefix: str = "") -> None:
    for name, value in fields.items():
        if isinstance(value, dict):
            _add_to_first_level(line, value, f"{prefix}{name}_")
        else:
            line[prefix + name] = " ".join(map(str, value)) if isinstance(value, list) else value
