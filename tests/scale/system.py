"""The system as a discrete-event model: uploads, callbacks, the app, the store; `timers.py` has the timers.

It leaves out what its figures do not depend on: cold starts, the ranks of events, the order within an upload.
The store is counted and takes its time of an instance; that it has no queue is for `sizes.py` to see to.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from functions.event_notification import INLINE_SECONDS
from local.operator.capacity import READ_BACK_CALLS, STORE_CALLS
from shared.domain.retry_schedule import next_attempt_at
from tests.scale.engine import Level, Simulation, Station
from tests.scale.timers import DeliveryTimer, PullTimer

if TYPE_CHECKING:
    from tests.scale.parameters import Parameters

ASKED_AGAIN_SECONDS = 30
"""The least pause of an event for whose read-back VOD has no call left; the longest is twice that."""
REFUSAL_SECONDS = 0.05
"""How long an attempt takes that is refused at once."""


@dataclass(eq=False)
class Job:
    """Events that arrived together, as many as a job stands for."""

    arrived_at: float
    is_verified: bool
    attempts: int = 0
    due_at: float = 0
    is_over: bool = False


@dataclass(frozen=True)
class Sample:
    """An instant: the events that are not delivered, and the age of the oldest."""

    at: float
    backlog: float
    age: float


@dataclass
class Figures:
    """What a run shows, in seconds and events; `answers` are the seconds until a callback was answered.

    `refused` are callbacks without an instance, `drained_at` is when after an outage no event was older than
    two runs of the timers.
    """

    samples: list[Sample] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    pulls: list[float] = field(default_factory=list)
    delivered: float = 0
    delivered_at: float = 0
    refused: float = 0
    dead: float = 0
    store_calls: float = 0
    drained_at: float | None = None


class System:
    """One run of the model; the same seed gives the same figures."""

    def __init__(self, given: Parameters, *, seed: int = 6, even: bool = False) -> None:
        """Prepare; arrivals are a Poisson stream, or `even`, at equal distances."""
        self.given, self.figures = given, Figures()
        self.weight = given.grain * given.assumed.events
        self.simulation = Simulation()
        self.instances = Station(self.simulation, given.instances)
        self.requests, self.backlog = Level(self.simulation), Level(self.simulation)
        self.random = random.Random(seed)  # noqa: S311  # of a model
        self.delivery = DeliveryTimer(self)
        self.pulling = PullTimer(self)
        self._even = even
        self._requests_seconds = given.capacity.requests_seconds
        self._undelivered: deque[Job] = deque()
        self._next_vod = 0.0

    def run(
        self, until: float, *, uploads_until: float = float("inf"), sample_seconds: float = 10
    ) -> Figures:
        """Run to the given instant, or until nothing of an outage is left."""
        self._arrive(uploads_until)
        self._sample(sample_seconds)
        # In serverless.yml the two timers are half a minute apart.
        self.simulation.after(self.given.timers.period / 2, self.delivery.begin)
        if self.given.mode == "pull":
            self.simulation.after(self.given.timers.pause, self.pulling.begin)
        self.simulation.run(until)
        return self.figures

    def takes_vod(self, calls: float) -> bool:
        """Return whether so many calls of one action of VOD may be made now, and count them."""
        now = self.simulation.now
        if self._next_vod > now:
            return False
        self._next_vod = max(self._next_vod, now - 1) + calls / self.given.assumed.vod_calls
        return True

    def attempt(self, job: Job, time_out: float) -> float:
        """Attempt to deliver to the app as it is now; return the seconds that takes."""
        outage = self.given.outage
        job.attempts += 1
        if outage.begins <= self.simulation.now < outage.ends:
            return REFUSAL_SECONDS if outage.kind == "refuses" else time_out
        job.is_over = True
        return self.given.assumed.webhook_ms / 1000

    def settle(self, job: Job) -> None:
        """Finish a delivered event, or plan its next attempt."""
        now, following = self.simulation.now, self.simulation.now
        if job.is_over:
            self.figures.delivered += self.weight
            self.figures.delivered_at = now
            self.backlog.add(-self.weight)
        elif not job.is_verified:
            following += ASKED_AGAIN_SECONDS * (1 + self.random.random())
        elif job.attempts:
            planned = next_attempt_at(job.attempts, now=int(now), random=self.random.random())
            if planned is None:
                job.is_over = True
                self.figures.dead += self.weight
                self.backlog.add(-self.weight)
            else:
                following = planned
        if not job.is_over:
            self.delivery.plan(job, following)
        self.delivery.work()

    def _arrive(self, last: float) -> None:
        """Let an upload's requests take instances, and have its event pushed or queued."""
        given, now = self.given, self.simulation.now
        if now > last:
            return
        mean = given.grain / given.uploads
        pause = mean if self._even else self.random.expovariate(1 / mean)
        self.simulation.after(pause, partial(self._arrive, last))
        requests = given.grain * (given.assumed.signatures + given.assumed.statuses)
        self.figures.store_calls += requests * STORE_CALLS["signature"]
        # They have a share of the instances of their own, so that callbacks never wait for them.
        self.requests.add(given.grain)
        self.simulation.after(self._requests_seconds, partial(self.requests.add, -given.grain))
        job = Job(now, is_verified=given.mode == "pull" or not given.read_back)
        if given.mode == "pull":
            self.pulling.queue.append(job)
        elif given.waits or self.instances.is_free_for(self.weight):
            self.instances.submit(self.weight, partial(self._call_back, job), partial(self._answer, job))
        else:
            self.figures.refused += self.weight
            return
        self._undelivered.append(job)
        self.backlog.add(self.weight)

    def _call_back(self, job: Job) -> float:
        """Return how long a pushed event holds its instance: journal, read-back, delivery."""
        given = self.given
        self.figures.store_calls += self.weight * STORE_CALLS["push"]
        seconds = given.capacity.held_seconds(given.measured.event_ms, STORE_CALLS["push"])
        if not job.is_verified:
            if not self.takes_vod(self.weight):
                return seconds
            job.is_verified = True
            seconds += READ_BACK_CALLS * given.assumed.vod_ms / 1000
        if given.outage.is_known_at(self.simulation.now):
            return seconds
        return seconds + self.attempt(job, INLINE_SECONDS - seconds)

    def _answer(self, job: Job) -> None:
        self.figures.answers.append(self.simulation.now - job.arrived_at)
        self.settle(job)

    def _sample(self, seconds: float) -> None:
        now, outage = self.simulation.now, self.given.outage
        while self._undelivered and self._undelivered[0].is_over:
            self._undelivered.popleft()
        oldest = self._undelivered[0].arrived_at if self._undelivered else now
        self.figures.samples.append(Sample(now, self.backlog.value, now - oldest))
        # In pull every event waits for up to one run, and then for the next.
        if outage.seconds and now >= outage.ends and now - oldest <= 2 * self.given.timers.period:
            self.figures.drained_at = now
            self.simulation.end()
        self.simulation.after(seconds, partial(self._sample, seconds))
