"""A difference between the cloud and what is wanted, and the call that removes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Change:
    """One row of the plan; `before` and `after` hold no value of a setting."""

    function: str
    subject: str
    action: str
    """create, update, recreate, publish, move or delete."""
    before: str
    after: str
    why: str


@dataclass(frozen=True)
class Call:
    """One call of the API that changes something."""

    action: str
    members: Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """All changes in one part of a function, and the first call to make, None if there is none."""

    changes: tuple[Change, ...] = ()
    call: Call | None = None
