"""The states of one upload, and what each event says about it.

A session is a set of facts that are only ever added to, so that events lead to the same state in
whatever order they come; the state is read off the facts. Keeping the facts is left to
`shared.store.journal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from shared.domain.rate_limits import MAX_SIZE

if TYPE_CHECKING:
    from shared.domain.policy import Grant
    from shared.vod.notification_types import EventNotification, ProcedureState, Subtask

COMMIT_RETRY_SECONDS = 120
"""An SDK that lost the answer to its Commit asks for another signature after VOD has the file."""

UPLOAD_CHECKS_SECONDS = (900, 3600, 4 * 3600)
"""How long after the first signature to look whether an upload's event was missed."""
TASK_FLOW_CHECK_SECONDS = 3600
"""How long a task flow may be silent before VOD is asked about it."""
CHECK_AS_PLANNED = -1

_FINISH = "FINISH"
FINISHED_RANK = 1 << 40
"""Above every rank that a running task flow reaches."""
_SUBTASK_WEIGHT = {"PROCESSING": 1, "SUCCESS": 2, "FAIL": 2}


class UploadState(str, Enum):
    """Where an upload stands; `uploaded`, `ready`, `failed`, `cancelled` and `expired` can be final."""

    ISSUED = "issued"
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True)
class ProcedureOutcome:
    """What is known of the task flow: `status` is PROCESSING or FINISH, as VOD spells it."""

    status: str
    succeeded: bool
    subtasks: tuple[Subtask, ...] = ()


@dataclass(frozen=True)
class UploadOrigin:
    """What an upload began with: who may make it, with what, and from when until when (Unix seconds)."""

    upload_id: str
    user_id: str
    grant: Grant
    issued_at: int
    ends_at: int


@dataclass(frozen=True)
class UploadSession(UploadOrigin):
    """One upload: what it began with, and every fact that has been learnt of it since.

    All instants are Unix seconds, `size` is in bytes, `duration` in seconds. `sequence` counts the events
    journaled for this upload.
    """

    cancelled_at: int | None = None
    expired_at: int | None = None
    uploaded_at: int | None = None
    file_id: str = ""
    media_url: str = ""
    cover_url: str = ""
    procedure_task_id: str = ""
    procedure: ProcedureOutcome | None = None
    size: int | None = None
    duration: float | None = None
    media_type: str = ""
    updated_at: int = 0
    sequence: int = 0


class Facts(NamedTuple):
    """What one event adds to its upload.

    `file_id` is claimed by the first event that names one; an event that names another is about a
    second file under the same session. `first` are fields kept as first learnt. `ranked` is kept
    if its rank is the highest so far, so that a late PROCESSING never undoes a FINISH.

    `check_after` says in how many seconds to look whether the next event was missed: 0 if none is
    to come, CHECK_AS_PLANNED if this event changes nothing about it.

    `size` is the file's, in bytes, to be counted among what its user has used; None if it is not told.
    """

    file_id: str
    first: tuple[tuple[str, str], ...] = ()
    rank: int = 0
    outcome: ProcedureOutcome | None = None
    check_after: int = CHECK_AS_PLANNED
    size: int | None = None


def facts_of(notification: EventNotification, *, received_at: int) -> Facts:
    """Say what an event adds to the session its context names."""
    upload, procedure = notification.file_upload, notification.procedure_state
    if upload is not None:
        learnt = {
            "uploaded_at": str(received_at),
            "media_url": upload.media_url,
            "cover_url": upload.cover_url,
            "procedure_task_id": upload.procedure_task_id,
            "size": "" if upload.size is None else str(upload.size),
            "duration": "" if upload.duration is None else str(upload.duration),
            "media_type": upload.media_type,
        }
        first = tuple(filter(itemgetter(1), learnt.items()))
        check_after = TASK_FLOW_CHECK_SECONDS if upload.procedure_task_id else 0
        return Facts(notification.file_id, first, check_after=check_after, size=_countable(upload.size))
    if procedure is not None:
        outcome = ProcedureOutcome(procedure.status, procedure.succeeded, procedure.subtasks)
        check_after = 0 if procedure.finished else TASK_FLOW_CHECK_SECONDS
        # Should the event of the upload be missed, its end can be asked for all the same.
        first = (("procedure_task_id", procedure.task_id),) if procedure.task_id else ()
        return Facts(notification.file_id, first, _rank(procedure), outcome, check_after)
    return Facts(notification.file_id)


def expiry_facts(*, now: int) -> Facts:
    """Say what the end of an unused upload adds to its session."""
    return Facts("", (("expired_at", str(now)),), check_after=0)


def state_of(session: UploadSession, *, now: int) -> UploadState:
    """Read the state off the facts; a file that VOD has outweighs a cancellation or an expiry."""
    if session.procedure is not None and session.procedure.status == _FINISH:
        return UploadState.READY if session.procedure.succeeded else UploadState.FAILED
    if session.procedure is not None or _task_flow_will_report(session):
        return UploadState.PROCESSING
    if session.uploaded_at is not None:
        return UploadState.UPLOADED
    if session.cancelled_at is not None:
        return UploadState.CANCELLED
    if session.expired_at is not None or now >= session.ends_at:
        return UploadState.EXPIRED
    return UploadState.ISSUED


def is_final(session: UploadSession, *, now: int) -> bool:
    """Whether no further change is expected: a client that waits can stop asking."""
    return state_of(session, now=now) not in (UploadState.ISSUED, UploadState.PROCESSING)


def is_unused(session: UploadSession, *, now: int) -> bool:
    """Whether the upload has ended, nothing came of it, and that has not been told yet."""
    is_over = state_of(session, now=now) is UploadState.EXPIRED
    return is_over and session.expired_at is None and session.file_id == ""


def may_renew(session: UploadSession, *, now: int) -> bool:
    """Whether another signature may be issued.

    That is until the upload has ended, and a little longer for a Commit that is tried again.
    """
    if session.uploaded_at is not None and now < session.uploaded_at + COMMIT_RETRY_SECONDS:
        return session.cancelled_at is None
    return state_of(session, now=now) is UploadState.ISSUED


def first_check_at(session: UploadSession) -> int:
    """Say when (Unix seconds) a new upload is first looked after."""
    return min(session.issued_at + UPLOAD_CHECKS_SECONDS[0], session.ends_at)


def next_check_at(session: UploadSession, *, now: int) -> int | None:
    """Say when to look after this upload again; None if nothing more is to come of it.

    The last look at an unused upload is at its end: then it expires.
    """
    if session.procedure_task_id != "" and not is_final(session, now=now):
        return now + TASK_FLOW_CHECK_SECONDS
    if session.uploaded_at is not None or session.expired_at is not None:
        return None
    if now >= session.ends_at and not is_unused(session, now=now):
        return None
    later = (session.issued_at + seconds for seconds in UPLOAD_CHECKS_SECONDS)
    return min([*(at for at in later if at > now), max(session.ends_at, now + 1)])


def _task_flow_will_report(session: UploadSession) -> bool:
    started = session.uploaded_at is not None and session.procedure_task_id != ""
    return started and session.grant.task_notify_mode != "None"


def _countable(size: int | None) -> int | None:
    """Keep a size within what the store can add up; one that cannot be true is not told."""
    return size if size is not None and 0 <= size <= MAX_SIZE else None


def _rank(procedure: ProcedureState) -> int:
    """Order the reports of one task flow by how far it has come."""
    if procedure.finished:
        return FINISHED_RANK
    return 1 + sum(
        _SUBTASK_WEIGHT.get(subtask.status, 0) * 1000 + max(0, min(subtask.progress or 0, 100))
        for subtask in procedure.subtasks
    )
