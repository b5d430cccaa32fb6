"""The states of one upload, and the facts that each event adds.

A session is a set of facts that are only ever added to, so events lead to the same state in any order; the
state is derived from the facts. Only a cancellation is taken back, by another signature.
"""

from __future__ import annotations

from enum import Enum
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from shared.domain.file_limits import MAX_SIZE
from shared.errors import ConflictError

if TYPE_CHECKING:
    from shared.domain.policy import Grant
    from shared.vod.notification_types import EventNotification, ProcedureState, Subtask

COMMIT_RETRY_SECONDS = 120
"""An SDK that lost the answer to its Commit asks for another signature after VOD has the file.

So long after the first event of its file an upload gets more of its signatures, which end with these seconds.
"""

APPLICATION_CHECK_SECONDS = 900
"""When to check an upload to another sub-application, whose list of media is tailed from then on."""
TASK_FLOW_CHECK_SECONDS = 3600
"""How long no event of a task flow may come before VOD is queried about it."""
CHECK_AS_PLANNED = -1

TASK_KEPT_SECONDS = 72 * 3600
"""How long VOD can be queried about a task (266/39706)."""
LONGEST_CHECK_SECONDS = 6 * 3600
RETRY_SECONDS = 300
"""The shortest pause before the next check if VOD did not answer, or its list is not read so far yet."""

_FORGOTTEN = "FORGOTTEN"
_ENDED = ("FINISH", "ABORTED", _FORGOTTEN)
"""As `notification_types.ENDED_STATUSES`, whose module a signature does not import."""
FINISHED_RANK = 1 << 40
"""Above every rank that a running task flow reaches, or one that VOD has forgotten."""
_SUBTASK_WEIGHT = {"PROCESSING": 1, "SUCCESS": 2, "FAIL": 2}


class UploadState(str, Enum):
    """State of an upload; `uploaded`, `ready`, `failed`, `cancelled` and `expired` can be final."""

    ISSUED = "issued"
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class ProcedureOutcome(NamedTuple):
    """State of a task flow as last reported: `status` is PROCESSING, FINISH, ABORTED or FORGOTTEN."""

    status: str
    succeeded: bool
    subtasks: tuple[Subtask, ...] = ()


class UploadOrigin(NamedTuple):
    """What an upload began with: its user, the grant, begin and end in Unix seconds."""

    upload_id: str
    user_id: str
    grant: Grant
    issued_at: int
    ends_at: int


class UploadSession(NamedTuple):
    """One upload: what it began with, as in `UploadOrigin`, and every fact that has been learnt since.

    All instants are Unix seconds, `size` is in bytes, `duration` in seconds. `sequence` counts the events
    journaled for this upload; until `signed_until` one of its signatures can be used.
    """

    upload_id: str
    user_id: str
    grant: Grant
    issued_at: int
    ends_at: int
    signed_until: int = 0
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

    `file_id` is claimed by the first event that names one; an event that names another is about a second file
    under the same session. `first` are fields kept as first learnt. `outcome` is kept if its `rank` is the
    highest so far, so that a late PROCESSING never undoes a FINISH; of two ends, the later journaled counts.

    `check_after` is the number of seconds until the check for a missed event: 0 for no check,
    CHECK_AS_PLANNED to leave the planned one.

    `size` is the file's, in bytes, and counts against the user's limits; None if VOD did not report it.
    `computed` are the digests that VOD reports of the file's bytes, by their names.
    """

    file_id: str
    first: tuple[tuple[str, str], ...] = ()
    rank: int = 0
    outcome: ProcedureOutcome | None = None
    check_after: int = CHECK_AS_PLANNED
    size: int | None = None
    computed: tuple[str, ...] = ()

    @property
    def version(self) -> list[object]:
        """What the end of a task flow led to; empty for any other event.

        RedoTask ends a task flow a second time, with other results. What the event and the API could report
        differently, such as the progress, is no part of it.
        """
        if self.outcome is None or self.rank < FINISHED_RANK:
            return []
        results = ([it.kind, it.definition, it.status, it.output_urls] for it in self.outcome.subtasks)
        return [self.outcome.status, sorted(map(str, results))]


def facts_of(notification: EventNotification, *, received_at: int) -> Facts:
    """Return the facts that an event adds to the session of its context."""
    upload, procedure = notification.file_upload, notification.procedure_state
    if upload is not None:
        size = _countable(upload.size)
        learnt = {
            "uploaded_at": str(received_at),
            "media_url": upload.media_url,
            "cover_url": upload.cover_url,
            "procedure_task_id": upload.procedure_task_id,
            "size": "" if size is None else str(size),
            "duration": "" if upload.duration is None else str(upload.duration),
            "media_type": upload.media_type,
        }
        first = tuple(filter(itemgetter(1), learnt.items()))
        check_after = TASK_FLOW_CHECK_SECONDS if upload.procedure_task_id else 0
        return Facts(notification.file_id, first, check_after=check_after, size=size)
    if procedure is not None:
        outcome = ProcedureOutcome(procedure.status, procedure.succeeded, procedure.subtasks)
        check_after = 0 if procedure.finished else TASK_FLOW_CHECK_SECONDS
        # So that VOD can be queried for its end even if the event of the upload was missed.
        first = (("procedure_task_id", procedure.task_id),) if procedure.task_id else ()
        return Facts(notification.file_id, first, _rank(procedure), outcome, check_after)
    return Facts(notification.file_id, computed=tuple(name for name, _ in notification.digests))


def expiry_facts(*, now: int) -> Facts:
    """Return the facts that the end of an unused upload adds to its session."""
    return Facts("", (("expired_at", str(now)),), check_after=0)


def state_of(session: UploadSession, *, now: int) -> UploadState:
    """Derive the state from the facts; a file in VOD outweighs a cancellation and an expiry."""
    if session.procedure is not None and session.procedure.status in _ENDED:
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
    """Return whether no further change is expected, so that a client can stop polling."""
    return state_of(session, now=now) not in (UploadState.ISSUED, UploadState.PROCESSING)


def is_unused(session: UploadSession, *, now: int) -> bool:
    """Return whether the upload has ended without a file, and its expiry is not recorded yet.

    It has not ended before its last signature has.
    """
    is_over = state_of(session, now=now) is UploadState.EXPIRED and now >= session.signed_until
    return is_over and session.expired_at is None and session.file_id == ""


class SigningEndedError(ConflictError):
    """An upload gets no further signature: it has ended, or has had all of them."""

    def __init__(self, session: UploadSession, *, now: int) -> None:
        state = state_of(session, now=now)
        said = "has had all its signatures" if state is UploadState.ISSUED else f"is {state.value}"
        super().__init__(
            f"This upload {said}: begin a new one, without uploadId or under another Idempotency-Key."
        )
        self.session = session


def signature_ends_at(session: UploadSession, *, now: int, cover: bool = False) -> int:
    """Return when a signature that is issued now, for the file or its `cover`, expires (Unix seconds)."""
    ends_at = now + session.grant.ttl_seconds
    if session.uploaded_at is None or cover:
        return ends_at
    return min(ends_at, session.uploaded_at + COMMIT_RETRY_SECONDS)


def ended_at(session: UploadSession) -> int:
    """Return when an upload that has no file ends for good (Unix seconds), its last signature included."""
    return max(session.ends_at, session.signed_until)


def first_check_at(session: UploadSession) -> int:
    """Return the time (Unix seconds) of the first check of a new upload: its end, as a rule."""
    if session.grant.vod_sub_app_id is None:
        return session.ends_at
    return min(session.issued_at + APPLICATION_CHECK_SECONDS, session.ends_at)


def next_check_at(session: UploadSession, *, now: int, listed_until: int) -> int | None:
    """Return the time (Unix seconds) of the next check of an upload; None if no change is expected.

    An unused upload expires once VOD's list has been read until its end; before, it waits as long as
    reading takes that is no faster than the clock. `listed_until` is in Unix seconds.
    """
    if session.procedure_task_id != "" and not is_final(session, now=now):
        return _growing_pause_ends(session, TASK_FLOW_CHECK_SECONDS, now=now)
    if session.uploaded_at is not None or session.expired_at is not None:
        return None
    end = ended_at(session)
    if now < end:
        return end
    if not is_unused(session, now=now):
        return None
    return now + min(max(RETRY_SECONDS, end - listed_until), LONGEST_CHECK_SECONDS)


def retry_at(session: UploadSession, *, now: int) -> int:
    """Return the time (Unix seconds) of the next check of a task flow about which VOD did not answer."""
    return _growing_pause_ends(session, RETRY_SECONDS, now=now)


def is_forgotten(session: UploadSession, *, now: int) -> bool:
    """Return whether VOD keeps the upload's task flow no longer, and no event has told of its end."""
    has_running_flow = session.procedure_task_id != "" and not is_final(session, now=now)
    return has_running_flow and now - session.updated_at >= TASK_KEPT_SECONDS


def _growing_pause_ends(session: UploadSession, shortest: int, *, now: int) -> int:
    """Return `now` and a pause in proportion to the time since the upload's last event."""
    return now + min(max(shortest, (now - session.updated_at) // 12), LONGEST_CHECK_SECONDS)


def _task_flow_will_report(session: UploadSession) -> bool:
    started = session.uploaded_at is not None and session.procedure_task_id != ""
    return started and session.grant.task_notify_mode != "None"


def _countable(size: int | None) -> int | None:
    """Return the size if the store can add it up exactly; None for any other."""
    return size if size is not None and 0 <= size <= MAX_SIZE else None


def _rank(procedure: ProcedureState) -> int:
    """Order the reports of one task flow by its progress."""
    if procedure.finished:
        return FINISHED_RANK - (procedure.status == _FORGOTTEN)
    return 1 + sum(
        _SUBTASK_WEIGHT.get(subtask.status, 0) * 1000 + max(0, min(subtask.progress or 0, 100))
        for subtask in procedure.subtasks
    )
