"""The way in for every event, pushed or pulled: classify it, journal it, make sure of it.

Both modes share this flow and one identity, so a switch between them loses and doubles nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from shared import upload_id
from shared.app_event import EXPIRY, PUSH, AppEvent, Verdict, event_id_for
from shared.event_notification import identity, notification_from_pull, raw_json
from shared.notification_values import EventNotification
from shared.store import EventEntry, Journaled
from shared.upload_context import BrokenSeal, NoSeal, UploadContext, unseal
from shared.upload_policy import Grant
from shared.upload_session import Facts, UploadSession, expiry_facts, facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.journal_store import Rule, TakenEvent
    from shared.settings import IntakeSettings
    from shared.store import Store

LEASE_SECONDS = 10
"""How long the function that took an event in has for its own attempt; then the timer may."""
_NOTHING = EventNotification(event_type="", wire_format="unknown", raw={})


class ReadBack(Protocol):
    """What intake needs of the VOD API."""

    def source_context_of(self, file_id: str, *, timeout_seconds: float) -> str | None:
        """Read which sourceContext VOD keeps with a file."""


@dataclass(frozen=True)
class Source:
    """How an event reached us: PUSH, PULL or RECONCILED, when (Unix seconds), under which lease.

    `lease` is a random text: whoever holds the event's lease may write down what became of it.
    """

    origin: str
    received_at: int
    lease: str

    @property
    def authenticated(self) -> bool:
        """Whether the way it came proves that VOD sent it: the API was asked, so VOD answered."""
        return self.origin != PUSH


@dataclass(frozen=True)
class Arrival:
    """One event that the journal has: as it was entered, what was made of it, what the app would get.

    `attempts` counts those made to verify or deliver it.
    """

    entry: EventEntry
    journaled: Journaled
    event: AppEvent
    attempts: int = 0

    @property
    def figures(self) -> dict[str, object]:
        """What the log may say of it."""
        return {
            "eventId": self.event.event_id,
            "type": self.event.type,
            "verdict": self.event.verdict.value,
            "uploadId": self.event.uploader.upload_id if self.event.uploader else None,
        }

    @property
    def deliverable(self) -> bool:
        """Whether the app is to have it now: new, and either trusted or none of our uploads."""
        ours_and_settled = self.journaled.status in ("applied", "verified")
        foreign = self.journaled.status == "recorded" and self.event.verdict is Verdict.UNATTRIBUTED
        return ours_and_settled or foreign


@dataclass(frozen=True)
class Intake:
    """What takes events in: the store, and the settings that say what is ours."""

    store: Store
    settings: IntakeSettings

    def take_in(self, notification: EventNotification, source: Source) -> Arrival:
        """Journal an event, once; what follows works on the arrival, or later from the journal.

        Raises:
            StoreUnavailableError: nothing may be answered or confirmed.

        """
        notification = self._with_context(notification)
        context, verdict = classify(notification, keys=self.settings.context_keys, stage=self.settings.stage)
        name = journal_name(notification)
        event = AppEvent(
            event_id=event_id_for(name),
            notification=notification,
            uploader=context,
            verdict=verdict,
            verified=source.authenticated,
            sequence=0,
            occurred_at=source.received_at,
            origin=source.origin,
        )
        trusted = source.authenticated or self.settings.read_back == "off"
        facts = facts_of(notification, received_at=source.received_at)
        return self._journal(name, event, facts, _rule(event, trusted=trusted), source.lease)

    def expire(self, session: UploadSession, *, now: int, lease: str) -> Arrival:
        """End an upload that nobody used; `superseded` if it was used or cancelled after all.

        Raises:
            StoreUnavailableError: the store did not answer; the next look will end it.

        """
        name = f"expiry-{session.upload_id}"
        event = AppEvent(
            event_id=event_id_for(name),
            notification=_NOTHING,
            uploader=UploadContext(session.upload_id, session.user_id, session.grant.context),
            verdict=Verdict.ATTRIBUTED,
            verified=True,
            sequence=0,
            occurred_at=now,
            origin=EXPIRY,
        )
        return self._journal(name, event, expiry_facts(now=now), "unless used", lease)

    def recall(self, taken: TakenEvent) -> Arrival:
        """Bring back from the journal what `take_in` or `expire` once put there."""
        record = taken.record
        notification = _adopted(
            notification_from_pull(json.loads(record["raw"])), record.get("adopted_token", "")
        )
        event = AppEvent(
            event_id=record["event_id"],
            notification=notification,
            uploader=_uploader(record),
            verdict=Verdict(record["verdict"]),
            verified=record.get("verified") == "1",
            sequence=int(record.get("sequence", 0)),
            occurred_at=int(record["received_at"]),
            origin=record["origin"],
        )
        facts = facts_of(notification, received_at=event.occurred_at)
        entry = self._entry(record["name"], event, facts, "apply", taken.lease)
        journaled = Journaled(record["status"], event.verdict.value, event.sequence, taken.endpoint_disabled)
        return Arrival(entry, journaled, event, int(record.get("attempts", 0)))

    def make_sure(self, arrival: Arrival, *, vod_api: ReadBack, now: int, timeout_seconds: float) -> Arrival:
        """Ask VOD whether the file of a held event belongs to the upload the event names.

        The callback proves nothing about its sender, and a token can be read by its uploader: only
        VOD's own record ties a file to a token.

        Raises:
            VodApiError: VOD could not be asked; the event stays held.
            StoreUnavailableError: the store did not answer; the event stays held.

        """
        notification = arrival.event.notification
        file_id = notification.file_id
        kept = vod_api.source_context_of(file_id, timeout_seconds=timeout_seconds) if file_id else None
        genuine = kept == notification.context_token
        settled = self.store.settle(arrival.entry, now=now, genuine=genuine)
        journaled = replace(settled, endpoint_disabled=arrival.journaled.endpoint_disabled)
        event = _as_journaled(replace(arrival.event, verified=genuine), journaled)
        return replace(arrival, journaled=journaled, event=event)

    def _with_context(self, notification: EventNotification) -> EventNotification:
        """Give a legacy task-flow event the token of its upload, because that format carries none.

        The upload's event names the task flow it started, so its token is remembered under that
        name. Should the task flow's event come first, it stays unattributed.
        """
        if notification.wire_format != "legacy":
            return notification
        upload, procedure = notification.file_upload, notification.procedure_state
        if upload is not None and upload.procedure_task_id and notification.context_token:
            self.store.remember_task(upload.procedure_task_id, token=notification.context_token)
        if procedure is None or not procedure.task_id:
            return notification
        return _adopted(notification, self.store.token_of_task(procedure.task_id))

    def _journal(self, name: str, event: AppEvent, facts: Facts, rule: Rule, lease: str) -> Arrival:
        endpoint = self.settings.app_webhook_url
        leads_on = rule == "hold" or (endpoint is not None and rule != "quarantine")
        # A push is worked on by the function that took it in; others are the timer's at once.
        lead = LEASE_SECONDS if event.origin == PUSH else 0
        entry = self._entry(name, event, facts, rule, lease)
        journaled = self.store.journal(
            entry,
            endpoint=endpoint or "",
            now=event.occurred_at,
            next_attempt_at=event.occurred_at + lead if leads_on else None,
        )
        return Arrival(entry, journaled, _as_journaled(event, journaled))

    def _entry(self, name: str, event: AppEvent, facts: Facts, rule: Rule, lease: str) -> EventEntry:
        uploader = event.uploader
        return EventEntry(
            name=name,
            upload=_session_told_by(uploader, self.settings.upload_session_seconds) if uploader else None,
            facts=facts,
            rule=rule,
            verified=event.verified,
            lease=lease,
            fields=_fields(event),
        )


def classify(
    notification: EventNotification, *, keys: tuple[str, ...], stage: str
) -> tuple[UploadContext | None, Verdict]:
    """Say whose event this is, by the seal of the token it carries."""
    context = unseal(notification.context_token, keys=keys, stage=stage)
    if isinstance(context, NoSeal):
        return None, Verdict.UNATTRIBUTED
    if isinstance(context, BrokenSeal):
        return None, Verdict.QUARANTINED
    return context, Verdict.ATTRIBUTED


def journal_name(notification: EventNotification) -> str:
    """Name an event for the journal: its identity, and the token it carries.

    The token is part of it so that a forged event about somebody else's file, which ends in
    quarantine, cannot stand in the way of the genuine one.
    """
    token = hashlib.sha256(notification.context_token.encode("utf-8")).hexdigest()
    return f"{identity(notification)}.{token[:16]}"


def _rule(event: AppEvent, *, trusted: bool) -> Rule:
    if event.verdict is Verdict.QUARANTINED:
        return "quarantine"
    if event.uploader is None:
        return "record"
    return "apply" if trusted else "hold"


def _session_told_by(context: UploadContext, session_seconds: int) -> UploadSession:
    """Tell the session from the sealed token alone, should the store have lost its record."""
    issued_at = upload_id.made_at(context.upload_id)
    grant = Grant(policy="", ttl_seconds=0, one_time=False, context=context.app_context)
    return UploadSession(context.upload_id, context.user_id, grant, issued_at, issued_at + session_seconds)


def _as_journaled(event: AppEvent, journaled: Journaled) -> AppEvent:
    return replace(
        event,
        verdict=Verdict(journaled.verdict) if journaled.verdict else event.verdict,
        verified=event.verified or journaled.status == "verified",
        sequence=journaled.sequence,
    )


def _fields(event: AppEvent) -> tuple[tuple[str, str], ...]:
    """Spell what the journal keeps: enough to show the event, and to deliver it from nothing else."""
    fields = {
        "event_id": event.event_id,
        "verdict": event.verdict.value,
        "origin": event.origin,
        "received_at": str(event.occurred_at),
        "upload_id": event.uploader.upload_id if event.uploader else "",
        "user_id": event.uploader.user_id if event.uploader else "",
        "app_context": event.uploader.app_context if event.uploader else "",
        "delivery": "withheld" if event.verdict is Verdict.QUARANTINED else "due",
        "adopted_token": event.notification.session_context
        if event.notification.wire_format == "legacy"
        else "",
        "raw": raw_json(event.notification),
    }
    return tuple((name, value) for name, value in fields.items() if value)


def _adopted(notification: EventNotification, token: str) -> EventNotification:
    return replace(notification, session_context=token) if token else notification


def _uploader(record: Mapping[str, str]) -> UploadContext | None:
    if "upload_id" not in record:
        return None
    return UploadContext(record["upload_id"], record["user_id"], record.get("app_context", ""))
