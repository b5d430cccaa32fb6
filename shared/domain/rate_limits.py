"""How many uploads a caller may begin, and what is left of it.

Counting is left to `shared.store.uploads`, telling the caller to `shared.http.message`.
"""

from __future__ import annotations

from typing import NamedTuple

from shared.errors import FieldError, RateLimit, RateLimitedError, UnprocessableError

MINUTE_SECONDS, DAY_SECONDS = 60, 86_400
MAX_SIZE = 1 << 50
"""More bytes than any file has, and few enough to be added up exactly."""


_REFUSALS = {
    "user": "Too many uploads were begun in the last minute.",
    "network": "Too many uploads were begun from this network in the last minute.",
    "open": "Too many uploads are under way: finish or cancel one.",
    "day": "Today's uploads are used up.",
    "bytes": "Today's bytes do not suffice for this file.",
    "upload": "Too many upload signatures were asked for.",
}
"""What to say, by the limit that is used up."""


class UploadLimits(NamedTuple):
    """What one user may begin: so many a minute, a day (UTC) and at once, and so many bytes a day.

    `network_per_minute` counts all users who come from one network; 0 is no limit.
    """

    per_minute: int
    network_per_minute: int = 0
    open_uploads: int = 0
    per_day: int = 0
    bytes_per_day: int = 0


class Used(NamedTuple):
    """What is used up of each limit, the present request included: milliseconds, uploads and bytes."""

    user_ms: int
    network_ms: int
    uploads_today: int
    bytes_today: int


class Reservation(NamedTuple):
    """A signature may be made: the nonce it gets, and what is left of the limits after it."""

    nonce: int
    rate_limits: tuple[RateLimit, ...]


def slot_milliseconds(per_minute: int) -> int:
    """Return the milliseconds between two requests of a limit by the minute; 0 for no limit."""
    return -(-MINUTE_SECONDS * 1000 // per_minute) if per_minute else 0


def seconds_left_today(now: int) -> int:
    """Say how long until the next UTC day begins."""
    return DAY_SECONDS - now % DAY_SECONDS


def rate_limit_per_minute(name: str, per_minute: int, *, ahead_ms: int) -> RateLimit:
    """Say what is left of a limit by the minute when `ahead_ms` of it are used up."""
    interval = slot_milliseconds(per_minute)
    remaining = max(0, (per_minute * interval - ahead_ms) // interval)
    return RateLimit(name, per_minute, MINUTE_SECONDS, remaining, -(-ahead_ms // 1000))


def rate_limits_after(limits: UploadLimits, used: Used, *, now: int) -> tuple[RateLimit, ...]:
    """Say what is left of each limit there is by the minute or the day."""
    rate_limits = [rate_limit_per_minute("user", limits.per_minute, ahead_ms=used.user_ms)]
    if limits.network_per_minute and used.network_ms:
        of_network = limits.network_per_minute
        rate_limits.append(rate_limit_per_minute("network", of_network, ahead_ms=used.network_ms))
    days = (("day", limits.per_day, used.uploads_today), ("bytes", limits.bytes_per_day, used.bytes_today))
    rate_limits += [
        RateLimit(name, quota, DAY_SECONDS, quota - spent, seconds_left_today(now))
        for name, quota, spent in days
        if quota
    ]
    return tuple(rate_limits)


def refusal(name: str, limits: UploadLimits, *, wait_ms: int) -> RateLimitedError:
    """Refuse a request because the limit of this name is used up for so many milliseconds."""
    quotas = {
        "user": (limits.per_minute, MINUTE_SECONDS),
        "network": (limits.network_per_minute, MINUTE_SECONDS),
        "upload": (limits.per_minute, MINUTE_SECONDS),
        "day": (limits.per_day, DAY_SECONDS),
        "bytes": (limits.bytes_per_day, DAY_SECONDS),
    }
    wait = -(-wait_ms // 1000)
    quota, window = quotas.get(name, (0, 0))
    left = (RateLimit(name, quota, window, 0, wait),) if quota else ()
    return RateLimitedError(_REFUSALS[name], retry_after=wait, rate_limits=left)


def refuse_size(size: int | None, limits: UploadLimits) -> None:
    """Refuse a file that no day's bytes suffice for: there is no time after which it would pass.

    Raises:
        UnprocessableError: naming the declared size.

    """
    if size is not None and 0 < limits.bytes_per_day < size:
        field_error = FieldError(
            "/fileSize", f"Must be at most {limits.bytes_per_day} bytes, a day's allowance."
        )
        raise UnprocessableError("This file is too large.", field_errors=(field_error,))
