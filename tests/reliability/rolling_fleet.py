"""The functions of a local stack, redeployed while they work: instances change one after the other.

It replaces `local.stack.instances` in a stack.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING

from local.stack.instances import Instances

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STEPS = 4
STEP_SECONDS = 0.4
"""Number of steps in which the new instances take over; in each, old and new ones run side by side."""


class RollingFleet:
    """Instances of one deployment, or for a while of two; a variable without a value is left out."""

    def __init__(self, environment: Mapping[str, str], *, log_file: Path, limit: int) -> None:
        self._log_file, self._limit = log_file, limit
        self._present = self._next = self._instances(environment)
        self._share = 0.0
        self._randomness = random.Random(20_261_125)  # noqa: S311 -- no secret
        self._at_work: Counter[Instances] = Counter()
        self._served: Counter[Instances] = Counter()
        self.side_by_side: list[tuple[int, int]] = []
        """For each deployment, the invocations of old and of new instances while both ran."""

    async def invoke(self, function: str, event: Mapping[str, object], *, request_id: str = "") -> object:
        """Invoke an old or a new instance."""
        chosen = self._next if self._randomness.random() < self._share else self._present
        self._at_work[chosen] += 1
        self._served[chosen] += 1
        try:
            return await chosen.invoke(function, event, request_id=request_id)
        finally:
            self._at_work[chosen] -= 1

    async def deploy(self, environment: Mapping[str, str]) -> None:
        """Replace the instances; the old ones end after their last answer."""
        old, self._next = self._present, self._instances(environment)
        self._served.clear()
        for step in range(1, STEPS + 1):
            self._share = step / STEPS
            await asyncio.sleep(STEP_SECONDS)
        self.side_by_side.append((self._served[old], self._served[self._next]))
        self._present = self._next
        while self._at_work[old]:  # noqa: ASYNC110 -- an event would have to be set after every invocation
            await asyncio.sleep(STEP_SECONDS / 10)
        await old.stop()

    async def stop(self) -> None:
        """End all instances."""
        await self._present.stop()

    def _instances(self, environment: Mapping[str, str]) -> Instances:
        given = {name: value for name, value in environment.items() if value}
        return Instances(given, log_file=self._log_file, limit=self._limit)
