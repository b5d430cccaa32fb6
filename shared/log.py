"""One JSON object a line on standard output, which SCF carries to CLS.

What may be logged is decided by the callers: ids, states and durations, never a token, a
signature, a secret or an address of the store.
"""

from __future__ import annotations

import json
import sys
import time


def write(event: str, *, request_id: str, level: str = "info", **fields: object) -> None:
    """Write one line: `event` says what happened in dotted words, such as `signature.issued`."""
    line = {"time": round(time.time(), 3), "level": level, "event": event, "requestId": request_id, **fields}
    sys.stdout.write(json.dumps(line, default=str, separators=(",", ":")) + "\n")
    sys.stdout.flush()
