"""Ingest every event, pushed or pulled: classify it by its token, and journal it.

Both modes share this flow and the event's identity, so switching between them neither loses nor duplicates an
event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.domain.app_event import PULL, PUSH, AppEvent, event_id_for
from shared.domain.event_status import IngestOutcome, Verdict
from shared.domain.ingested_event import (
    IngestedEvent,
    Source,
    adopted,
    as_journaled,
    classify,
    event_in,
    journal_name,
    kept_fields,
    origin_told_by,
)
from shared.domain.journal import EventEntry, Journaled, version_name
from shared.domain.rate_limits import DAY_SECONDS
from shared.domain.session import facts_of
from shared.errors import StoreUnavailableError
from shared.vod.notification import raw_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config.settings import IngestSettings
    from shared.domain.journal import Budget, TakenEvent
    from shared.domain.session import Facts
    from shared.redis.resp import ScriptCall
    from shared.store.journal import Store
    from shared.vod.context_token import UploadContext
    from shared.vod.notification_types import EventNotification

LEASE_SECONDS = 10
"""How long the function that ingested an event has for its own attempt, before the timer may make one."""
_CONTENT_SOURCES = {PUSH: "c", PULL: "e"}


class PreparedEvent(NamedTuple):
    """An event with all that journaling it takes."""

    entry: EventEntry
    event: AppEvent
    call: ScriptCall


class Ingester(NamedTuple):
    """Ingests events of one stage; the settings decide which uploads are ours."""

    store: Store
    settings: IngestSettings

    def ingest(self, notification: EventNotification, source: Source) -> IngestedEvent:
        """Journal an event once; verification and delivery use the result, or read the journal later.

        Raises:
            StoreUnavailableError: the store did not answer; the event must be neither acknowledged nor
                confirmed.

        """
        entry, event = self._classified(notification, source)
        self._add_applications([event])
        ingested = self._journal(entry, event)
        if ingested.journaled.outcome is IngestOutcome.OVER_BUDGET:
            body, reason = raw_json(notification).encode("ascii"), IngestOutcome.OVER_BUDGET.value
            # Of the room for what cannot be read it takes none.
            self.store.park(body, problem=reason, now=source.received_at, budget=0)
        return ingested

    def prepare(self, notification: EventNotification, source: Source) -> PreparedEvent:
        """Classify an event of VOD's own, which takes from no budget, for `ingest_all`.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        entry, event = self._classified(notification, source)
        entry, next_attempt_at = self._to_journal(entry, event)
        call = self.store.journal_call(
            entry,
            endpoint=self.settings.app_webhook_url or "",
            now=event.received_at,
            next_attempt_at=next_attempt_at,
        )
        return PreparedEvent(entry, event, call)

    def ingest_all(self, prepared: Sequence[PreparedEvent]) -> list[IngestOutcome | StoreUnavailableError]:
        """Journal several events, each once, in as few round trips as they fit into; in their order.

        An error in place of an outcome: that event must not be confirmed.

        Raises:
            StoreUnavailableError: the store did not answer; no event is journaled.

        """
        self._add_applications([it.event for it in prepared])
        journaled = self.store.journal_all([it.call for it in prepared])
        return [self._outcome(*each) for each in zip(prepared, journaled, strict=True)]

    def _outcome(
        self, prepared: PreparedEvent, journaled: Journaled | StoreUnavailableError
    ) -> IngestOutcome | StoreUnavailableError:
        if isinstance(journaled, StoreUnavailableError):
            return journaled
        if journaled.outcome is not IngestOutcome.OTHER_VERSION:
            return journaled.outcome
        try:
            return self._journal_version(prepared.entry, prepared.event, journaled).journaled.outcome
        except StoreUnavailableError as error:
            return error

    def _add_applications(self, events: Sequence[AppEvent]) -> None:
        """Have the lists of the sub-applications tailed: further files of their uploads are found there."""
        found = {
            event.uploader.vod_sub_app_id: event.received_at
            for event in events
            if event.uploader is not None and event.uploader.vod_sub_app_id is not None
        }
        if found:
            self.store.add_applications(found, now=max(found.values()))

    def _classified(self, notification: EventNotification, source: Source) -> tuple[EventEntry, AppEvent]:
        sent, notification = notification, self._with_context(notification, source)
        context, verdict = classify(notification, keys=self.settings.context_keys, stage=self.settings.stage)
        # Named as it was sent: a token adopted later must not change its identity.
        name = journal_name(sent, context)
        event = AppEvent(
            event_id=event_id_for(name),
            notification=notification,
            uploader=context,
            verdict=verdict,
            verified=source.authenticated,
            sequence=0,
            received_at=source.received_at,
            origin=source.origin,
        )
        trusted = source.authenticated or self.settings.read_back == "off"
        facts = facts_of(notification, received_at=source.received_at)
        intended = _intended(event, trusted=trusted)
        if intended is IngestOutcome.APPLIED and notification.wire_format == "legacy":
            self.remember_task(notification)
        budget = None if source.authenticated else self._budget(context, now=source.received_at)
        return self._entry(name, event, facts, intended, source.lease, budget=budget), event

    def park(self, body: bytes, *, problem: str, now: int) -> bool:
        """Keep a pushed body that cannot be read; False if only its first part is kept.

        Raises:
            StoreUnavailableError: the store did not answer; the body must not be acknowledged.

        """
        return self.store.park(body, problem=problem, now=now, budget=self.settings.parked_bytes)

    def journal_own(self, name: str, event: AppEvent, facts: Facts, *, lease: str) -> IngestedEvent:
        """Journal an event about an upload that does not come from VOD, once by its name.

        Raises:
            StoreUnavailableError: the store did not answer; the event may or may not be journaled.

        """
        return self._journal(self._entry(name, event, facts, IngestOutcome.APPLIED, lease), event)

    def recall(self, taken: TakenEvent) -> IngestedEvent:
        """Rebuild an ingested event from its journal record.

        Without a status, which an earlier release may have failed to write, VOD has to be asked about it.
        """
        record, event = taken.record, event_in(taken.record)
        facts = facts_of(event.notification, received_at=event.received_at)
        entry = self._entry(record["name"], event, facts, IngestOutcome.APPLIED, taken.lease)
        entry = entry._replace(endpoint=record.get("endpoint", ""))
        outcome = IngestOutcome(record.get("status", IngestOutcome.HELD))
        journaled = Journaled(outcome, event.verdict, event.sequence, taken.endpoint_state)
        return IngestedEvent(entry, journaled, event, int(record.get("attempts", 0)))

    def awaits_verification(self, ingested: IngestedEvent) -> bool:
        """Return whether to query VOD: about a held event, or a pushed one of an upload made without us.

        Nothing is asked about the copy of an endpoint: its event was asked about before.
        """
        event, outcome = ingested.event, ingested.journaled.outcome
        was_pushed = event.origin == PUSH and event.verdict is Verdict.UNATTRIBUTED and not event.verified
        is_recorded = outcome is IngestOutcome.RECORDED and self._can_be_asked_about(event)
        return not ingested.entry.endpoint and (outcome is IngestOutcome.HELD or (was_pushed and is_recorded))

    def _can_be_asked_about(self, event: AppEvent) -> bool:
        """Return whether VOD can confirm all that an event says.

        A legacy event of a task flow that is not ours has no context to compare.
        """
        claim = event.notification
        has_context = event.uploader is not None or claim.wire_format == "v3"
        is_known_to_vod = claim.file_upload is not None or (claim.procedure_state is not None and has_context)
        is_known_to_vod |= bool(claim.digests) and event.uploader is not None
        return self.settings.read_back == "on" and is_known_to_vod

    def _budget(self, uploader: UploadContext | None, *, now: int) -> Budget:
        """Return the budget of a pushed event: that of its upload, or the one of the day for all others."""
        settings = self.settings
        if uploader is not None:
            return uploader.upload_id, settings.pushed_events_per_upload, settings.pushed_bytes_per_upload
        day = str(now // DAY_SECONDS)
        return day, settings.foreign_events_per_day, settings.foreign_bytes_per_day

    def _with_context(self, notification: EventNotification, source: Source) -> EventNotification:
        """Add the token of its upload to a legacy task-flow event, because that format carries none.

        If it comes before the event of its upload, the task flow stays unattributed.
        """
        procedure = notification.procedure_state
        if notification.wire_format != "legacy" or procedure is None or not procedure.task_id:
            return notification
        budget = None if source.authenticated else self._budget(None, now=source.received_at)
        return adopted(notification, self.store.token_of_task(procedure.task_id, budget))

    def remember_task(self, notification: EventNotification) -> None:
        """Record which upload started a task flow, because a legacy event of the task flow does not name it.

        Called once the task flow is known to be that upload's, and before the event is journaled: a duplicate
        would not reach this call again.
        """
        upload = notification.file_upload
        if upload is not None and upload.procedure_task_id:
            self.store.remember_task(upload.procedure_task_id, token=notification.context_token)

    def _to_journal(self, entry: EventEntry, event: AppEvent) -> tuple[EventEntry, int | None]:
        """Return the entry with all its fields, and when its next attempt is; None: there is none."""
        has_endpoint = self.settings.has_endpoint
        leads_on = entry.intended is IngestOutcome.HELD or (
            has_endpoint and entry.intended is not IngestOutcome.QUARANTINED
        )
        # A push is first attempted by the function that ingested it; others by the timer, at once.
        lead = LEASE_SECONDS if event.origin == PUSH else 0
        next_attempt_at = event.received_at + lead if leads_on else None
        return entry._replace(fields=kept_fields(event, has_endpoint=has_endpoint)), next_attempt_at

    def _journal(self, entry: EventEntry, event: AppEvent) -> IngestedEvent:
        entry, next_attempt_at = self._to_journal(entry, event)
        journaled = self.store.journal(
            entry,
            endpoint=self.settings.app_webhook_url or "",
            now=event.received_at,
            next_attempt_at=next_attempt_at,
        )
        if journaled.outcome is IngestOutcome.OTHER_VERSION:
            return self._journal_version(entry, event, journaled)
        is_due = next_attempt_at is not None
        return IngestedEvent(entry, journaled, as_journaled(event, journaled), is_due=is_due)

    def _journal_version(self, entry: EventEntry, event: AppEvent, other: Journaled) -> IngestedEvent:
        """Journal another version of a known event.

        With an id of its own: the app may have been told the other one, and knows events by their ids.
        """
        name = version_name(entry.name, other.sequence)
        return self._journal(entry._replace(name=name), event._replace(event_id=event_id_for(name)))

    def _entry(  # noqa: PLR0913 -- an entry has that many parts
        self,
        name: str,
        event: AppEvent,
        facts: Facts,
        intended: IngestOutcome,
        lease: str,
        *,
        budget: Budget | None = None,
    ) -> EventEntry:
        uploader = event.uploader
        return EventEntry(
            name=name,
            upload=origin_told_by(uploader, self.settings.upload_session_seconds) if uploader else None,
            facts=facts,
            intended=intended,
            verified=event.verified and intended is not IngestOutcome.QUARANTINED,
            lease=lease,
            may_replace=intended is not IngestOutcome.QUARANTINED
            and (event.verified or (event.origin == PUSH and self._can_be_asked_about(event))),
            content_source=_CONTENT_SOURCES.get(event.origin, "a"),
            budget=budget,
        )


def _intended(event: AppEvent, *, trusted: bool) -> IngestOutcome:
    """Decide what the journal is to do with an event that it does not know."""
    if event.verdict is Verdict.QUARANTINED:
        return IngestOutcome.QUARANTINED
    if event.uploader is None:
        return IngestOutcome.RECORDED
    return IngestOutcome.APPLIED if trusted else IngestOutcome.HELD
