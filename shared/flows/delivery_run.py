"""One run of a timer: take what is due, and deliver it in parallel at the endpoint's rate."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from shared.domain.event_status import EventStatus, IngestOutcome, log_word
from shared.flows.deliver_events import ATTEMPT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol, TypeAlias, TypeVar

    from shared.domain.journal import EventKey
    from shared.flows.deliver_events import Deliverer
    from shared.store.journal import Store

    Ending: TypeAlias = EventStatus | IngestOutcome
    T = TypeVar("T")

    class Workers(Protocol[T]):
        """Calls at the same time, of which one thread collects the results (`shared.runtime.workers`)."""

        busy: int

        @property
        def free(self) -> int:
            """The number of calls that can be begun."""

        def begin(self, call: Callable[[], T]) -> None:
            """Begin a call."""

        def ended(self, seconds: float) -> list[T]:
            """Return the results since the last time; wait so long for one at most."""


BATCH = 32
"""The most events of a partition and rank that are listed at a time."""
LEASE_SECONDS = 2 * int(ATTEMPT_SECONDS)
"""The lease of a taken event: a verification and an attempt fit into it."""
LEAST_SECONDS = 3.0
"""An attempt needs at least this much time: a shorter one would hardly succeed, and would count."""
LISTED_SECONDS = 1.0
"""How long a list is used: what VOD has confirmed meanwhile goes before the rest of it."""
PAUSE_SECONDS = 0.05
"""The shortest wait for send slots, so that several come together."""
GRACE_SECONDS = 1.0
"""How long after the deadline attempts are waited for, which end by it."""


class DeliveryRun:
    """One run of a timer, on the partitions that it `has`.

    `timer` is the name of the timer's function, whose run is recorded.

    The thread that calls lists, takes and begins; the workers verify, send and record. `rate` is the most
    attempts a second, of all runs together. `wait` sleeps for seconds, `new_lease` returns a random lease.
    With the name of an `endpoint` it delivers the copies for that one; a `rate` of 0 is none.
    """

    def __init__(  # noqa: PLR0913 -- a run needs that many parts
        self,
        *,
        deliverer: Deliverer,
        workers: Workers[Ending],
        rate: int,
        wait: Callable[[float], None],
        new_lease: Callable[[], str],
        endpoint: str = "",
        timer: str = "",
        has: Callable[[int], bool] = lambda _partition: True,
    ) -> None:
        self.deliverer = deliverer
        self.endings = Counter[str]()
        self._workers = workers
        self._rate = rate
        self._wait = wait
        self._new_lease = new_lease
        self._name = endpoint
        self._timer = timer
        self._has = has
        self._slots = self._delivered = self._failed = 0

    def run(self) -> dict[str, int]:
        """Deliver until nothing is due or the time is up; return the number of events by outcome.

        Raises:
            StoreUnavailableError: the store did not answer; what was not finished stays due.

        """
        try:
            left = self._deliver_until_nothing_is_due()
        finally:
            self._collect_all()
        return {**self.endings, **({"leftForNextRound": 1} if left else {})}

    def _deliver_until_nothing_is_due(self) -> bool:
        """Return whether something was left because the time is up."""
        listed: Sequence[EventKey] = ()
        listed_at = 0.0
        while True:
            now = self._clock()
            if not listed or now - listed_at > LISTED_SECONDS:
                listed, listed_at = self._list(int(now)), now
            if listed and now > self._deadline - LEAST_SECONDS:
                return True
            if listed and self._workers.free:
                listed = self._begin(listed)
                self._collect(0)
            elif not self._workers.busy:
                return False
            elif not self._collect(self._deadline - now):
                return bool(listed)

    def _list(self, now: int) -> Sequence[EventKey]:
        return self._store.due_events(
            now=now, limit=BATCH, endpoint=self._name, timer=self._timer, has=self._has
        )

    def _begin(self, listed: Sequence[EventKey]) -> Sequence[EventKey]:
        """Take and begin as many as there are workers and send slots; return the rest of the list."""
        wanted = min(self._workers.free, len(listed))
        if not self._rate:
            self._slots = wanted
        elif not self._slots:
            since, self._delivered, self._failed = (self._delivered, self._failed), 0, 0
            slots = self._store.send_slots(
                self._endpoint, now=self._clock(), rate=self._rate, wanted=wanted, since=since
            )
            self._slots = slots.granted
            if not slots.granted:
                self._wait(max(slots.wait_seconds, PAUSE_SECONDS))
                return listed
        chosen = listed[: min(self._slots, wanted)]
        now = int(self._clock())
        taken = self._store.take(
            chosen,
            endpoint=self._endpoint,
            now=now,
            lease=self._new_lease(),
            lease_ends_at=now + LEASE_SECONDS,
        )
        # Another run may have taken some: their slots serve the next events.
        self._slots -= len(taken)
        for at, event in taken:
            self._workers.begin(partial(self.deliverer.deliver_taken, at, event))
        return listed[len(chosen) :]

    def _collect(self, seconds: float) -> bool:
        """Count what has ended; wait so long for the first. Return whether anything has."""
        endings = self._workers.ended(seconds)
        for ending in endings:
            self.endings[log_word(ending)] += 1
            self._delivered += ending is EventStatus.DELIVERED
            self._failed += ending in (EventStatus.DUE, EventStatus.DEAD)
        return bool(endings)

    def _collect_all(self) -> None:
        while self._workers.busy:
            if not self._collect(self._deadline + GRACE_SECONDS - self._clock()):
                # Their leases end, and other runs take them.
                self.endings["abandoned"] += self._workers.busy
                return

    @property
    def _store(self) -> Store:
        return self.deliverer.ingester.store

    @property
    def _endpoint(self) -> str:
        return self.deliverer.ingester.settings.app_webhook_url or ""

    @property
    def _clock(self) -> Callable[[], float]:
        return self.deliverer.clock

    @property
    def _deadline(self) -> float:
        return self.deliverer.deadline
