"""The runs of both timers: one delivers until nothing is due, the other pulls and then delivers too."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from functools import cached_property, partial
from typing import TYPE_CHECKING

from local.operator.capacity import PULLED_AT_ONCE, READ_BACK_CALLS, STORE_CALLS
from shared.flows.deliver_events import ATTEMPT_SECONDS
from tests.scale.engine import Level
from tests.scale.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scale.system import Job, System


class DeliveryTimer:
    """What is due, and the runs that deliver it.

    How many attempts a run makes at once bounds how many it begins in a second, and so does its processor.
    """

    def __init__(self, system: System) -> None:
        self.instances = Level(system.simulation)
        self._system, self._given = system, system.given
        self._pace = Pace(system.given.assumed.delivery_rate)
        self._due: list[tuple[float, int, Job]] = []
        self._numbers = itertools.count()
        self._runs: dict[int, Callable[[], None]] = {}
        self._shards = self._in_flight = 0
        self._woken_at = 0.0

    def begin(self) -> None:
        """Begin a run of each shard."""
        now, timers = self._system.simulation.now, self._given.timers
        others = int(self._given.assumed.delivery_shards) - 1
        self.instances.add(1 + others)
        if others:
            self.run(now, now + timers.sharded_delivering, others, lambda: None)
        # The first looks after uploads in the rest of its time.
        self.run(now, now + timers.delivering, 1, self.begin)

    def run(self, began: float, until: float, shards: int, timer: Callable[[], None]) -> None:
        """Deliver with so many shards until nothing is due or the time is up; then plan the next run."""
        simulation, timers, number = self._system.simulation, self._given.timers, next(self._numbers)
        self._shards += shards

        def end() -> None:
            if self._runs.pop(number, None):
                self._shards -= shards
                self.instances.add(-shards)
                simulation.at(max(began + timers.period, simulation.now + timers.pause), timer)

        self._runs[number] = end
        simulation.at(until, end)
        self.work()

    def plan(self, job: Job, at: float) -> None:
        """Plan an attempt."""
        job.due_at = at
        heapq.heappush(self._due, (at, next(self._numbers), job))

    def work(self) -> None:
        """Begin what is due, at the set rate; end the runs when nothing is."""
        if not self._runs:
            return
        simulation, weight, now = self._system.simulation, self._system.weight, self._system.simulation.now
        while self._runs and self._due and self._due[0][0] <= now:
            if now < self._pace.next_at:
                if self._woken_at < self._pace.next_at:
                    self._woken_at = self._pace.next_at
                    simulation.at(self._woken_at, self.work)
                return
            job = heapq.heappop(self._due)[2]
            self._pace.take(now, weight, slowest=self._slowest / self._shards)
            self._in_flight += 1
            simulation.after(self._deliver(job), partial(self._end, job))
        if not self._in_flight:
            for end in tuple(self._runs.values()):
                end()

    @cached_property
    def _own(self) -> float:
        """The seconds that an attempt takes without VOD and the app."""
        return self._given.capacity.own_seconds(self._given.measured.event_ms, STORE_CALLS["delivery"])

    @cached_property
    def _slowest(self) -> float:
        """The seconds between two attempts of one run, by its processor and by how many it makes at once."""
        measured, assumed, capacity = self._given.measured, self._given.assumed, self._given.capacity
        at_once = (self._own + assumed.webhook_ms / 1000) / assumed.workers
        return max(capacity.own_seconds(measured.event_ms, 0), at_once)

    def _deliver(self, job: Job) -> float:
        """Return how long an attempt takes: a lease, the read-back, the app."""
        given, weight, seconds = self._given, self._system.weight, self._own
        self._system.figures.store_calls += weight * STORE_CALLS["delivery"]
        if not job.is_verified:
            if not self._system.takes_vod(weight):
                return seconds
            job.is_verified = True
            seconds += READ_BACK_CALLS * given.assumed.vod_ms / 1000
        return seconds + self._system.attempt(job, ATTEMPT_SECONDS)

    def _end(self, job: Job) -> None:
        weight = self._system.weight
        self._in_flight -= 1
        if self._pace.is_probing and not job.is_over and weight > 1:
            # One event of the job has failed; the others are still first in their turn.
            job.attempts -= 1
            self.plan(job, job.due_at)
            self.work()
            return
        self._pace.note(self._system.simulation.now, weight, delivered=job.is_over)
        self._system.settle(job)


class PullTimer:
    """VOD's queue, and the loops that pull it."""

    def __init__(self, system: System) -> None:
        self.queue: deque[Job] = deque()
        self._system, self._given = system, system.given
        self._next_call = 0.0

    def begin(self) -> None:
        """Begin a run of each loop."""
        given, now = self._given, self._system.simulation.now
        self._system.delivery.instances.add(given.assumed.pull_shards)
        # Where a job is more than a pull of one loop, loops are taken together.
        groups = max(
            1,
            min(
                int(given.assumed.pull_shards),
                round(given.assumed.pull_shards * PULLED_AT_ONCE / self._system.weight),
            ),
        )
        pulling = set(range(groups))

        def end(group: int) -> None:
            pulling.discard(group)
            if not pulling:
                until = now + given.timers.pulling + given.timers.pulled_delivering
                self._system.delivery.run(now, until, int(given.assumed.pull_shards), self.begin)

        for group in pulling.copy():
            self._pull(now + given.timers.pulling, given.assumed.pull_shards / groups, partial(end, group))

    def _pull(self, until: float, loops: float, end: Callable[[], None]) -> None:
        """Pull, journal and confirm as so many loops do together, until the queue is empty."""
        given, now, weight = self._given, self._system.simulation.now, self._system.weight
        again = partial(self._pull, until, loops, end)
        if now > until:
            end()
        elif not self.queue:
            wait = given.timers.poll or given.assumed.vod_ms / 1000
            self._system.simulation.after(wait, lambda: again() if self.queue else end())
        else:
            most = max(1, int(loops * PULLED_AT_ONCE / weight))
            jobs = [self.queue.popleft() for _ in range(min(len(self.queue), most))]
            events = len(jobs) * weight
            calls = max(1.0, events / PULLED_AT_ONCE)
            journal = given.capacity.own_seconds(
                events / calls * given.measured.event_ms, STORE_CALLS["batch"]
            )
            seconds = calls * (2 * given.assumed.vod_ms / 1000 + journal) / loops
            begins = max(now, self._next_call)
            self._next_call = begins + calls / given.assumed.vod_calls
            self._system.figures.pulls.append(begins)
            self._system.figures.store_calls += calls * STORE_CALLS["batch"]
            self._system.simulation.at(begins + seconds, partial(self._pulled, jobs, again))

    def _pulled(self, jobs: list[Job], again: Callable[[], None]) -> None:
        for job in jobs:
            self._system.settle(job)
        again()
