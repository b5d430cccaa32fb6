"""The limits of a policy on a file, compared with what VOD measured.

An upload signature carries no limit on size, length or type, and what a client declares proves nothing: the
file is compared once VOD has reported it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple, Protocol

MAX_SIZE = 50_000 << 30
"""The largest file that VOD takes, in bytes: 48.82 TB (doc 266/9760)."""


REPORT, FORBID, DELETE = "report", "forbid", "delete"
"""What a policy has done with a file beyond its limits (`onViolation`)."""


class FileLimits(NamedTuple):
    """The limits an upload began with: `max_file_size` in bytes, `max_duration` in seconds.

    None or an empty tuple is no limit.
    """

    max_file_size: int | None = None
    max_duration: int | None = None
    file_types: tuple[str, ...] = ()


class LimitViolation(NamedTuple):
    """One limit that the file exceeds: its name in the policy, the allowed and the actual value."""

    limit: str
    allowed: int | tuple[str, ...]
    actual: float | str


class MeasuredFile(Protocol):
    """A file as VOD reports it: `size` in bytes, `duration` in seconds; None or "" if not reported."""

    @property
    def size(self) -> int | None:
        """The size in bytes."""

    @property
    def duration(self) -> float | None:
        """The length in seconds."""

    @property
    def media_type(self) -> str:
        """The file name extension, without the dot."""


def violations_of(limits: FileLimits | None, file: MeasuredFile) -> tuple[LimitViolation, ...] | None:
    """List the limits that a file exceeds; empty if it is within all of them.

    None if that is unknown: the upload's limits are lost with its record, or VOD has not reported a value
    that one of them needs. Fractions of a second do not count.
    """
    if limits is None:
        return None
    size, duration, file_type = file.size, file.duration, file.media_type.lower()
    violations, unknown = [], False
    if limits.max_file_size is not None:
        unknown |= size is None
        if size is not None and size > limits.max_file_size:
            violations.append(LimitViolation("maxFileSize", limits.max_file_size, size))
    if limits.max_duration is not None:
        unknown |= duration is None
        if duration is not None and duration >= limits.max_duration + 1:
            violations.append(LimitViolation("maxDuration", limits.max_duration, duration))
    if limits.file_types:
        unknown |= file_type == ""
        if file_type not in ("", *limits.file_types):
            violations.append(LimitViolation("fileTypes", limits.file_types, file_type))
    return tuple(violations) if violations or not unknown else None


def violations_json(violations: tuple[LimitViolation, ...] | None) -> list[dict[str, object]] | None:
    """Return violations as JSON members, for the app's event and for the answer about an upload."""
    return None if violations is None else [violation._asdict() for violation in violations]


def write_limits(limits: FileLimits) -> str:
    """Serialize limits for the store."""
    return json.dumps({name: value for name, value in limits._asdict().items() if value})


@lru_cache(maxsize=64)
def read_limits(text: str) -> FileLimits | None:
    """Parse what `write_limits` wrote; None for an empty text."""
    if not text:
        return None
    fields = json.loads(text)
    return FileLimits(**{**fields, "file_types": tuple(fields.get("file_types", ()))})
