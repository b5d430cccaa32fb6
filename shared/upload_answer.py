"""What an upload's owner is told about it, and how a client that waits asks again.

Whether the caller is the owner is left to `shared.store`.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from shared.app_event import subtask_json
from shared.file_limits import breaches_json, breaches_of
from shared.upload_session import UploadSession, UploadState, is_final, state_of

if TYPE_CHECKING:
    from shared.upload_session import ProcedureOutcome

POLL_SECONDS = {UploadState.ISSUED: 2, UploadState.PROCESSING: 5}
"""How long a client should wait before it asks again; other states are final."""


def upload_answer(session: UploadSession, *, now: int) -> dict[str, object]:
    """Spell one upload as its owner sees it; instants are ISO 8601, `expiresAt` the session's end."""
    return {
        "uploadId": session.upload_id,
        "state": state_of(session, now=now).value,
        "final": is_final(session, now=now),
        "policy": session.grant.policy,
        "context": session.grant.context,
        "fileId": session.file_id or None,
        "mediaUrl": session.media_url or None,
        "coverUrl": session.cover_url or None,
        "procedureTaskId": session.procedure_task_id or None,
        "procedure": _procedure(session.procedure),
        "breaches": _breaches(session),
        "issuedAt": _iso(session.issued_at),
        "expiresAt": _iso(session.ends_at),
        "uploadedAt": _iso(session.uploaded_at),
        "cancelledAt": _iso(session.cancelled_at),
        "updatedAt": _iso(session.updated_at),
    }


def entity_tag(answer: dict[str, object]) -> str:
    """Name this answer, so that a client can ask for the next different one (RFC 9110, section 8.8.3)."""
    return '"' + hashlib.sha256(json.dumps(answer, sort_keys=True).encode("ascii")).hexdigest()[:24] + '"'


def matches(if_none_match: str, tag: str) -> bool:
    """Whether a client's If-None-Match names this answer."""
    known = [entity.strip().removeprefix("W/") for entity in if_none_match.split(",")]
    return tag in known or known == ["*"]


def _breaches(session: UploadSession) -> list[dict[str, object]] | None:
    if session.uploaded_at is None:
        return None
    return breaches_json(breaches_of(session.grant.limits, session))


def _procedure(outcome: ProcedureOutcome | None) -> dict[str, object] | None:
    if outcome is None:
        return None
    return {
        "status": outcome.status,
        "succeeded": outcome.succeeded,
        "subtasks": [subtask_json(subtask) for subtask in outcome.subtasks],
    }


def _iso(instant: int | None) -> str | None:
    if instant is None:
        return None
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
