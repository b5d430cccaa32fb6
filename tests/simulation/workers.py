"""The workers of an instance's delivery run, as tasks of the simulation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.instances import Platform

LOOK_SECONDS = 0.25
"""How often the main task looks whether a call has ended."""


class SimulatedWorkers:
    """What `shared.runtime.workers.Workers` is: the calls are tasks, which are killed with their instance."""

    def __init__(self, platform: Platform, most: int) -> None:
        self._platform = platform
        self._most = most
        self._ended: list[Callable[[], Any]] = []
        self.busy = 0

    @property
    def free(self) -> int:
        """The number of calls that can be begun."""
        return self._most - self.busy

    def begin(self, call: Callable[[], Any]) -> None:
        """Begin a call with the next step."""
        self.busy += 1
        self._platform.spawn_worker(partial(self._run, call))

    def ended(self, seconds: float) -> list[Any]:
        """Return the results of the calls that have ended; wait for the first of them at most so long."""
        scheduler = self._platform.scheduler
        end = scheduler.now + seconds
        while self.busy and not self._ended and scheduler.now < end:
            scheduler.sleep(min(end - scheduler.now, LOOK_SECONDS))
        ended, self._ended = self._ended, []
        self.busy -= len(ended)
        return [result() for result in ended]

    def _run(self, call: Callable[[], Any]) -> None:
        try:
            value = call()
        except Exception as error:  # noqa: BLE001 -- `ended` raises it
            self._ended.append(partial(_raise, error))
        else:
            self._ended.append(lambda: value)


def _raise(error: Exception) -> None:
    raise error
