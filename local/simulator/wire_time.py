"""Instants as the server API and the events write them.

Reading them back from requests is left to `server_actions`.
"""

from __future__ import annotations

from datetime import datetime, timezone


def iso_time(instant: float | None) -> str:
    """ISO 8601 in UTC with a `Z`, to the second; "" for what has not happened yet."""
    if instant is None:
        return ""
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
