"""When an event that the app did not take is tried again.

The table is the one Standard Webhooks 1.0.0 recommends: from at once to about three days.
"""

from __future__ import annotations

_MINUTE, _HOUR = 60, 3600
DELAYS_SECONDS = (
    0,
    5,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
JITTER = 0.2
"""Each delay is lengthened by up to this share of it, so that an outage does not end in a stampede."""


def next_attempt_at(attempts: int, *, now: int, random: float, retry_after: int | None = None) -> int | None:
    """Say when (Unix seconds) to try again after `attempts` attempts; None after the last one.

    `random` is from 0 to 1. `retry_after` is the app's own wish in seconds: it can lengthen a
    delay, up to the longest of the table, and never shorten one.
    """
    if attempts >= len(DELAYS_SECONDS):
        return None
    delay = DELAYS_SECONDS[attempts]
    wished = min(retry_after or 0, DELAYS_SECONDS[-1])
    return now + max(round(delay * (1 + JITTER * random)), wished)
