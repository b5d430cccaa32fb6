"""Parse times of the command line: `2026-11-22T07:05:00Z`, or `10m` for ten minutes."""

from __future__ import annotations

import argparse
import re
import time
from datetime import datetime, timezone

_SPAN = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_SECONDS_OF_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def span(text: str) -> int:
    """Parse a duration such as 90s, 10m, 2h or 3d into seconds.

    Raises:
        argparse.ArgumentTypeError: it is none.

    """
    seconds = _seconds_of(text)
    if not seconds:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time such as 90s, 10m, 2h or 3d")
    return seconds


def point_in_time(text: str) -> int:
    """Parse an ISO time (UTC by default), or a duration before now, into Unix seconds.

    Raises:
        argparse.ArgumentTypeError: it is neither.

    """
    ago = _seconds_of(text)
    if ago is not None:
        return int(time.time()) - ago
    try:
        told = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return int((told if told.tzinfo else told.replace(tzinfo=timezone.utc)).timestamp())
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time such as 2026-11-22T07:05:00Z nor one such as 10m"
        ) from None


def _seconds_of(text: str) -> int | None:
    parts = _SPAN.fullmatch(text)
    return int(parts[1]) * _SECONDS_OF_UNIT[parts[2]] if parts else None
