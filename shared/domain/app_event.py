"""The event that the app receives: one JSON object per upload or task-flow event.

Shortened:

    {"specversion": "1.0", "id": "evt_…", "type": "upload.completed", "timestamp": "2026-11-22T07:05:00Z",
     "occurredAt": "2026-11-22T07:04:58Z", "data": {"uploadId": …, "uploader": "alice", "fileId": …, …},
     "raw": {…in VOD's words…}}
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.domain.event_status import Verdict
from shared.domain.file_limits import violations_json, violations_of
from shared.domain.upload_representation import subtask_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain.file_limits import FileLimits
    from shared.domain.rejection import Rejection
    from shared.vod.context_token import UploadContext
    from shared.vod.notification_types import EventNotification, FileUpload, ProcedureState


SPEC_VERSION = "1.1"
"""The version of the event's schema: the second number grows with each new type or member, the first with
any other change."""
MAX_BODY_BYTES = 1_048_576
"""The largest body that is sent; of an event that would be larger, first `raw` is left out."""
_MOST_TEXT, _MOST_ITEMS = 500, 12
"""Then texts and lists are cut to so many characters and items: with them no event reaches the cap."""
PUSH, PULL, RECONCILED, EXPIRY, ENFORCEMENT = "push", "pull", "reconciled", "expiry", "enforcement"
_OURS = (EXPIRY, ENFORCEMENT)
_FURTHER_UPLOADS = {Verdict.REPLAYED: "upload.replayed", Verdict.COVER_CHANGED: "upload.cover_changed"}


class AppEvent(NamedTuple):
    """One event for the app; `received_at` is the Unix second at which it was received.

    `origin` is `push` or `pull`, `reconciled` (VOD's event was missed, and reconciliation found it), `expiry`
    (the upload ended without a file) or `enforcement` (`rejection` is what was done with a file beyond its
    policy); the notification of the last two is empty. `uploader` is None for an
    unattributed event. `verified` is True if VOD itself confirmed the whole notification. `limits` are those
    of the upload whose file the event is about, None if unknown. `sequence` counts the events of one upload
    from 1; 0 for none. `declared` are the digests that the upload's request declared, as `md5:… sha1:…`, of
    those that the event has VOD's own of.
    """

    event_id: str
    notification: EventNotification
    uploader: UploadContext | None
    verdict: Verdict
    verified: bool
    sequence: int
    received_at: int
    origin: str
    limits: FileLimits | None = None
    declared: str = ""
    rejection: Rejection | None = None

    @property
    def occurred_at(self) -> str | None:
        """When it happened, in ISO 8601: as VOD reports it, None if VOD does not.

        Of a file its creation, of a task flow its latest change. An upload that ends without a file ends when
        that is found, and a file is rejected when that was done.
        """
        upload, procedure = self.notification.file_upload, self.notification.procedure_state
        if self.origin in _OURS:
            return _iso(self.received_at)
        if upload is not None and self.verdict is not Verdict.COVER_CHANGED:
            return _instant(upload.created_at)
        return _instant(procedure.changed_at) if procedure else None

    @property
    def type(self) -> str:
        """The event's type, on which an app dispatches."""
        upload, procedure = self.notification.file_upload, self.notification.procedure_state
        if self.origin == EXPIRY:
            return "upload.expired"
        if self.declared:
            return "upload.integrity"
        if self.rejection is not None:
            return "upload.rejected"
        if self.uploader is not None and upload is not None:
            return _FURTHER_UPLOADS.get(self.verdict, "upload.completed")
        if self.uploader is not None and procedure is not None:
            return "procedure.finished" if procedure.finished else "procedure.changed"
        return f"vod.{self.notification.event_type or 'Unknown'}"


def event_id_for(identity: str) -> str:
    """Return the id of an event: the same for every delivery, retry and replay of it."""
    return "evt_" + hashlib.sha256(identity.encode("ascii")).hexdigest()[:32]


def to_json(event: AppEvent) -> dict[str, object]:
    """Return the whole event as the app receives it."""
    return {
        "specversion": SPEC_VERSION,
        "id": event.event_id,
        "type": event.type,
        "timestamp": _iso(event.received_at),
        "occurredAt": event.occurred_at,
        "data": _content(event),
        "raw": dict(event.notification.raw),
    }


def body_of(event: AppEvent, *, thin: bool = False) -> bytes:
    """Return the body of a delivery, JSON in ASCII of at most MAX_BODY_BYTES.

    `raw` is null if `thin`, or if the event would be larger with it; if that is not enough, long texts and
    lists are cut, and the event says `"truncated": true`.
    """
    content = to_json(event)
    if thin:
        content["raw"] = None
    body = _encoded(content)
    if len(body) > MAX_BODY_BYTES:
        content["raw"] = None
        body = _encoded(content)
    if len(body) > MAX_BODY_BYTES:
        body = _encoded({**_cut(content), "truncated": True})
    return body


def _encoded(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode("ascii")


def _cut(value: Any) -> Any:  # noqa: ANN401 -- any part of an event
    if isinstance(value, str):
        return value[:_MOST_TEXT]
    if isinstance(value, dict):
        return {name: _cut(member) for name, member in value.items()}
    return [_cut(item) for item in value[:_MOST_ITEMS]] if isinstance(value, list) else value


def _content(event: AppEvent) -> dict[str, object]:
    notification, uploader = event.notification, event.uploader
    upload, procedure = notification.file_upload, notification.procedure_state
    return {
        "uploadId": uploader.upload_id if uploader else None,
        "uploader": uploader.user_id if uploader else None,
        "context": uploader.app_context if uploader else None,
        "sourceContext": None if uploader else notification.context_token or None,
        "fileId": notification.file_id or None,
        **(_upload(upload, event.limits) if upload else {}),
        **(_procedure(procedure) if procedure else {}),
        **(_integrity(event.declared, dict(notification.digests)) if event.declared else {}),
        **(_rejected(event.rejection) if event.rejection else {}),
        "verdict": event.verdict.value,
        "verified": event.verified,
        "reconciled": event.origin == RECONCILED,
        "sequence": event.sequence,
    }


def _upload(upload: FileUpload, limits: FileLimits | None) -> dict[str, object]:
    return {
        "fileName": upload.name,
        "mediaUrl": upload.media_url or None,
        "coverUrl": upload.cover_url or None,
        "mediaType": upload.media_type,
        "size": upload.size,
        "duration": upload.duration,
        "storageRegion": upload.storage_region or None,
        "classId": upload.class_id,
        "procedureTaskId": upload.procedure_task_id or None,
        "reviewTaskId": upload.review_task_id or None,
        "sourceType": upload.source_type,
        "breaches": violations_json(violations_of(limits, upload)),
    }


def _procedure(procedure: ProcedureState) -> dict[str, object]:
    return {
        "mediaUrl": procedure.media_url or None,
        "procedureTaskId": procedure.task_id or None,
        "procedure": {
            "status": procedure.status,
            "succeeded": procedure.succeeded,
            "message": procedure.message,
            "subtasks": [subtask_json(subtask) for subtask in procedure.subtasks],
        },
    }


def _integrity(declared: str, computed: Mapping[str, str]) -> dict[str, object]:
    """Compare each declared digest of which VOD has computed its own."""
    digests = [
        {"algorithm": name, "declared": digest, "actual": computed[name]}
        for name, digest in (word.split(":") for word in declared.split())
    ]
    matches = all(each["declared"] == each["actual"] for each in digests)
    return {"outcome": "match" if matches else "mismatch", "digests": digests}


def _rejected(rejection: Rejection) -> dict[str, object]:
    return {
        "fileId": rejection.file_id,
        "action": rejection.action,
        "reason": rejection.reason,
        "breaches": rejection.breaches,
    }


def _iso(instant: int) -> str:
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(text: str) -> str | None:
    """Return an ISO 8601 instant of VOD in UTC, to the second; None for any other text."""
    try:
        instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
        told = instant.astimezone(timezone.utc).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return None
    return None if instant.tzinfo is None else told.replace("+00:00", "Z")
