"""The id of one upload: a ULID, 26 characters of Crockford's Base32, which contains the time it was made."""

from __future__ import annotations

import re
from functools import lru_cache

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARACTERS = 10
_CHARACTERS = 26
_RANDOM_BITS = 80
_PATTERN = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def new_upload_id(*, now: float, random: int) -> str:
    """Build an id from Unix seconds and 80 random bits; ids sort by the time they were made."""
    number = (int(now * 1000) << _RANDOM_BITS) | (random & ((1 << _RANDOM_BITS) - 1))
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(5 * (_CHARACTERS - 1), -1, -5))


def is_upload_id(text: str) -> bool:
    """Return whether a text has the form of an id."""
    return _PATTERN.fullmatch(text) is not None


@lru_cache(maxsize=64)
def made_at(upload_id: str) -> int:
    """Return the Unix second at which an id was made; the id must have the right form."""
    milliseconds = 0
    for character in upload_id[:_TIME_CHARACTERS]:
        milliseconds = milliseconds * 32 + _ALPHABET.index(character)
    return milliseconds // 1000
