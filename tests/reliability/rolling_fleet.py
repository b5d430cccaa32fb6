"""The functions of a local stack, redeployed while they work: instances change one after the other.

It replaces `local.stack.instances` in a stack.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING

from local.stack.instances import Instances
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STEPS = 3
"""In how many steps the new instances take over; in all but the last, old and new ones run side by side."""
SIDE_BY_SIDE = ("upload_signature", "event_notification")
"""The functions of which old and new instances have to be invoked once more before a step is over."""
LOOK_SECONDS = 0.04


class RollingFleet:
    """Instances of one deployment, or for a while of two; a variable without a value is left out."""

    def __init__(self, environment: Mapping[str, str], *, log_file: Path, limit: int) -> None:
        self._log_file, self._limit = log_file, limit
        self._present = self._next = self._instances(environment)
        self._share = 0.0
        self._randomness = random.Random(20_261_125)  # noqa: S311 -- no secret
        self._at_work: Counter[Instances] = Counter()
        self._served: Counter[tuple[Instances, str]] = Counter()
        self.deployments = 0

    async def invoke(self, function: str, event: Mapping[str, object], *, request_id: str = "") -> object:
        """Invoke an old or a new instance."""
        chosen = self._next if self._randomness.random() < self._share else self._present
        self._at_work[chosen] += 1
        self._served[chosen, function] += 1
        try:
            return await chosen.invoke(function, event, request_id=request_id)
        finally:
            self._at_work[chosen] -= 1

    async def deploy(self, environment: Mapping[str, str]) -> None:
        """Replace the instances; the old ones end after their last answer."""
        old, self._next = self._present, self._instances(environment)
        self._served.clear()
        for step in range(1, STEPS):
            self._share = step / STEPS
            await asyncio.wait_for(self._both_served(old, step), PATIENCE_SECONDS)
        self._share, self._present = 1.0, self._next
        self.deployments += 1
        while self._at_work[old]:  # noqa: ASYNC110 -- an event would have to be set after every invocation
            await asyncio.sleep(LOOK_SECONDS)
        await old.stop()

    async def stop(self) -> None:
        """End all instances."""
        await self._present.stop()

    async def _both_served(self, old: Instances, times: int) -> None:
        while any(self._served[it, name] < times for it in (old, self._next) for name in SIDE_BY_SIDE):  # noqa: ASYNC110 -- as above
            await asyncio.sleep(LOOK_SECONDS)

    def _instances(self, environment: Mapping[str, str]) -> Instances:
        given = {name: value for name, value in environment.items() if value}
        return Instances(given, log_file=self._log_file, limit=self._limit)
