"""How many events wait, and how many were given up: what an alarm is made of.

Which of them, and bringing them back, is left to `shared.operator_store`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.store_connection import StoreConnection

if TYPE_CHECKING:
    import redis

GIVEN_UP = ("dead", "parked", "quarantined")


@dataclass(frozen=True)
class Backlog:
    """Numbers of events; `next_due_at` (Unix seconds) is when the first of those that wait is due."""

    due: int
    next_due_at: int | None
    dead: int
    parked: int
    quarantined: int

    def figures(self, *, now: int) -> dict[str, int]:
        """Put it as a timer's figures; `overdueSeconds` says for how long the first has been due."""
        overdue = 0 if self.next_due_at is None else max(0, now - self.next_due_at)
        given_up = {"dead": self.dead, "parked": self.parked, "quarantined": self.quarantined}
        return {"due": self.due, "overdueSeconds": overdue, **given_up}


class BacklogStore(StoreConnection):
    """The numbers of one stage."""

    def backlog(self, *, now: int) -> Backlog:
        """Count over all partitions, in one round trip; what is no longer kept is not counted.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        kept_since = now - self._scope.retention_seconds

        def ask(pipeline: redis.client.Pipeline, partition: str) -> None:
            pipeline.zcard(f"{partition}:due")
            pipeline.zrange(f"{partition}:due", 0, 0, withscores=True)
            for shelf in GIVEN_UP:
                pipeline.zcount(f"{partition}:{shelf}", kept_since, "+inf")

        replies = self._ask_each(ask)
        due, first, *given_up = (replies[place :: 2 + len(GIVEN_UP)] for place in range(2 + len(GIVEN_UP)))
        starts = [int(score) for members in first for _, score in members]
        return Backlog(sum(due), min(starts, default=None), *map(sum, given_up))
