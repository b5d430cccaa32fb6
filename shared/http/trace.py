"""The trace that a request belongs to, as headers to pass on (W3C Trace Context, recommendation of 2021)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRACEPARENT = re.compile(
    r"(?!ff|00-.{52}-)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[ -~]*)?",
    re.ASCII,
)
"""Of version 00 with its four fields alone; of a later one there may be more behind them."""
_TRACESTATE = re.compile(r"[ -~]{1,512}", re.ASCII)
MOST_CHARACTERS = 256


def trace_headers(headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the id of the trace, and `traceparent` and `tracestate` as they came; empty if there is none.

    `headers` have lower-case names. A `traceparent` that is invalid begins no trace (section 3.2).
    """
    traceparent = headers.get("traceparent", "")
    found = _TRACEPARENT.fullmatch(traceparent) if len(traceparent) <= MOST_CHARACTERS else None
    if found is None:
        return "", {}
    state = headers.get("tracestate", "")
    passed_on = {"tracestate": state} if _TRACESTATE.fullmatch(state) else {}
    return found[1], {"traceparent": traceparent, **passed_on}
