"""What becomes of a journaled event: the read-back it may still need, and its way to the app.

The first attempt is made at once, with what is left of the function's time, because an event
function cannot work after it has answered; later ones are the timer's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.app_event import to_json
from shared.errors import StoreUnavailableError, VodApiError
from shared.journal_store import AttemptEnding
from shared.retry_schedule import next_attempt_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.app_webhook import AppWebhook
    from shared.arrival import Arrival
    from shared.intake import Intake
    from shared.journal_store import Outcome
    from shared.read_back import ReadBack

ATTEMPT_SECONDS = 15.0
"""The longest that one attempt may take (Standard Webhooks 1.0.0 asks for 15 to 30 s)."""
MIN_ATTEMPT_SECONDS = 0.2
DISABLED_SECONDS = 3600
"""How often to look whether a disabled endpoint has been enabled again."""
_GONE = 410


@dataclass(frozen=True)
class Courier:
    """What one invocation delivers with.

    `clock` tells Unix seconds, `deadline` when the work must be done, `draw` a number from 0 to 1.
    """

    intake: Intake
    read_back: Callable[[], ReadBack]
    webhook: AppWebhook | None
    clock: Callable[[], float]
    draw: Callable[[], float]
    deadline: float

    def deliver(self, arrival: Arrival) -> str:
        """Verify if need be and deliver if that is due; returns in one word what became of the event.

        There is nothing to do for one that is `duplicate`, `recorded`, `superseded`, `quarantined`
        or `lost`. Others end `delivered`, `retrying`, `dead`, `held` (VOD could not be asked) or
        `kept` (no webhook is set up). No failure here loses an event: it stays due.
        """
        try:
            if arrival.journaled.status == "held":
                arrival = self.intake.make_sure(
                    arrival,
                    vod_api=self.read_back(),
                    now=int(self.clock()),
                    timeout_seconds=self._time_left() / 2,
                )
            elif self.intake.may_be_confirmed(arrival):
                arrival = self.intake.confirm(
                    arrival,
                    vod_api=self.read_back(),
                    now=int(self.clock()),
                    timeout_seconds=self._time_left() / 2,
                )
            return self._send(arrival) if arrival.deliverable else arrival.journaled.status
        except VodApiError as error:
            return self._put_off(arrival, error.detail)
        except StoreUnavailableError:
            return "retrying"

    def _send(self, arrival: Arrival) -> str:
        if self.webhook is None and not (arrival.is_due or arrival.learnt):
            # It was journaled as one that is only kept, and nothing is left to be written down.
            return "kept"
        if self.webhook is None:
            return self._finish(arrival, "kept", None, problem="")
        now = int(self.clock())
        if arrival.journaled.endpoint_disabled:
            return self._finish(arrival, "waiting", now + DISABLED_SECONDS, problem="endpoint disabled")
        body = json.dumps(to_json(arrival.event), separators=(",", ":")).encode("ascii")
        attempt = self.webhook.send(
            body, event_id=arrival.event.event_id, now=now, timeout_seconds=self._time_left()
        )
        if attempt.delivered:
            return self._finish(arrival, "delivered", None, problem="", attempts=1)
        if attempt.status == _GONE:
            return self._finish(arrival, "gone", now + DISABLED_SECONDS, problem=attempt.problem, attempts=1)
        return self._fail(arrival, "failed", problem=attempt.problem, retry_after=attempt.retry_after)

    def _put_off(self, arrival: Arrival, problem: str) -> str:
        try:
            ending = self._fail(arrival, "waiting", problem=problem)
        except StoreUnavailableError:
            return "held"
        return "held" if ending == "retrying" else ending

    def _fail(
        self, arrival: Arrival, outcome: Outcome, *, problem: str, retry_after: int | None = None
    ) -> str:
        following = next_attempt_at(
            arrival.attempts + 1, now=int(self.clock()), random=self.draw(), retry_after=retry_after
        )
        return self._finish(arrival, outcome, following, problem=problem, attempts=1)

    def _finish(
        self, arrival: Arrival, outcome: Outcome, following: int | None, *, problem: str, attempts: int = 0
    ) -> str:
        """Write the outcome down; a lease that has passed to somebody else makes this void."""
        now = int(self.clock())
        delivery = "due" if following is not None else "dead"
        if outcome in ("delivered", "kept"):
            delivery = outcome
        ending = AttemptEnding(
            lease=arrival.entry.lease,
            endpoint=self.intake.settings.app_webhook_url or "",
            now=now,
            outcome=outcome,
            next_attempt_at=following,
            fields={
                **dict(arrival.learnt),
                "delivery": delivery,
                "attempts": str(arrival.attempts + attempts),
                "problem": problem,
                "attempted_at": str(now),
            },
        )
        store = self.intake.store
        if not store.finish_attempt(store.key_of(arrival.entry), ending):
            return "lost"
        return "retrying" if delivery == "due" else delivery

    def _time_left(self) -> float:
        return min(ATTEMPT_SECONDS, max(MIN_ATTEMPT_SECONDS, self.deadline - self.clock()))
