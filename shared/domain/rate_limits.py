"""Limits on the uploads a caller may begin, and what remains of them. Counted by `shared.store.uploads`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.errors import FieldError, RateLimit, RateLimitedError, UnprocessableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.session import UploadSession

MINUTE_SECONDS, DAY_SECONDS = 60, 86_400
MAX_BYTES_PER_DAY = 1 << 50
"""Few enough bytes to be added up exactly."""

_REFUSALS = {
    "user": "Too many uploads were begun in the last minute.",
    "network": "Too many uploads were begun from this network in the last minute.",
    "open": "Too many uploads are under way: finish one.",
    "day": "Today's uploads are used up.",
    "bytes": "Today's bytes do not suffice for this file.",
    "upload": "Too many upload signatures were asked for.",
}
"""The error's detail, by the name of the used-up limit."""


class UploadLimits(NamedTuple):
    """Limits of one user: uploads per minute, per day (UTC) and open at once, and bytes per day.

    `network_per_minute` is counted over all users of one network; 0 is no limit. The next two are those of
    one upload: further signatures per minute, and all its signatures. The newest `listed_uploads` of a user
    are kept in a list.
    """

    per_minute: int
    network_per_minute: int = 0
    open_uploads: int = 0
    per_day: int = 0
    bytes_per_day: int = 0
    renewals_per_minute: int = 60
    signatures_per_upload: int = 64
    listed_uploads: int = 0


class KeyedBegin(NamedTuple):
    """What a beginning under an Idempotency-Key adds.

    The id that the upload has if it began the day before, and what the request says of it, as one text.
    """

    earlier_upload_id: str
    request: str


class Reservation(NamedTuple):
    """A reserved signature: its nonce, and what remains of the limits after it.

    `renewed` is the upload, as it stands, if it had been begun before.
    """

    nonce: int
    rate_limits: tuple[RateLimit, ...]
    renewed: UploadSession | None = None


def slot_milliseconds(per_minute: int) -> int:
    """Return the milliseconds between two requests of a limit per minute; 0 for no limit."""
    return -(-MINUTE_SECONDS * 1000 // per_minute) if per_minute else 0


def seconds_left_today(now: int) -> int:
    """Return the seconds until the next UTC day begins."""
    return DAY_SECONDS - now % DAY_SECONDS


def rate_limit_per_minute(name: str, per_minute: int, *, ahead_ms: int) -> RateLimit:
    """Return what remains of a limit per minute when `ahead_ms` of it are used."""
    interval = slot_milliseconds(per_minute)
    remaining = max(0, (per_minute * interval - ahead_ms) // interval)
    return RateLimit(name, per_minute, MINUTE_SECONDS, remaining, -(-ahead_ms // 1000))


def rate_limits_after(limits: UploadLimits, used: Sequence[int], *, now: int) -> tuple[RateLimit, ...]:
    """Return what remains of each limit per minute or per day that is set.

    `used` is what is used of them: milliseconds of the user's and of the network's minute, uploads and bytes
    of the day.
    """
    user_ms, network_ms, uploads_today, bytes_today = used
    rate_limits = [rate_limit_per_minute("user", limits.per_minute, ahead_ms=user_ms)]
    if limits.network_per_minute and network_ms:
        of_network = limits.network_per_minute
        rate_limits.append(rate_limit_per_minute("network", of_network, ahead_ms=network_ms))
    days = (("day", limits.per_day, uploads_today), ("bytes", limits.bytes_per_day, bytes_today))
    rate_limits += [
        RateLimit(name, quota, DAY_SECONDS, max(0, quota - spent), seconds_left_today(now))
        for name, quota, spent in days
        if quota
    ]
    return tuple(rate_limits)


def rate_limit_of_open(limits: UploadLimits, count: int, *, ends_in: int) -> tuple[RateLimit, ...]:
    """Return what remains of the limit of open uploads, if it is set; the first ends in `ends_in` seconds."""
    quota = limits.open_uploads
    return (RateLimit("open", quota, 0, max(0, quota - count), max(0, ends_in)),) if quota else ()


def refusal(name: str, limits: UploadLimits, *, wait_ms: int) -> RateLimitedError:
    """Build the error for a used-up limit: `wait_ms` until it allows a request again."""
    quotas = {
        "user": (limits.per_minute, MINUTE_SECONDS),
        "network": (limits.network_per_minute, MINUTE_SECONDS),
        "upload": (limits.renewals_per_minute, MINUTE_SECONDS),
        "day": (limits.per_day, DAY_SECONDS),
        "bytes": (limits.bytes_per_day, DAY_SECONDS),
    }
    wait = -(-wait_ms // 1000)
    quota, window = quotas.get(name, (0, 0))
    left = (RateLimit(name, quota, window, 0, wait),) if quota else ()
    return RateLimitedError(_REFUSALS[name], retry_after=wait, rate_limits=left)


def refuse_size(size: int | None, limits: UploadLimits) -> None:
    """Refuse a file larger than a day's bytes: no waiting would help.

    Raises:
        UnprocessableError: naming the declared size.

    """
    if size is not None and 0 < limits.bytes_per_day < size:
        field_error = FieldError(
            "/fileSize", f"Must be at most {limits.bytes_per_day} bytes, a day's allowance."
        )
        raise UnprocessableError("This file is too large.", field_errors=(field_error,))
