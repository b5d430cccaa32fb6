"""What an upload's owner is told about it, and how a client that waits asks again.

Whether the caller is the owner is left to `shared.store.journal`.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from shared.domain.file_limits import violations_json, violations_of
from shared.domain.session import UploadSession, UploadState, is_final, state_of

if TYPE_CHECKING:
    from shared.domain.session import ProcedureOutcome
    from shared.vod.notification_types import Subtask

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
        "breaches": _violations(session),
        "issuedAt": _iso(session.issued_at),
        "expiresAt": _iso(session.ends_at),
        "uploadedAt": _iso(session.uploaded_at),
        "cancelledAt": _iso(session.cancelled_at),
        "updatedAt": _iso(session.updated_at),
    }


def subtask_json(subtask: Subtask) -> dict[str, object]:
    """Spell one subtask of a task flow, here and in the answer about an upload."""
    return {
        "kind": subtask.kind,
        "definition": subtask.definition,
        "status": subtask.status,
        "progress": subtask.progress,
        "error": subtask.err_code_ext or None,
        "message": subtask.message,
        "urls": list(subtask.output_urls),
    }


def entity_tag(answer: dict[str, object]) -> str:
    """Name this answer, so that a client can ask for the next different one (RFC 9110, section 8.8.3)."""
    return '"' + hashlib.sha256(json.dumps(answer, sort_keys=True).encode("ascii")).hexdigest()[:24] + '"'


def matches(if_none_match: str, tag: str) -> bool:
    """Whether a client's If-None-Match names this answer."""
    known = [entity.strip().removeprefix("W/") for entity in if_none_match.split(",")]
    return tag in known or known == ["*"]


def _violations(session: UploadSession) -> list[dict[str, object]] | None:
    if session.uploaded_at is None:
        return None
    return violations_json(violations_of(session.grant.limits, session))


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
