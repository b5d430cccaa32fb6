"""The text by which a function and a version say what they hold: it is kept in their descriptions.

A description takes letters, digits, blanks, commas and full stops (API UpdateFunctionConfiguration).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIGITS = 32
_FORM = re.compile(r"release (?P<release>[0-9a-f]+)(, code (?P<code>[0-9a-f]+), stored (?P<stored>\w*))?\.")


@dataclass(frozen=True)
class Mark:
    """The release a function belongs to, the digest of its code, and SCF's own digest of what it stored.

    Code that was changed otherwise has another digest at SCF than the one that was noted here.
    """

    release: str = ""
    code: str = ""
    stored: str = ""

    def __str__(self) -> str:
        """Return the description."""
        return f"release {self.release}, code {self.code}, stored {self.stored}."


def mark_of(release: str, code_digest: str, stored: str) -> Mark:
    """Return a mark; digests are shortened as it takes them."""
    return Mark(release, code_digest[:_DIGITS], stored[:_DIGITS])


def read_mark(description: str | None) -> Mark:
    """Return the mark in a description; an empty one if there is none."""
    found = _FORM.fullmatch(description or "")
    return Mark(**{name: value or "" for name, value in found.groupdict().items()}) if found else Mark()


def version_description(release: str) -> str:
    """Return the description of a version that belongs to a release."""
    return f"release {release}."
