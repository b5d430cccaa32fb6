"""What became of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter

    from tests.simulation.invariants import Violation

LEAST_A_DAY = (100, 250, 1.5)
"""Uploads, faults and kills."""


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    seed: int
    steps: int
    active_steps: int
    digest: str
    uploads: int
    files: int
    faults: Counter[str]
    kills: int
    calls: dict[str, int]
    violation: Violation | None
    last_lines: list[str]

    def is_thin(self, days: float) -> bool:
        """Return whether less happened than a run of so many days has to bring."""
        least = LEAST_A_DAY if days >= 1 else (0, 0, 0)
        brought = (self.uploads, sum(self.faults.values()), self.kills)
        return any(got < days * wanted for got, wanted in zip(brought, least, strict=True))

    @property
    def summary(self) -> str:
        """One line of figures."""
        faults = sum(self.faults.values())
        return (
            f"seed {self.seed}: {self.steps} steps, {self.uploads} uploads, {self.files} files, "
            f"{faults} faults, {self.kills} kills, digest {self.digest}"
        )
