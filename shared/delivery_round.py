"""One round of the delivery timer: the events that are due, as far as the time goes.

How one event is verified and delivered is left to `shared.delivery`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.delivery import ATTEMPT_SECONDS
from shared.journal_store import AttemptEnding

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.delivery import Courier
    from shared.journal_store import EventKey, TakenEvent

BATCH = 10
LEASE_SECONDS = 2 * int(ATTEMPT_SECONDS)
"""How long an event taken is ours: a read-back and an attempt fit into it."""
LEAST_SECONDS = 3.0
"""An attempt is not begun with less time: the app would hardly have a chance, and it would count."""


@dataclass(frozen=True)
class DeliveryRound:
    """What a round works with: a courier, a way to let time pass, and one to draw leases."""

    courier: Courier
    wait: Callable[[float], None]
    new_lease: Callable[[], str]

    def run(self) -> dict[str, int]:
        """Work until nothing is due or the time is up; returns how many events ended how.

        Raises:
            StoreUnavailableError: the store did not answer; what was not finished stays due.

        """
        endings: Counter[str] = Counter()
        store = self.courier.intake.store
        has_turn = False
        while due := store.due_events(now=int(self.courier.clock()), limit=BATCH):
            for at in due:
                has_turn = has_turn or self._gets_turn()
                if not has_turn:
                    return {**endings, "leftForNextRound": 1}
                taken = self._take(at)
                # A round that runs beside this one may have it: the turn is good for the next event.
                if taken is not None:
                    has_turn = False
                    endings[self._deliver(at, taken)] += 1
        return dict(endings)

    def _gets_turn(self) -> bool:
        """Wait for a turn at the endpoint; False if there is none before the time is up."""
        endpoint = self.courier.intake.settings.app_webhook_url or ""
        while self.courier.clock() <= self.courier.deadline - LEAST_SECONDS:
            pause = self.courier.intake.store.endpoint_turn(endpoint, now=self.courier.clock())
            if pause == 0:
                return True
            self.wait(pause)
        return False

    def _take(self, at: EventKey) -> TakenEvent | None:
        now = int(self.courier.clock())
        return self.courier.intake.store.take(
            at,
            endpoint=self.courier.intake.settings.app_webhook_url or "",
            now=now,
            lease=self.new_lease(),
            lease_ends_at=now + LEASE_SECONDS,
        )

    def _deliver(self, at: EventKey, taken: TakenEvent) -> str:
        try:
            arrival = self.courier.intake.recall(taken)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with one record must not hold up the others
            # It is kept for people to see.
            return self._bury(at, taken, f"unreadable record ({type(error).__name__})")
        return self.courier.deliver(arrival)

    def _bury(self, at: EventKey, taken: TakenEvent, problem: str) -> str:
        ending = AttemptEnding(
            lease=taken.lease,
            endpoint="",
            now=int(self.courier.clock()),
            outcome="waiting",
            next_attempt_at=None,
            fields={"delivery": "dead", "problem": problem},
        )
        return "dead" if self.courier.intake.store.finish_attempt(at, ending) else "lost"
