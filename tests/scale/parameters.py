"""What the model is given: constants of the code, figures measured in the same run, and stated assumptions.

`local.operator.capacity` says for how long an invocation holds an instance, in steady state and here alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from functions.event_delivery import DELIVERIES_SHARE
from local.operator.capacity import TIMER_PERIOD, TIMER_SECONDS, Assumed, Capacity, Measured
from shared.flows.delivery_run import LEAST_SECONDS
from shared.flows.pull_events import CONFIRM_SECONDS, PULL_SECONDS
from shared.runtime.invocation import deadline_of

if TYPE_CHECKING:
    from typing_extensions import Self

POLL_SECONDS = 5.0
"""How long PullEvents waits for an event (doc 266/34183)."""
FAILING_SECONDS = 60
"""After so long without a delivery a callback leaves its event to the timers (`lua/steps/endpoint.lua`)."""


@dataclass(frozen=True)
class Outage:
    """A time in which the app takes nothing: it `refuses` at once, or `hangs` until the time-out."""

    begins: float = 0
    seconds: float = 0
    kind: Literal["refuses", "hangs"] = "refuses"

    @property
    def ends(self) -> float:
        """The instant at which the app is well again."""
        return self.begins + self.seconds

    def is_known_at(self, now: float) -> bool:
        """Return whether callbacks leave their events to the timers by then."""
        return self.begins + FAILING_SECONDS < now < self.ends


@dataclass(frozen=True)
class Timers:
    """When runs begin and end: the next begins `period` after the last began, `pause` after it ended.

    A run has so many seconds to pull, and then to deliver what is due; of the runs that only deliver, the
    shards after the first have longer.
    """

    period: float
    pause: float
    pulling: float
    pulled_delivering: float
    delivering: float
    sharded_delivering: float
    poll: float = POLL_SECONDS

    @classmethod
    def deployed(cls) -> Self:
        """Return the timers of `serverless.yml`."""
        run = deadline_of({"time_limit_in_ms": TIMER_SECONDS * 1000}, started=0)
        pulling = run - PULL_SECONDS - CONFIRM_SECONDS
        return cls(
            period=TIMER_PERIOD,
            pause=0,
            pulling=pulling,
            pulled_delivering=run - pulling - LEAST_SECONDS,
            delivering=run * DELIVERIES_SHARE - LEAST_SECONDS,
            sharded_delivering=run - LEAST_SECONDS,
        )


@dataclass(frozen=True)
class Parameters:
    """One deployment under one load, by the second; its settings are among what is assumed.

    `instances` are those of the callback. `grain` is how many uploads one job of the model stands for: they
    share their fate. `waits`: a callback without an instance waits, as on a laptop; the platform refuses it,
    and reconciliation finds its upload later.
    """

    uploads: float
    mode: Literal["push", "pull"]
    measured: Measured
    assumed: Assumed
    instances: int
    read_back: bool = True
    outage: Outage = Outage()
    timers: Timers = field(default_factory=Timers.deployed)
    grain: float = 1
    waits: bool = False

    @cached_property
    def capacity(self) -> Capacity:
        """The arithmetic of one invocation."""
        return Capacity(self.measured, self.assumed, self.instances)
