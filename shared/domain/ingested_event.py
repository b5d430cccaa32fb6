"""One ingested event: its source, its owner, and the fields that the journal keeps."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from shared.domain import upload_id
from shared.domain.app_event import PUSH, AppEvent, event_id_for
from shared.domain.event_status import WITHHELD, EventStatus, IngestOutcome, Verdict
from shared.domain.event_text import packed, unpacked
from shared.domain.file_limits import read_limits
from shared.domain.journal import rank_of
from shared.domain.policy import Grant
from shared.domain.session import UploadOrigin
from shared.vod.context_token import BrokenSeal, NoSeal, UploadContext, unseal
from shared.vod.notification import identity, notification_from_journal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain.journal import EventEntry, Journaled, Word
    from shared.domain.rejection import Rejection
    from shared.vod.notification_types import EventNotification


class Source(NamedTuple):
    """How an event was received: PUSH, PULL or RECONCILED, when (Unix seconds), under which lease.

    `lease` is a random text; only its holder may record the outcome of the event.
    """

    origin: str
    received_at: int
    lease: str

    @property
    def authenticated(self) -> bool:
        """True if the channel proves that VOD sent the event: it came as an answer of the API."""
        return self.origin != PUSH


class IngestedEvent(NamedTuple):
    """One journaled event: the entry, what the journal made of it, and the event for the app.

    `attempts` counts the attempts to verify or deliver it; `is_due`: the journal waits for another attempt.
    """

    entry: EventEntry
    journaled: Journaled
    event: AppEvent
    attempts: int = 0
    is_due: bool = True

    @property
    def figures(self) -> dict[str, object]:
        """The fields that may be logged."""
        return {
            "eventId": self.event.event_id,
            "type": self.event.type,
            "verdict": self.event.verdict.value,
            "uploadId": self.event.uploader.upload_id if self.event.uploader else None,
        }

    @property
    def rank(self) -> int:
        """The place of its attempts among those of other events."""
        authentic = self.event.verified or self.event.origin != PUSH
        return rank_of(self.journaled.outcome, verified=authentic)

    @property
    def deliverable(self) -> bool:
        """True if the event is to be sent: new, and either trusted or of no upload of ours."""
        outcome = self.journaled.outcome
        ours_and_settled = outcome in (IngestOutcome.APPLIED, IngestOutcome.VERIFIED)
        foreign = outcome is IngestOutcome.RECORDED and self.event.verdict is Verdict.UNATTRIBUTED
        return ours_and_settled or foreign


def classify(
    notification: EventNotification, *, keys: tuple[str, ...], stage: str
) -> tuple[UploadContext | None, Verdict]:
    """Attribute an event by the seal of its context token."""
    context = unseal(notification.context_token, keys=keys, stage=stage)
    if isinstance(context, NoSeal):
        return None, Verdict.UNATTRIBUTED
    if isinstance(context, BrokenSeal):
        return None, Verdict.QUARANTINED
    return context, Verdict.ATTRIBUTED


def journal_name(notification: EventNotification, context: UploadContext | None = None) -> str:
    """Return an event's name in the journal: its identity, and a digest of its token.

    The token is part of the name so that a forged event about another user's file, which ends in quarantine,
    cannot take the place of the genuine one. `context` is what the token says, None for none of ours: the
    digests of an upload's file are one event, whichever task has computed them.
    """
    if context is not None and notification.digests:
        return f"integrity-{context.upload_id}"
    token = hashlib.sha256(notification.context_token.encode("utf-8")).hexdigest()
    return f"{identity(notification)}.{token[:16]}"


def origin_told_by(context: UploadContext, session_seconds: int) -> UploadOrigin:
    """Rebuild the origin of an upload from its sealed token, in case the store lost its record."""
    issued_at, latest = upload_id.made_at(context.upload_id), upload_id.latest_made_at(context.upload_id)
    grant = _grant_told_by(context.app_context, context.vod_sub_app_id)
    return UploadOrigin(context.upload_id, context.user_id, grant, issued_at, latest + session_seconds)


@lru_cache(maxsize=64)
def _grant_told_by(app_context: str, vod_sub_app_id: int | None) -> Grant:
    return Grant(policy="", ttl_seconds=0, one_time=False, context=app_context, vod_sub_app_id=vod_sub_app_id)


def as_journaled(event: AppEvent, journaled: Journaled) -> AppEvent:
    """Return the event with what the journal made of it."""
    return event._replace(
        verdict=journaled.verdict or event.verdict,
        verified=event.verified or journaled.outcome is IngestOutcome.VERIFIED,
        sequence=journaled.sequence,
        limits=read_limits(journaled.limits),
        declared=journaled.declared,
    )


def kept_fields(event: AppEvent, *, has_endpoint: bool) -> tuple[tuple[str, Word], ...]:
    """Return the fields the journal keeps: enough to show the event, and to deliver it from them alone."""
    status = EventStatus.DUE if has_endpoint else EventStatus.KEPT
    fields: dict[str, Word] = {
        "verdict": event.verdict.value,
        "origin": event.origin,
        "received_at": str(event.received_at),
        "upload_id": event.uploader.upload_id if event.uploader else "",
        "user_id": event.uploader.user_id if event.uploader else "",
        "app_context": event.uploader.app_context if event.uploader else "",
        "vod_sub_app_id": str(event.uploader.vod_sub_app_id or "") if event.uploader else "",
        "delivery": WITHHELD if event.verdict is Verdict.QUARANTINED else status.value,
        "adopted_token": event.notification.session_context
        if event.notification.wire_format == "legacy"
        else "",
        "rejection": _written(event.rejection) if event.rejection else "",
        "raw": packed(event.notification),
    }
    return tuple(filter(itemgetter(1), fields.items()))


def adopted(notification: EventNotification, token: str) -> EventNotification:
    """Return an event with the token of its upload; unchanged if `token` is empty."""
    return notification._replace(session_context=token) if token else notification


def _uploader(record: Mapping[str, str]) -> UploadContext | None:
    if "upload_id" not in record:
        return None
    sub_app_id = record.get("vod_sub_app_id")
    return UploadContext(
        record["upload_id"],
        record["user_id"],
        record.get("app_context", ""),
        int(sub_app_id) if sub_app_id else None,
    )


def _written(rejection: Rejection) -> str:
    from shared.domain.rejection import write_rejection  # noqa: PLC0415 -- few events are a rejection

    return write_rejection(rejection)


def _rejection(text: str) -> Rejection | None:
    from shared.domain.rejection import read_rejection  # noqa: PLC0415 -- few events are a rejection

    return read_rejection(text)


def event_in(record: Mapping[str, str]) -> AppEvent:
    """Rebuild an event from its record in the journal, with what has been learnt since."""
    notification = notification_from_journal(unpacked(record["raw"])[0])
    return AppEvent(
        # An earlier release kept it.
        event_id=record.get("event_id") or event_id_for(record["name"]),
        notification=adopted(notification, record.get("adopted_token", "")),
        uploader=_uploader(record),
        verdict=Verdict(record["verdict"]),
        verified=record.get("verified") == "1",
        sequence=int(record.get("sequence", 0)),
        received_at=int(record["received_at"]),
        origin=record["origin"],
        limits=read_limits(record.get("limits", "")),
        declared=record.get("declared", ""),
        rejection=_rejection(record["rejection"]) if "rejection" in record else None,
    )
