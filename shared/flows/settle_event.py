"""Settle a journaled event by what VOD says of it: VOD's answer takes its place, or it is quarantined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.event_text import packed
from shared.domain.ingested_event import as_journaled, classify
from shared.domain.session import facts_of
from shared.errors import CallBudgetError, NotFoundError, UnreadableRecordError, VodApiError
from shared.flows.verify_event import Verification
from shared.vod.notification import raw_json

if TYPE_CHECKING:
    from shared.config.settings import IngestSettings
    from shared.domain.ingested_event import IngestedEvent
    from shared.domain.journal import Word
    from shared.flows.ingest_event import Ingester
    from shared.flows.verify_event import ReadBack
    from shared.store.uploads import UploadStore
    from shared.vod.context_token import UploadContext
    from shared.vod.notification_types import EventNotification


def verify(
    ingester: Ingester, ingested: IngestedEvent, *, vod_api: ReadBack, now: int, timeout_seconds: float
) -> IngestedEvent:
    """Query VOD about a pushed event, and replace the event with VOD's answer.

    What VOD contradicts is quarantined. An event of an upload made without us is not held: if VOD does
    not answer, or does not know the file (as in a sub-application that only the event names), it stays as
    received and unverified. A further version of it waits for VOD's answer: without one it is a copy.

    Raises:
        VodApiError: VOD did not answer, or has no such state yet; the event stays held, the version due.
        CallBudgetError: VOD was not asked; the event stays held, or due.
        StoreUnavailableError: the store did not answer; the event stays held, or due.

    """
    entry, event, claim = ingested.entry, ingested.event, ingested.event.notification
    uploader, store = event.uploader, ingester.store
    waits = uploader is not None or entry.is_further_version
    verification = Verification(
        vod_api,
        sub_app_id=uploader.vod_sub_app_id if uploader else None,
        attempts=ingested.attempts if waits else 0,
        # Verification makes up to two calls.
        timeout_seconds=timeout_seconds / 2,
        foreign=uploader is None,
        has_flow=lambda: has_flow(store, uploader) if uploader else None,
        proof_task=lambda: store.proof_task(uploader.user_id, uploader.upload_id) if uploader else "",
    )
    try:
        verified = verification.verify(claim)
    except VodApiError as error:
        if waits or isinstance(error, CallBudgetError):
            raise
        return ingested
    if verified is not None and not _is_of(uploader, verified.notification, ingester.settings):
        verified = None
    if verified is not None:
        if claim.wire_format == "legacy":
            ingester.remember_task(verified.notification)
        entry = entry._replace(
            facts=facts_of(verified.notification, received_at=event.received_at),
            fields=_verified_fields(claim, verified.notification),
        )
        event = event._replace(notification=verified.notification)
    settled = store.settle(
        entry,
        now=now,
        genuine=verified is not None,
        confirmed=verified is not None and verified.confirmed,
    )
    journaled = settled._replace(endpoint_state=ingested.journaled.endpoint_state)
    return ingested._replace(entry=entry, journaled=journaled, event=as_journaled(event, journaled))


def has_flow(store: UploadStore, uploader: UploadContext) -> bool | None:
    """Return whether an upload was granted a task flow; None if its record is lost or cannot be read.

    Raises:
        StoreUnavailableError: the store did not answer.

    """
    try:
        return store.find_upload(uploader.user_id, uploader.upload_id).grant.procedure is not None
    except (NotFoundError, UnreadableRecordError):
        return None


def _is_of(uploader: UploadContext | None, notification: EventNotification, settings: IngestSettings) -> bool:
    """Return whether VOD's answer names the uploader on record; a token whose key is gone cannot tell."""
    named, _ = classify(notification, keys=settings.context_keys, stage=settings.stage)
    return named is None or named == uploader


def _verified_fields(claim: EventNotification, verified: EventNotification) -> tuple[tuple[str, Word], ...]:
    """Return the fields to store if VOD's values differ from the pushed ones."""
    return (("raw", packed(verified, claim)),) if raw_json(verified) != raw_json(claim) else ()
