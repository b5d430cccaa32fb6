"""The JSON representation of an upload for its owner, and its entity tag for conditional requests."""

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

_WORDS = {40000: "InvalidInput", 60000: "SourceFileError", 70000: "InternalError"}
"""What the deprecated numbers mean, which the legacy format has instead of words."""
POLL_SECONDS = {UploadState.ISSUED: 2, UploadState.PROCESSING: 5}
"""How long a client should wait before the next poll; other states are final."""


def upload_answer(session: UploadSession, *, now: int) -> dict[str, object]:
    """Return the representation; instants are ISO 8601, `expiresAt` is the end of the session."""
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
    """Return one subtask of a task flow as JSON members, here and in the app's event."""
    return {
        "kind": subtask.kind,
        "definition": subtask.definition,
        "status": subtask.status,
        "progress": subtask.progress,
        "error": subtask.err_code_ext or None,
        "message": subtask.message,
        "retriable": _is_retriable(subtask),
        "urls": list(subtask.output_urls),
    }


def _is_retriable(subtask: Subtask) -> bool | None:
    """Return whether a failed subtask can succeed with the same input, as VOD's word says (doc 266/33953)."""
    if not subtask.failed:
        return None
    word = subtask.err_code_ext or _WORDS.get(subtask.err_code or 0, "")
    return {"InternalError": True, "InvalidInput": False, "SourceFileError": False}.get(
        word.partition("[")[0]
    )


def entity_tag(answer: dict[str, object]) -> str:
    """Return the strong entity tag of an answer (RFC 9110, section 8.8.3)."""
    return '"' + hashlib.sha256(json.dumps(answer, sort_keys=True).encode("ascii")).hexdigest()[:24] + '"'


def matches(if_none_match: str, tag: str) -> bool:
    """Return whether an If-None-Match header matches the tag."""
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
