"""A discrete-event engine: a clock, a heap of what happens next, and stations whose servers jobs wait for.

Times are in seconds. A job may stand for several requests alike: its weight, in servers of a station.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Action = Callable[[], object]


class Simulation:
    """Virtual time; what is due at the same instant happens in the order in which it was planned."""

    def __init__(self) -> None:
        self.now = 0.0
        self._planned: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()
        self._is_over = False

    def at(self, instant: float, action: Action) -> None:
        """Plan an action for an instant."""
        heapq.heappush(self._planned, (instant, next(self._numbers), action))

    def after(self, seconds: float, action: Action) -> None:
        """Plan an action for so many seconds from now."""
        self.at(self.now + seconds, action)

    def end(self) -> None:
        """Let the run end after the action that calls this."""
        self._is_over = True

    def run(self, until: float) -> None:
        """Let time pass until the given instant, or until an action ends the run."""
        planned, self._is_over = self._planned, False
        while planned and planned[0][0] <= until:
            self.now, _, action = heapq.heappop(planned)
            action()
            if self._is_over:
                return
        self.now = max(self.now, until) if until < math.inf else self.now


class Level:
    """A number that changes over time: its value, its highest and its average over time."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._since, self._area = simulation.now, 0.0
        self.value = self.peak = 0.0

    def add(self, number: float) -> None:
        """Change the value from now on."""
        now = self._simulation.now
        self._area += self.value * (now - self._since)
        self._since = now
        self.value += number
        self.peak = max(self.peak, self.value)

    @property
    def mean(self) -> float:
        """The average over all the time that has passed."""
        self.add(0)
        return self._area / self._since if self._since else 0.0


class Station:
    """Servers that take jobs first come, first served; a job takes as many servers as its weight.

    A job heavier than the station takes all its servers for as many turns as that needs.
    """

    def __init__(self, simulation: Simulation, servers: int) -> None:
        self.servers = servers
        self.busy, self.waiting = Level(simulation), Level(simulation)
        self._simulation = simulation
        self._queue: deque[tuple[float, Callable[[], float], Action]] = deque()

    def is_free_for(self, weight: float) -> bool:
        """Return whether a job would be served at once."""
        return not self._queue and self.busy.value + min(weight, self.servers) <= self.servers

    def submit(self, weight: float, serve: Callable[[], float], done: Action) -> None:
        """Queue a job: `serve` is called when its service begins and returns seconds, `done` at its end."""
        self._queue.append((weight, serve, done))
        self.waiting.add(weight)
        self._start()

    def _start(self) -> None:
        while self._queue:
            weight, serve, done = self._queue[0]
            taken = min(weight, self.servers)
            if self.busy.value + taken > self.servers:
                return
            self._queue.popleft()
            self.waiting.add(-weight)
            self.busy.add(taken)
            self._simulation.after(serve() * weight / taken, partial(self._end, taken, done))

    def _end(self, taken: float, done: Action) -> None:
        self.busy.add(-taken)
        done()
        self._start()
