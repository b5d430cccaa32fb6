"""What becomes of a journaled event: the read-back it may still need, and its way to the app.

The first attempt is made at once, with what is left of the function's time, because an event
function cannot work after it has answered.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.app_event import to_json
from shared.errors import StoreUnavailableError, VodApiError
from shared.intake import make_sure

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.app_webhook import AppWebhook, Attempt
    from shared.intake import Arrival, ReadBack
    from shared.store import Store

RETRY_SECONDS = 5
"""When an event whose first attempt failed is due again."""
MIN_ATTEMPT_SECONDS = 0.2


@dataclass(frozen=True)
class Courier:
    """What one invocation delivers with: `clock` tells Unix seconds, `deadline` when it must be done."""

    store: Store
    read_back: ReadBack
    webhook: AppWebhook | None
    clock: Callable[[], float]
    deadline: float

    def deliver(self, arrival: Arrival) -> str:
        """Verify if need be and deliver if that is due; returns in one word what became of the event.

        `duplicate`, `recorded`, `quarantined`, `held` (VOD could not be asked yet), `delivered`,
        `retrying`, `kept` (no webhook is set up). No failure here loses the event: it stays due.
        """
        try:
            if arrival.journaled.status == "held":
                arrival = self._make_sure(arrival)
            if not arrival.deliverable:
                return arrival.journaled.status
            return self._attempt(arrival)
        except VodApiError:
            return "held"
        except StoreUnavailableError:
            return "retrying"

    def _make_sure(self, arrival: Arrival) -> Arrival:
        now = int(self.clock())
        return make_sure(
            arrival, store=self.store, vod_api=self.read_back, now=now, timeout_seconds=self._left() / 2
        )

    def _attempt(self, arrival: Arrival) -> str:
        if self.webhook is None:
            return "kept"
        now = int(self.clock())
        body = json.dumps(to_json(arrival.event), separators=(",", ":")).encode("ascii")
        attempt = self.webhook.send(
            body, event_id=arrival.event.event_id, now=now, timeout_seconds=self._left()
        )
        self.store.finish_delivery(
            arrival.entry,
            fields=_outcome(attempt, now),
            next_attempt_at=None if attempt.delivered else now + max(RETRY_SECONDS, attempt.retry_after or 0),
        )
        return "delivered" if attempt.delivered else "retrying"

    def _left(self) -> float:
        return max(MIN_ATTEMPT_SECONDS, self.deadline - self.clock())


def _outcome(attempt: Attempt, now: int) -> tuple[tuple[str, str], ...]:
    if attempt.delivered:
        return (("delivery", "delivered"), ("delivered_at", str(now)), ("last_attempt", attempt.problem))
    return (("delivery", "due"), ("last_attempt", attempt.problem))
