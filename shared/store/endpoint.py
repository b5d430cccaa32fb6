"""Health of the app's endpoint, and numbers of waiting and given-up events.

Each attempt updates the fields in the partition of its event (`lua/finish_attempt.lua`); this module
reads them from all partitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.domain.event_status import EventStatus
from shared.domain.journal import Rank, index_key
from shared.store.connection import StoreConnection, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.redis.resp import Command, Reply

RANK_STEP = 10**12
"""An event's score in the index `due`: the Unix second of its next attempt, and this times its rank."""
PAUSED_SECONDS = 5 * 86_400
"""An endpoint that fails for longer is paused (`lua/steps/endpoint.lua`)."""


class EndpointHealth(NamedTuple):
    """Health of the app's endpoint; instants are Unix seconds, None if there is none.

    `failing_since` is the first failure after the last delivery. `disabled_since`: the app answered 410, and
    its events wait until an operator enables it again.
    """

    delivered_at: int | None
    failing_since: int | None
    disabled_since: int | None

    def is_paused(self, *, now: int) -> bool:
        """Return whether it has failed for longer than PAUSED_SECONDS."""
        return self.failing_since is not None and now - self.failing_since > PAUSED_SECONDS

    @property
    def is_disabled(self) -> bool:
        """True if nothing is sent to it until an operator enables it."""
        return self.disabled_since is not None

    def figures(self, *, now: int) -> dict[str, int]:
        """Return a timer's figures: how long it has been failing or disabled, 0 if it is not."""
        since = {"failingSeconds": self.failing_since, "disabledSeconds": self.disabled_since}
        return {name: 0 if start is None else max(0, now - start) for name, start in since.items()}


class EndpointStore(StoreConnection):
    """The endpoints of one stage; each method is one round trip for all partitions."""

    def endpoint_health(self, endpoint: str) -> EndpointHealth:
        """Return the health of the endpoint at this URL, over all partitions.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        replies = self._of_endpoint(endpoint, "HMGET", "delivered_at", "failing_since", "disabled_at")
        delivered, failing, disabled = (
            [int(mark) for mark in column if mark is not None] for column in zip(*replies, strict=True)
        )
        delivered_at = max(delivered, default=None)
        # A partition records a recovery with its next event only: until then its `failing_since` is stale.
        still_failing = (since for since in failing if delivered_at is None or since >= delivered_at)
        return EndpointHealth(delivered_at, min(still_failing, default=None), min(disabled, default=None))

    def enable_endpoint(self, endpoint: str) -> bool:
        """Resume deliveries to a disabled endpoint, probe a paused one at once; False if it is neither.

        Raises:
            StoreUnavailableError: the store did not answer; it may be enabled in some partitions.

        """
        return any(self._of_endpoint(endpoint, "HDEL", "disabled_at", "probed_at"))

    def _of_endpoint(self, endpoint: str, command: str, *fields: str) -> list[Reply]:
        name = digest(endpoint)
        return self._of_each_partition(lambda partition: [(command, f"{partition}:endpoint:{name}", *fields)])


GIVEN_UP = (EventStatus.DEAD.value, EventStatus.PARKED.value, EventStatus.QUARANTINED.value)
"""Each has an index of its name."""


class Backlog(NamedTuple):
    """Numbers of events; `next_due_at` (Unix seconds) is when the first waiting one is due.

    `of_endpoints`: of these the copies for each endpoint of APP_WEBHOOKS, also for one that is no more set.
    """

    due: int
    next_due_at: int | None
    dead: int
    parked: int
    quarantined: int
    of_endpoints: Mapping[str, Backlog] = {}

    def figures(self, *, now: int) -> dict[str, int]:
        """Return a timer's figures; `overdueSeconds` is how long the first event has been due."""
        overdue = 0 if self.next_due_at is None else max(0, now - self.next_due_at)
        given_up = {"dead": self.dead, "parked": self.parked, "quarantined": self.quarantined}
        return {"due": self.due, "overdueSeconds": overdue, **given_up}


class BacklogStore(StoreConnection):
    """The backlog of one stage."""

    def backlog(self, *, now: int) -> Backlog:
        """Count over all partitions; events past their retention are not counted.

        One round trip, and one for each endpoint of APP_WEBHOOKS that events were handed on to.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        own, names = self._backlog("", now=now)
        of_endpoints = {name: self._backlog(name, now=now)[0] for name in sorted(names)}
        all_of_them = (own, *of_endpoints.values())
        starts = (it.next_due_at for it in all_of_them if it.next_due_at is not None)
        return Backlog(
            sum(it.due for it in all_of_them),
            min(starts, default=None),
            sum(it.dead for it in all_of_them),
            own.parked,
            own.quarantined,
            of_endpoints,
        )

    def due_enforcements(self, *, now: int) -> int:
        """Return the number of files to look at whether they are beyond their policies.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        counts = self._of_each_partition(
            lambda partition: [("ZCOUNT", f"{partition}:enforcements", "-inf", now)]
        )
        return sum(map(int, counts))

    def _backlog(self, endpoint: str, *, now: int) -> tuple[Backlog, set[str]]:
        """Count events, or the copies for an endpoint; returns besides the names of all endpoints."""
        kept_since = now - self._scope.retention_seconds

        def commands(partition: str) -> list[Command]:
            due, *others = (index_key(partition, it, endpoint) for it in ("due", *GIVEN_UP))
            given_up = [("ZCOUNT", index, kept_since, "+inf") for index in others]
            first = [
                ("ZRANGEBYSCORE", due, rank * RANK_STEP, "+inf", "WITHSCORES", "LIMIT", 0, 1)
                for rank in Rank.ALL
            ]
            return [("ZCARD", due), ("SMEMBERS", f"{partition}:endpoints"), *given_up, *first]

        replies, columns = self._of_each_partition(commands), 2 + len(GIVEN_UP) + len(Rank.ALL)
        due, names, *others = (replies[place::columns] for place in range(columns))
        given_up, first = others[: len(GIVEN_UP)], others[len(GIVEN_UP) :]
        scores = (score for column in first for members in column for score in members[1::2])
        starts = [int(float(score)) % RANK_STEP for score in scores]
        dead, parked, quarantined = map(sum, given_up)
        return Backlog(sum(due), min(starts, default=None), dead, parked, quarantined), set().union(*names)
