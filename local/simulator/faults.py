"""The fault dial: rules that make the next requests and pushes go wrong on purpose.

Where a rule takes effect is left to `hosts` and `push_sender`; without rules nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

Kind = Literal["slow", "error", "drop", "duplicate", "corrupt", "expire"]
_LONGEST_DELAY = 60.0
_MOST_TIMES = 1000
_SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True)
class Fault:
    """One rule: which action it hits, how, and how often.

    `action` is a wire name such as `UploadPart`, `ApplyUploadUGC`, `Push`. `slow` waits `seconds`
    first, so that a delayed push is overtaken by later ones; `error` answers `status`; `drop` never
    answers, or never pushes; `expire` answers a storage request as if its credential had expired;
    `duplicate` pushes twice; `corrupt` cuts the body of a push in two.
    """

    action: str
    kind: Kind
    times: int = 1
    seconds: float = 1.0
    status: int = 503


@dataclass
class FaultDial:
    """The rules in force; each is used up after its `times`."""

    _faults: list[Fault] = field(default_factory=list)

    def set(self, faults: list[Fault]) -> None:
        """Replace all rules."""
        self._faults = list(faults)

    @property
    def present(self) -> tuple[Fault, ...]:
        """The rules that still have something to do."""
        return tuple(self._faults)

    def strike(self, action: str) -> Fault | None:
        """Give the rule that hits this action now, if any; one use of it is gone."""
        for position, fault in enumerate(self._faults):
            if fault.action == action:
                left = fault.times - 1
                self._faults[position : position + 1] = [replace(fault, times=left)] if left else []
                return fault
        return None


def read_faults(value: object) -> list[Fault]:
    """Read rules from JSON: a list of objects with the members of `Fault`.

    Raises:
        ValueError: the message says what is wrong.

    """
    if not isinstance(value, list):
        raise ValueError("a list of faults is expected")  # noqa: TRY004  # one error for every wrong body
    return [_fault(item) for item in value]


def _fault(item: object) -> Fault:
    try:
        fault = Fault(**cast("dict[str, Any]", item))  # ty checked right below
    except TypeError:
        raise ValueError("a fault has action, kind, times, seconds and status") from None
    checks = (
        isinstance(fault.action, str),
        fault.kind in get_args(Kind),
        isinstance(fault.times, int) and 1 <= fault.times <= _MOST_TIMES,
        isinstance(fault.seconds, int | float) and 0 <= fault.seconds <= _LONGEST_DELAY,
        isinstance(fault.status, int) and fault.status in _SERVER_ERRORS,
    )
    if not all(checks):
        raise ValueError("a member of a fault has a value that is not acceptable")
    return fault
