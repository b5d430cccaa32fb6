"""One seeded scheduler on virtual time: everything that happens in a simulation is one of its steps."""

from __future__ import annotations

import hashlib
import heapq
import random
from itertools import count
from typing import TYPE_CHECKING

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]  # it ships no types

if TYPE_CHECKING:
    from collections.abc import Callable


class Killed(BaseException):
    """The process that runs a task was killed; whatever the task then calls raises this again.

    No handler of the code under test catches it.
    """


class Task:
    """A function that may sleep in virtual time; `owner` is whatever runs it."""

    def __init__(
        self, scheduler: Scheduler, name: str, function: Callable[[], object], owner: object
    ) -> None:
        self.name = name
        self.owner = owner
        self.is_killed = False
        self._scheduler = scheduler
        self._function = function
        self._greenlet = greenlet(self._run, scheduler.main)

    @property
    def has_ended(self) -> bool:
        """True after it has returned or was killed."""
        return bool(self._greenlet.dead)

    def _run(self) -> None:
        try:
            self._function()
        except Killed:
            self._scheduler.trace(f"killed {self.name}")

    def resume(self) -> None:
        """Run it until it sleeps or ends."""
        if not self.has_ended:
            before, self._scheduler.current = self._scheduler.current, self
            self._greenlet.switch()
            self._scheduler.current = before

    def kill(self) -> None:
        """Kill it where it sleeps; `finally` blocks run, and can reach nobody."""
        self.is_killed = True
        self.resume()


class Scheduler:
    """Runs actions in the order of their virtual time; equal times in the order of their planning.

    `random_of` gives each part of the world random numbers of its own, so that a change in one part does not
    change all others. `digest` is that of all steps and of all that was traced.
    """

    def __init__(self, seed: int, *, start: float) -> None:
        self.start = self.now = start
        self.steps = 0
        self.is_halted = False
        self.main = getcurrent()
        self.current: Task | None = None
        self._seed = seed
        self._planned: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._digest = hashlib.sha256()
        self._tail: list[str] = []

    def random_of(self, part: str) -> random.Random:
        """Return a source of random numbers that depends on seed and part alone."""
        return random.Random(f"{self._seed} {part}")  # noqa: S311 -- a simulation

    def monotonic(self) -> float:
        """Return the virtual seconds since the start, as the clock that never goes back."""
        return self.now - self.start

    def at(self, when: float, action: Callable[[], object]) -> None:
        """Plan an action; one in the past is next."""
        heapq.heappush(self._planned, (max(when, self.now), next(self._order), action))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Plan an action after so many seconds."""
        self.at(self.now + seconds, action)

    def spawn(self, name: str, function: Callable[[], object], *, owner: object = None) -> Task:
        """Start a task with the next step."""
        task = Task(self, name, function, owner)
        self.at(self.now, task.resume)
        return task

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for the task that calls.

        Raises:
            Killed: the task was killed before or meanwhile.

        """
        task = self.current
        assert task is not None
        if not task.is_killed:
            self.after(seconds, task.resume)
            self.main.switch()
        if task.is_killed:
            raise Killed

    def pause(self) -> None:
        """Wait until somebody resumes the task that calls."""
        self.main.switch()

    def run(self, until: float, *, most_steps: int | None = None) -> None:
        """Run all that is planned before `until`, at most up to a number of steps in all."""
        while self._planned and self._planned[0][0] < until and not self.is_halted:
            if most_steps is not None and self.steps >= most_steps:
                return
            self.now, order, action = heapq.heappop(self._planned)
            self.steps += 1
            self._digest.update(f"{self.now - self.start:.6f} {order}\n".encode())
            action()
        self.now = max(self.now, until)

    def trace(self, text: str) -> None:
        """Add what happened to the digest, and to the last lines."""
        line = f"{self.steps} {self.now - self.start:.3f} {text}"
        self._digest.update(line.encode())
        self._tail = [*self._tail[-39:], line]

    @property
    def digest(self) -> str:
        """Digest of the run up to now."""
        return self._digest.hexdigest()[:16]

    @property
    def last_lines(self) -> list[str]:
        """The last things that happened."""
        return self._tail
