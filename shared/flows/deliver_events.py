"""Verify journaled events where needed and deliver them to the app.

The function that ingested an event makes the first attempt with the rest of its time, because an event
function cannot work after it has answered; the timer makes all later ones.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.app_event import to_json
from shared.domain.journal import AttemptEnding
from shared.domain.retry_schedule import next_attempt_at
from shared.errors import StoreUnavailableError, VodApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.ingested_event import IngestedEvent
    from shared.domain.journal import EventKey, Outcome, TakenEvent
    from shared.flows.ingest_event import Ingester
    from shared.flows.verify_event import ReadBack
    from shared.http.webhook import AppWebhook

ATTEMPT_SECONDS = 15.0
"""The longest that one attempt may take (Standard Webhooks 1.0.0 asks for 15 to 30 s)."""
MIN_ATTEMPT_SECONDS = 0.2
DISABLED_SECONDS = 3600
"""How often to look whether a disabled endpoint has been enabled again."""
BATCH = 10
LEASE_SECONDS = 2 * int(ATTEMPT_SECONDS)
"""How long an event taken is ours: a read-back and an attempt fit into it."""
LEAST_SECONDS = 3.0
"""An attempt is not begun with less time: the app would hardly have a chance, and it would count."""
_GONE = 410


@dataclass(frozen=True)
class Deliverer:
    """Deliver events on behalf of one invocation.

    `clock` returns Unix seconds, `deadline` is the Unix second at which the work must be done, `jitter`
    returns a number from 0 to 1, `wait` sleeps for seconds, `new_lease` returns a random lease.
    """

    ingester: Ingester
    read_back: Callable[[], ReadBack]
    webhook: AppWebhook | None
    clock: Callable[[], float]
    jitter: Callable[[], float]
    wait: Callable[[float], None]
    new_lease: Callable[[], str]
    deadline: float

    def deliver(self, ingested: IngestedEvent) -> str:
        """Verify if need be and deliver if that is due; returns in one word what became of the event.

        There is nothing to do for one that is `duplicate`, `recorded`, `superseded`, `quarantined`
        or `lost`. Others end `delivered`, `retrying`, `dead`, `held` (VOD could not be asked) or
        `kept` (no webhook is set up). No failure here loses an event: it stays due.
        """
        try:
            if ingested.journaled.status == "held":
                ingested = self.ingester.verify(
                    ingested,
                    vod_api=self.read_back(),
                    now=int(self.clock()),
                    timeout_seconds=self._time_left() / 2,
                )
            elif self.ingester.may_be_confirmed(ingested):
                ingested = self.ingester.confirm(
                    ingested,
                    vod_api=self.read_back(),
                    now=int(self.clock()),
                    timeout_seconds=self._time_left() / 2,
                )
            return self._send(ingested) if ingested.deliverable else ingested.journaled.status
        except VodApiError as error:
            return self._put_off(ingested, error.detail)
        except StoreUnavailableError:
            return "retrying"

    def run(self) -> dict[str, int]:
        """Work until nothing is due or the time is up; returns how many events ended how.

        Raises:
            StoreUnavailableError: the store did not answer; what was not finished stays due.

        """
        endings: Counter[str] = Counter()
        store = self.ingester.store
        has_slot = False
        while due := store.due_events(now=int(self.clock()), limit=BATCH):
            for at in due:
                has_slot = has_slot or self._gets_slot()
                if not has_slot:
                    return {**endings, "leftForNextRound": 1}
                taken = self._take(at)
                # A round that runs beside this one may have it: the turn is good for the next event.
                if taken is not None:
                    has_slot = False
                    endings[self._recall_and_deliver(at, taken)] += 1
        return dict(endings)

    def _send(self, ingested: IngestedEvent) -> str:
        if self.webhook is None and not (ingested.is_due or ingested.learnt):
            # It was journaled as one that is only kept, and nothing is left to be written down.
            return "kept"
        if self.webhook is None:
            return self._finish(ingested, "kept", None, problem="")
        now = int(self.clock())
        if ingested.journaled.endpoint_disabled:
            return self._finish(ingested, "waiting", now + DISABLED_SECONDS, problem="endpoint disabled")
        body = json.dumps(to_json(ingested.event), separators=(",", ":")).encode("ascii")
        attempt = self.webhook.send(
            body, event_id=ingested.event.event_id, now=now, timeout_seconds=self._time_left()
        )
        if attempt.delivered:
            return self._finish(ingested, "delivered", None, problem="", attempts=1)
        if attempt.status == _GONE:
            return self._finish(ingested, "gone", now + DISABLED_SECONDS, problem=attempt.problem, attempts=1)
        return self._fail(ingested, "failed", problem=attempt.problem, retry_after=attempt.retry_after)

    def _put_off(self, ingested: IngestedEvent, problem: str) -> str:
        try:
            ending = self._fail(ingested, "waiting", problem=problem)
        except StoreUnavailableError:
            return "held"
        return "held" if ending == "retrying" else ending

    def _fail(
        self, ingested: IngestedEvent, outcome: Outcome, *, problem: str, retry_after: int | None = None
    ) -> str:
        following = next_attempt_at(
            ingested.attempts + 1, now=int(self.clock()), random=self.jitter(), retry_after=retry_after
        )
        return self._finish(ingested, outcome, following, problem=problem, attempts=1)

    def _finish(
        self,
        ingested: IngestedEvent,
        outcome: Outcome,
        following: int | None,
        *,
        problem: str,
        attempts: int = 0,
    ) -> str:
        """Write the outcome down; a lease that has passed to somebody else makes this void."""
        now = int(self.clock())
        delivery = "due" if following is not None else "dead"
        if outcome in ("delivered", "kept"):
            delivery = outcome
        ending = AttemptEnding(
            lease=ingested.entry.lease,
            endpoint=self.ingester.settings.app_webhook_url or "",
            now=now,
            outcome=outcome,
            next_attempt_at=following,
            fields={
                **dict(ingested.learnt),
                "delivery": delivery,
                "attempts": str(ingested.attempts + attempts),
                "problem": problem,
                "attempted_at": str(now),
            },
        )
        store = self.ingester.store
        if not store.finish_attempt(store.key_of(ingested.entry), ending):
            return "lost"
        return "retrying" if delivery == "due" else delivery

    def _time_left(self) -> float:
        return min(ATTEMPT_SECONDS, max(MIN_ATTEMPT_SECONDS, self.deadline - self.clock()))

    def _gets_slot(self) -> bool:
        """Wait for a turn at the endpoint; False if there is none before the time is up."""
        endpoint = self.ingester.settings.app_webhook_url or ""
        while self.clock() <= self.deadline - LEAST_SECONDS:
            pause = self.ingester.store.send_slot(endpoint, now=self.clock())
            if pause == 0:
                return True
            self.wait(pause)
        return False

    def _take(self, at: EventKey) -> TakenEvent | None:
        now = int(self.clock())
        return self.ingester.store.take(
            at,
            endpoint=self.ingester.settings.app_webhook_url or "",
            now=now,
            lease=self.new_lease(),
            lease_ends_at=now + LEASE_SECONDS,
        )

    def _recall_and_deliver(self, at: EventKey, taken: TakenEvent) -> str:
        try:
            ingested = self.ingester.recall(taken)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with one record must not hold up the others
            # It is kept for people to see.
            return self._bury(at, taken, f"unreadable record ({type(error).__name__})")
        return self.deliver(ingested)

    def _bury(self, at: EventKey, taken: TakenEvent, problem: str) -> str:
        ending = AttemptEnding(
            lease=taken.lease,
            endpoint="",
            now=int(self.clock()),
            outcome="waiting",
            next_attempt_at=None,
            fields={"delivery": "dead", "problem": problem},
        )
        return "dead" if self.ingester.store.finish_attempt(at, ending) else "lost"
