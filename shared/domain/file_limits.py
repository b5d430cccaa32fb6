"""What a policy lets a file be, held against the file that VOD has.

An upload signature says nothing about size, length or type, and a client may declare what it likes:
so the real file is compared when VOD has told of it. What is declared is left to `shared.domain.policy`.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple, Protocol


class FileLimits(NamedTuple):
    """The limits an upload began with, `max_file_size` in bytes and `max_duration` in seconds.

    None, and no types, allow any.
    """

    max_file_size: int | None = None
    max_duration: int | None = None
    file_types: tuple[str, ...] = ()


class LimitViolation(NamedTuple):
    """One limit that the file is beyond: its name in the policy, what is allowed, and what VOD says."""

    limit: str
    allowed: int | tuple[str, ...]
    actual: float | str


class MeasuredFile(Protocol):
    """What VOD says of a file: `size` in bytes, `duration` in seconds; None and "" if it does not."""

    @property
    def size(self) -> int | None:
        """Its size."""

    @property
    def duration(self) -> float | None:
        """Its length."""

    @property
    def media_type(self) -> str:
        """Its extension."""


def violations_of(limits: FileLimits | None, file: MeasuredFile) -> tuple[LimitViolation, ...] | None:
    """List the limits that a file is beyond; empty if it is within all of them.

    None if that cannot be said: the upload's limits are lost with its record, or VOD has not told
    what one of them is about. Fractions of a second do not count.
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
    """Spell breaches, in the app's event and in the answer about an upload."""
    return None if violations is None else [violation._asdict() for violation in violations]


def write_limits(limits: FileLimits) -> str:
    """Spell limits as one text."""
    return json.dumps({name: value for name, value in limits._asdict().items() if value})


@lru_cache(maxsize=64)
def read_limits(text: str) -> FileLimits | None:
    """Read what `write_limits` wrote; None out of no text."""
    if not text:
        return None
    fields = json.loads(text)
    return FileLimits(**{**fields, "file_types": tuple(fields.get("file_types", ()))})
