"""When an event that the app did not accept is sent again.

The delays are those that Standard Webhooks 1.0.0 recommends: from at once to about three days in all.
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
"""Each delay is lengthened by up to this share of it, so that retries spread out after an outage."""


def next_attempt_at(attempts: int, *, now: int, random: float, retry_after: int | None = None) -> int | None:
    """Return the time (Unix seconds) of the next attempt after `attempts`; None after the last one.

    `random` is from 0 to 1. `retry_after`, in seconds, is what the app asked for: it can lengthen a delay, up
    to the longest of the table, but never shorten one.
    """
    if attempts >= len(DELAYS_SECONDS):
        return None
    delay = DELAYS_SECONDS[attempts]
    wished = min(retry_after or 0, DELAYS_SECONDS[-1])
    return now + max(round(delay * (1 + JITTER * random)), wished)
