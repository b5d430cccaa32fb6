"""The id of one upload: a ULID, 26 characters of Crockford's Base32, which contains the time it was made."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARACTERS = 10
_RANDOM_BITS = 80
_SHIFTS = range(125, -1, -5)
_DAY_SECONDS = 86_400
_TO_DIGITS = bytes.maketrans(_ALPHABET.encode("ascii"), b"0123456789abcdefghijklmnopqrstuv")
_PATTERN = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def new_upload_id(*, now: float, random: int) -> str:
    """Build an id from Unix seconds and 80 random bits; ids sort by the time they were made."""
    number = (int(now * 1000) << _RANDOM_BITS) | (random & ((1 << _RANDOM_BITS) - 1))
    return "".join([_ALPHABET[number >> shift & 31] for shift in _SHIFTS])


def upload_ids_of_key(key: str, *, now: float) -> tuple[str, str]:
    """Return the ids of an upload that begins under a key today, and that began under it the day before.

    The day is the UTC day, and all of the time that such an id contains. The key names stage and user too.
    """
    random = int.from_bytes(hashlib.sha256(key.encode("utf-8")).digest()[: _RANDOM_BITS // 8], "big")
    today = int(now) // _DAY_SECONDS * _DAY_SECONDS
    return new_upload_id(now=today, random=random), new_upload_id(now=today - _DAY_SECONDS, random=random)


def is_upload_id(text: str) -> bool:
    """Return whether a text has the form of an id."""
    return _PATTERN.fullmatch(text) is not None


@lru_cache(maxsize=16)
def made_at(upload_id: str) -> int:
    """Return the Unix second at which an id was made, or its day began; the id must have the right form."""
    return int(upload_id[:_TIME_CHARACTERS].encode("ascii").translate(_TO_DIGITS), 32) // 1000


def latest_made_at(upload_id: str) -> int:
    """Return the last Unix second at which an id can have been made."""
    first = made_at(upload_id)
    return first if first % _DAY_SECONDS else first + _DAY_SECONDS - 1
