"""Format times as the server API and the events write them."""

from __future__ import annotations

from datetime import datetime, timezone


def iso_time(instant: float | None) -> str:
    """Format Unix seconds as ISO 8601 in UTC with `Z`, to the second; empty for None."""
    if instant is None:
        return ""
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
