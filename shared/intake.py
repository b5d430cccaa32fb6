"""The way in for every event, pushed or pulled: classify it, journal it, make sure of it.

Both modes share this flow and one identity, so a switch between them loses and doubles nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from shared import upload_id
from shared.app_event import AppEvent, Verdict, event_id_for
from shared.event_notification import identity, raw_json
from shared.store import EventEntry, Journaled
from shared.upload_context import BrokenSeal, NoSeal, UploadContext, unseal
from shared.upload_policy import Grant
from shared.upload_session import UploadSession, facts_of

if TYPE_CHECKING:
    from shared.notification_values import EventNotification
    from shared.settings import EventNotificationSettings
    from shared.store import Store

LEASE_SECONDS = 10
"""How long the function that took an event in has for its own attempt; then the timer may."""


class ReadBack(Protocol):
    """What intake needs of the VOD API."""

    def source_context_of(self, file_id: str, *, timeout_seconds: float) -> str | None:
        """Read which sourceContext VOD keeps with a file."""


@dataclass(frozen=True)
class Arrival:
    """One event that the journal has: as it was entered, what was made of it, what the app would get."""

    entry: EventEntry
    journaled: Journaled
    event: AppEvent

    @property
    def deliverable(self) -> bool:
        """Whether the app is to have it now: new, and either trusted or none of our uploads."""
        ours_and_settled = self.journaled.status in ("applied", "verified")
        foreign = self.journaled.status == "recorded" and self.event.verdict is Verdict.UNATTRIBUTED
        return ours_and_settled or foreign


@dataclass(frozen=True)
class Source:
    """How an event reached us: `push` or `pull`, when (Unix seconds), under which lease.

    `lease` is a random text: whoever holds the event's lease may write down what became of it.
    """

    mode: str
    received_at: int
    lease: str

    @property
    def authenticated(self) -> bool:
        """Whether the way it came proves that VOD sent it: the API was asked, so VOD answered."""
        return self.mode == "pull"


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


def take_in(
    notification: EventNotification, source: Source, *, store: Store, settings: EventNotificationSettings
) -> Arrival:
    """Journal an event, once; what follows works on the arrival, or later from the journal.

    Raises:
        StoreUnavailableError: nothing may be answered or confirmed.

    """
    context, verdict = classify(notification, keys=settings.context_keys, stage=settings.stage)
    name = journal_name(notification)
    event = AppEvent(
        event_id=event_id_for(name),
        notification=notification,
        uploader=context,
        verdict=verdict,
        verified=source.authenticated,
        sequence=0,
        occurred_at=source.received_at,
    )
    entry = EventEntry(
        identity=name,
        upload=_upload_named_by(context, settings.upload_session_seconds) if context else None,
        facts=facts_of(notification, received_at=source.received_at),
        trusted=source.authenticated or settings.read_back == "off",
        verified=source.authenticated,
        lease=source.lease,
        fields=_fields(event, source),
    )
    return Arrival(entry, *_journal(entry, event, store, settings))


def make_sure(
    arrival: Arrival, *, store: Store, vod_api: ReadBack, now: int, timeout_seconds: float
) -> Arrival:
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
    journaled = store.settle(arrival.entry, now=now, genuine=genuine)
    return Arrival(
        arrival.entry, journaled, _as_journaled(replace(arrival.event, verified=genuine), journaled)
    )


def _journal(
    entry: EventEntry, event: AppEvent, store: Store, settings: EventNotificationSettings
) -> tuple[Journaled, AppEvent]:
    wanted = settings.app_webhook_url is not None or not entry.trusted
    due = event.occurred_at + LEASE_SECONDS if wanted and event.verdict is not Verdict.QUARANTINED else None
    journaled = store.journal(entry, now=event.occurred_at, next_attempt_at=due)
    return journaled, _as_journaled(event, journaled)


def _upload_named_by(context: UploadContext, session_seconds: int) -> UploadSession:
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


def _fields(event: AppEvent, source: Source) -> tuple[tuple[str, str], ...]:
    """Spell what the journal keeps: enough to show the event, and to deliver it from nothing else."""
    fields = {
        "event_id": event.event_id,
        "type": event.type,
        "verdict": event.verdict.value,
        "mode": source.mode,
        "received_at": str(source.received_at),
        "upload_id": event.uploader.upload_id if event.uploader else "",
        "user_id": event.uploader.user_id if event.uploader else "",
        "app_context": event.uploader.app_context if event.uploader else "",
        "delivery": "withheld" if event.verdict is Verdict.QUARANTINED else "due",
        "raw": raw_json(event.notification),
    }
    return tuple((name, value) for name, value in fields.items() if value)
