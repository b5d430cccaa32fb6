"""Hand an event on to the endpoints of APP_WEBHOOKS: each has a copy, with a schedule of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.domain.event_status import EventStatus, IngestOutcome
from shared.domain.journal import AttemptEnding
from shared.flows.ingest_event import LEASE_SECONDS, Ingester

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.config.endpoints import Endpoint
    from shared.domain.ingested_event import IngestedEvent
    from shared.flows.deliver_events import Deliverer
    from shared.http.webhook import AppWebhook


class FanOut(NamedTuple):
    """Gives each endpoint that takes an event its copy; `first_attempts`: and tries it."""

    webhooks: Mapping[Endpoint, AppWebhook]
    first_attempts: bool = True

    def __call__(self, deliverer: Deliverer, ingested: IngestedEvent) -> EventStatus | IngestOutcome | None:
        """Hand an event on; None if no endpoint takes it.

        Its copies are tried one after another, each in an equal part of the time that is left; the outcome is
        `delivered` if all were taken. Those of which that is not known are due once the lease has ended.

        Raises:
            StoreUnavailableError: the store did not answer; the event is due, or its copies are.

        """
        takers = [it for it in self.webhooks if it.takes(ingested.event)]
        if not takers:
            return None
        states = self._copy(deliverer, ingested, takers)
        if not states:
            return IngestOutcome.LOST
        if not self.first_attempts:
            return EventStatus.DELIVERED
        taken = 0
        for number, (endpoint, state) in enumerate(zip(takers, states, strict=True)):
            left = deliverer.deadline - deliverer.clock()
            if left <= 0:
                break
            copy = ingested._replace(
                entry=ingested.entry._replace(endpoint=endpoint.name),
                journaled=ingested.journaled._replace(endpoint_state=state),
                attempts=0,
            )
            deadline = deliverer.deadline - left + left / (len(takers) - number)
            outcome = self.deliverer_to(endpoint, deliverer, deadline=deadline).deliver(copy)
            taken += outcome is EventStatus.DELIVERED
        return EventStatus.DELIVERED if taken == len(takers) else EventStatus.DUE

    def _copy(self, deliverer: Deliverer, ingested: IngestedEvent, takers: list[Endpoint]) -> list[int]:
        store, now = deliverer.ingester.store, int(deliverer.clock())
        ending = AttemptEnding(
            lease=ingested.entry.lease,
            endpoint="",
            now=now,
            status=EventStatus.DELIVERED,
            outcome=None,
            next_attempt_at=now + (LEASE_SECONDS if self.first_attempts else 0),
            fields={},
            rank=ingested.rank,
            keep_seconds=deliverer.ingester.settings.delivered_retention_seconds,
        )
        return store.fan_out(
            store.key_of(ingested.entry),
            ending,
            endpoints={it.name: it.url for it in takers},
            lease=ingested.entry.lease if self.first_attempts else "",
        )

    def deliverer_to(self, endpoint: Endpoint, deliverer: Deliverer, *, deadline: float) -> Deliverer:
        """Return what delivers the copies of one endpoint."""
        return deliverer._replace(
            ingester=Ingester(deliverer.ingester.store, endpoint.settings),
            webhook=self.webhooks[endpoint],
            deadline=deadline,
            fan_out=None,
        )
