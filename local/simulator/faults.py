"""Fault injection: rules that make the next pushes and requests go wrong on purpose.

`fault_rules` parses them; `faulty_answers` and `push_sender` apply them.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

Kind = Literal[
    "slow",
    "delay",
    "reorder",
    "duplicate",
    "corrupt",
    "drop",
    "drop-reply",
    "error",
    "refuse",
    "expire",
    "redirect",
]
_SEEDS = 1 << 31


@dataclass(frozen=True)
class Fault:
    """One rule: which action it strikes, how, and how often.

    `action` is a wire name such as `UploadPart`, `ApplyUploadUGC` or `Push`, or `Receiver` for the
    app's endpoint. With a `probability` (0 to 1) each of them is struck or not, else the next `times`.

    A request that is `slow` is answered after `seconds`; `drop` never takes it; `drop-reply` takes
    it and never answers; `error` answers `status`, with `retry_after` seconds if there are any;
    `refuse` answers 200 with the business error `code`; `expire` answers as if the storage
    credential had expired; `redirect` sends the client elsewhere.

    An event pushed: `slow` takes `seconds` to send its body; `delay` waits so long before, or until the
    rules are replaced;
    `reorder` waits until a later event has gone, or for `seconds`; `drop` gives it up unsent;
    `error` loses one send and `drop-reply` the answer to it, after which VOD sends again;
    `corrupt` cuts the body in two. `duplicate` pushes twice, or has PullEvents hand out twice.
    """

    action: str
    kind: Kind
    times: int = 1
    probability: float | None = None
    seconds: float = 1.0
    status: int = 503
    retry_after: int | None = None
    code: str = "InternalError"


class FaultDial:
    """The rules in force, and how often each has struck.

    The first rule that strikes wins. Random numbers are drawn for each action from a sequence of its own, so
    that with one seed the nth `Push` always has the same outcome, whatever happens between.
    """

    def __init__(self) -> None:
        self.set(())

    def set(self, faults: Sequence[Fault], *, seed: int | None = None) -> None:
        """Replace all rules and restart the random sequences; without a seed one is generated."""
        self._faults = tuple(faults)
        self._strikes: Counter[int] = Counter()
        self._seed = secrets.randbelow(_SEEDS) if seed is None else seed
        self._draws = {
            fault.action: Random(f"{self._seed} {fault.action}")  # noqa: S311  # repeatable, not secret
            for fault in self._faults
        }

    @property
    def seed(self) -> int:
        """The seed, which makes a run with probabilities repeatable."""
        return self._seed

    @property
    def strikes(self) -> tuple[tuple[Fault, int], ...]:
        """Every rule, and how often it has struck."""
        return tuple((fault, self._strikes[position]) for position, fault in enumerate(self._faults))

    @property
    def present(self) -> tuple[Fault, ...]:
        """The rules that can still strike."""
        return tuple(fault for fault, struck in self.strikes if _has_more(fault, struck))

    def holds(self, fault: Fault) -> bool:
        """Return whether the rule is one of those in force, even if it strikes no more."""
        return any(fault is rule for rule in self._faults)

    def strike(self, action: str, kinds: Container[str] | None = None) -> Fault | None:
        """Return the rule that strikes this action now, or None; `kinds` are those that can strike there."""
        for position, (fault, struck) in enumerate(self.strikes):
            is_meant = fault.action == action and (kinds is None or fault.kind in kinds)
            if is_meant and _has_more(fault, struck) and self._falls_on(fault):
                self._strikes[position] += 1
                return fault
        return None

    def _falls_on(self, fault: Fault) -> bool:
        return fault.probability is None or self._draws[fault.action].random() < fault.probability


def _has_more(fault: Fault, struck: int) -> bool:
    return fault.probability is not None or struck < fault.times
