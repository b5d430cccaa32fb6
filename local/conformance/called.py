"""Answers to calls, and why a question ends without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_DONE = ("200 0", "200 ok")


class NotAskedError(Exception):
    """A question cannot be asked here; the message says why."""


class StepFailedError(Exception):
    """A step that a question needs was refused, or had no effect; the message names it."""


@dataclass(frozen=True)
class Called:
    """The answer to a control or API call; `members` is `data` of the one, `Response` of the other.

    `word` is the status and the code in one text: `200 0`, `200 10004`, `200 ok`, `200 ResourceNotFound`.
    """

    word: str
    members: dict[str, Any] = field(repr=False)
    document: dict[str, Any] = field(repr=False)


def expected(call: str, called: Called) -> dict[str, Any]:
    """Return the members of an answer that must not be a refusal.

    Raises:
        StepFailedError: it is one.

    """
    if called.word not in _DONE:
        raise StepFailedError(f"{call} was refused: {called.word}")
    return called.members
