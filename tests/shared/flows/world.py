"""A deployment with the VOD that it asks and the app that it tells, both under a test's control."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from shared.domain.app_event import PUSH
from shared.flows.enforce_limits import LimitEnforcement
from shared.flows.verify_event import MAX_ATTEMPTS
from tests.shared.service import Clock, Service, call_at_once, new_lease
from tests.shared.uploads import FILE_ID, changed, new_session
from tests.shared.vod_records import Records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.deadline import Start
    from shared.domain.ingested_event import IngestedEvent
    from shared.domain.session import UploadSession
    from shared.flows.delivery_run import DeliveryRun
    from shared.flows.endpoint_runs import EndpointRuns
    from shared.flows.reconcile_uploads import Library, Reconciliation
    from shared.flows.verify_event import ReadBack
    from tests.shared.loopback_peer import HttpPeer


@dataclass(frozen=True)
class World(Service):
    """A deployment that reads back what is pushed; its runs wait by `clock`."""

    clock: Clock = field(default_factory=Clock)
    vod: Records = field(kw_only=True, default_factory=Records)
    app: HttpPeer = field(kw_only=True)
    audited: list[dict[str, Any]] = field(kw_only=True, default_factory=list)

    def with_settings(self, **changes: str) -> World:
        """Return the same deployment with some variables changed."""
        return replace(self, changes={**self.changes, **changes})

    def delivery_run(
        self, *, seconds: float = 60.0, read_back: ReadBack | None = None, start: Start = call_at_once
    ) -> DeliveryRun | EndpointRuns:
        """Return a delivery run that asks that VOD."""
        return super().delivery_run(seconds=seconds, read_back=read_back or self.vod, start=start)

    def reconciliation(self, library: Library | None = None, *, seconds: float = 53.0) -> Reconciliation:
        """Return a reconciliation run that asks that VOD."""
        return super().reconciliation(library or self.vod, seconds=seconds)

    def begin_now(self, user: str = "alice", **grant: Any) -> UploadSession:  # noqa: ANN401  # of a grant
        """Begin an upload now."""
        session = new_session(user, issued_at=int(self.clock()))
        return self.begin(session._replace(grant=session.grant._replace(**grant)))

    def keep(self, token: str, *, file_id: str = FILE_ID, flow: str = "", created: float = 0) -> str:
        """Have VOD keep a file uploaded now, and its task flow if there is one, whose events are lost."""
        self.vod.kept[file_id], self.vod.created[file_id] = token, created or self.clock()
        if flow:
            self.vod.run(changed(token, status=flow, file_id=file_id))
        return file_id

    def verified(self, ingested: IngestedEvent, *, attempts: int = 0) -> IngestedEvent:
        """Ask VOD about a held event, after so many attempts."""
        return self.verify(ingested._replace(attempts=attempts), self.vod)

    def given_up(self, ingested: IngestedEvent) -> IngestedEvent:
        """Ask VOD about a held event for the last time."""
        return self.verified(ingested, attempts=MAX_ATTEMPTS)

    def push(self, event: Mapping[str, object]) -> IngestedEvent:
        """Ingest a pushed event, and ask VOD about it if it is held."""
        ingested = self.ingest(dict(event), PUSH)
        return self.verified(ingested) if ingested.journaled.outcome == "held" else ingested

    def deliver(self, event: Mapping[str, object], origin: str = PUSH) -> str:
        """Ingest an event, and deliver it as its function does; return the outcome."""
        return self.deliverer(read_back=self.vod).deliver(self.ingest(dict(event), origin))

    def run(self, *, after: float = 0, seconds: float = 60.0) -> dict[str, int]:
        """Let time pass, and deliver what is due as the timer does."""
        self.clock.move(after)
        return self.delivery_run(seconds=seconds).run()

    def reconcile(self, *, after: float = 0, seconds: float = 53.0) -> dict[str, int]:
        """Let time pass, and look after the uploads as the timer does; return the figures that are not 0."""
        self.clock.move(after)
        figures = self.reconciliation(seconds=seconds).run()
        return {name: count for name, count in figures.items() if count}

    def enforce(self, *, after: float = 0, seconds: float = 53.0) -> dict[str, int]:
        """Let time pass, and look after the limits as the timer does; return the figures that are not 0."""
        self.clock.move(after)
        run = LimitEnforcement(
            store=self.enforcements,
            ingester=self.ingester,
            library=self.vod,
            clock=self.clock,
            new_lease=new_lease,
            deadline=self.clock() + seconds,
            audit=lambda **fields: self.audited.append(fields),
            grace_seconds=self.settings.delete_grace_seconds,
            dry_run=self.settings.limit_enforcement == "dry-run",
        )
        return {name: count for name, count in run.run().items() if count}

    def told(self) -> list[dict[str, Any]]:
        """Deliver what is due, and return all that the app has received."""
        self.run()
        return self.received

    @property
    def received(self) -> list[dict[str, Any]]:
        """What the app has received."""
        return [json.loads(request.body) for request in self.app.received]
