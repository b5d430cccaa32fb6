"""Verify journaled events where needed and deliver them to the app.

The function that ingested an event makes the first attempt with the rest of its time, because an event
function cannot work after it has answered; runs of the timers make all later ones (`delivery_run`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from shared.domain.app_event import body_of
from shared.domain.event_status import AttemptOutcome, EventStatus, IngestOutcome
from shared.domain.journal import AttemptEnding, EndpointState
from shared.domain.retry_schedule import next_attempt_at
from shared.errors import CallBudgetError, StoreUnavailableError, VodApiError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Protocol

    from shared.domain.ingested_event import IngestedEvent
    from shared.domain.journal import EventKey, TakenEvent
    from shared.flows.ingest_event import Ingester
    from shared.flows.verify_event import ReadBack
    from shared.http.webhook import AppWebhook

    class HandsOn(Protocol):
        """Hands an event on to endpoints, and returns where it stands; None if none takes it."""

        def __call__(
            self, deliverer: Deliverer, ingested: IngestedEvent, /
        ) -> EventStatus | IngestOutcome | None:
            """Hand it on."""


ATTEMPT_SECONDS = 15.0
"""The longest that one attempt may take (Standard Webhooks 1.0.0 asks for 15 to 30 s)."""
MIN_ATTEMPT_SECONDS = 0.2
BUDGET_SECONDS = 30
"""The least pause, and half of the longest, of an event for whose read-back there were no calls."""
DISABLED_SECONDS = 3600
"""The pause before an event of a disabled or paused endpoint is looked at again."""
_NOT_SENT = {
    EndpointState.DISABLED: (DISABLED_SECONDS, "endpoint disabled"),
    EndpointState.PAUSED: (DISABLED_SECONDS, "endpoint paused"),
    # The function that ingested an event has better to do than to wait for such an endpoint.
    EndpointState.FAILING: (0, "endpoint failing"),
}
"""In which state of the endpoint nothing is sent, for how many seconds, and the reason."""
_GONE = 410


class Deliverer(NamedTuple):
    """Deliver events on behalf of one invocation, in any of its threads.

    `read_back` lends VOD's API to one thread at a time, `clock` returns Unix seconds, `deadline` is the Unix
    second at which the work must be done, `jitter` returns a number from 0 to 1. `fan_out` hands
    events on to the endpoints of APP_WEBHOOKS.
    """

    ingester: Ingester
    read_back: Callable[[], AbstractContextManager[ReadBack]]
    webhook: AppWebhook | None
    clock: Callable[[], float]
    jitter: Callable[[], float]
    deadline: float
    fan_out: HandsOn | None = None

    def deliver(self, ingested: IngestedEvent) -> EventStatus | IngestOutcome:
        """Verify if need be and deliver if that is due; returns where the event stands after it.

        An event that is not to be delivered is left as it is, and what the journal did with it is returned.
        `IngestOutcome.LOST`: the lease has passed to another worker. No failure here loses an event: it
        stays due, or held.
        """
        try:
            if self.ingester.awaits_verification(ingested):
                from shared.flows.settle_event import verify  # noqa: PLC0415 -- what was pulled needs no verification

                with self.read_back() as vod_api:
                    ingested = verify(
                        self.ingester,
                        ingested,
                        vod_api=vod_api,
                        now=int(self.clock()),
                        timeout_seconds=self._time_left() / 2,
                    )
            return self._send(ingested) if ingested.deliverable else ingested.journaled.outcome
        except CallBudgetError as error:
            return self._ask_later(ingested, error.detail)
        except VodApiError as error:
            return self._put_off(ingested, error.detail)
        except StoreUnavailableError:
            return EventStatus.DUE

    def deliver_taken(self, at: EventKey, taken: TakenEvent) -> EventStatus | IngestOutcome:
        """Deliver an event that was taken; a record that cannot be read is given up, and kept for people."""
        try:
            ingested = self.ingester.recall(taken)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with one record must not hold up the others
            return self._bury(at, taken, f"unreadable record ({type(error).__name__})")
        return self.deliver(ingested)

    def _send(self, ingested: IngestedEvent) -> EventStatus | IngestOutcome:
        if self.fan_out is not None:
            return self.fan_out(self, ingested) or self._finish(ingested, EventStatus.KEPT)
        if self.webhook is None:
            # Without another attempt it was journaled as only kept, and there is nothing to record.
            return self._finish(ingested, EventStatus.KEPT) if ingested.is_due else EventStatus.KEPT
        now = int(self.clock())
        state = ingested.journaled.endpoint_state
        if state in _NOT_SENT:
            seconds, reason = _NOT_SENT[state]
            return self._finish(ingested, EventStatus.DUE, None, now + seconds, problem=reason)
        body = body_of(ingested.event, thin=self.ingester.settings.app_webhook_raw == "off")
        attempt = self.webhook.send(
            body, event_id=ingested.event.event_id, now=now, timeout_seconds=self._time_left()
        )
        if attempt.delivered:
            return self._finish(ingested, EventStatus.DELIVERED, AttemptOutcome.DELIVERED, attempts=1)
        if attempt.status == _GONE or state == EndpointState.PROBE:
            is_gone, later = attempt.status == _GONE, now + DISABLED_SECONDS
            outcome = AttemptOutcome.GONE if is_gone else AttemptOutcome.FAILED
            # A probe is no attempt of its event, which would be dead after ten hours.
            count = 0 if state == EndpointState.PROBE else 1
            return self._finish(
                ingested, EventStatus.DUE, outcome, later, problem=attempt.problem, attempts=count
            )
        return self._fail(
            ingested, AttemptOutcome.FAILED, problem=attempt.problem, retry_after=attempt.retry_after
        )

    def _put_off(self, ingested: IngestedEvent, problem: str) -> EventStatus | IngestOutcome:
        """Plan to ask VOD again, or give the event up; if even that is not written down, it stays held."""
        try:
            status = self._fail(ingested, None, problem=problem)
        except StoreUnavailableError:
            return EventStatus.HELD
        return EventStatus.HELD if status is EventStatus.DUE else status

    def _ask_later(self, ingested: IngestedEvent, problem: str) -> EventStatus | IngestOutcome:
        """Plan to ask VOD when there are calls again; that is no attempt, as VOD was not asked."""
        following = int(self.clock()) + int(BUDGET_SECONDS * (1 + self.jitter()))
        status: EventStatus | IngestOutcome = EventStatus.DUE
        # If even that is not written down, it stays due.
        with suppress(StoreUnavailableError):
            status = self._finish(ingested, EventStatus.DUE, None, following, problem=problem)
        is_held = ingested.journaled.outcome is IngestOutcome.HELD and status is EventStatus.DUE
        return EventStatus.HELD if is_held else status

    def _fail(
        self,
        ingested: IngestedEvent,
        outcome: AttemptOutcome | None,
        *,
        problem: str,
        retry_after: int | None = None,
    ) -> EventStatus | IngestOutcome:
        following = next_attempt_at(
            ingested.attempts + 1, now=int(self.clock()), random=self.jitter(), retry_after=retry_after
        )
        status = EventStatus.DEAD if following is None else EventStatus.DUE
        return self._finish(ingested, status, outcome, following, problem=problem, attempts=1)

    def _finish(  # noqa: PLR0913 -- the end of an attempt has that many parts
        self,
        ingested: IngestedEvent,
        status: EventStatus,
        outcome: AttemptOutcome | None = None,
        following: int | None = None,
        *,
        problem: str = "",
        attempts: int = 0,
    ) -> EventStatus | IngestOutcome:
        """Write down how an attempt ended; a lease that has passed to another worker makes this void."""
        now = int(self.clock())
        ending = AttemptEnding(
            lease=ingested.entry.lease,
            endpoint=self.ingester.settings.app_webhook_url or "",
            now=now,
            status=status,
            outcome=outcome,
            next_attempt_at=following,
            rank=ingested.rank,
            keep_seconds=self.ingester.settings.delivered_retention_seconds,
            fields={
                "attempts": str(ingested.attempts + attempts),
                "problem": problem,
                "attempted_at": str(now),
            },
        )
        store = self.ingester.store
        if not store.finish_attempt(store.key_of(ingested.entry), ending):
            return IngestOutcome.LOST
        return status

    def _time_left(self) -> float:
        return min(ATTEMPT_SECONDS, max(MIN_ATTEMPT_SECONDS, self.deadline - self.clock()))

    def _bury(self, at: EventKey, taken: TakenEvent, problem: str) -> EventStatus | IngestOutcome:
        ending = AttemptEnding(
            lease=taken.lease,
            endpoint="",
            now=int(self.clock()),
            status=EventStatus.DEAD,
            outcome=None,
            next_attempt_at=None,
            fields={"problem": problem},
        )
        return EventStatus.DEAD if self.ingester.store.finish_attempt(at, ending) else IngestOutcome.LOST
