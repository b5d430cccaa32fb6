"""The expected journal and uploads, in plain Python: one dict of uploads, one of events.

It is written from the contracts and not from the scripts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain.session import UploadState
from tests.shared.uploads import SESSION_SECONDS

if TYPE_CHECKING:
    from shared.domain.journal import AttemptEnding, EventKey
    from shared.domain.session import UploadSession

FUNCTION_LEASE_SECONDS, TIMER_LEASE_SECONDS = 10, 30
INDEX_SECONDS, AHEAD_SECONDS, RETRY_SECONDS, DAY_SECONDS = 2400, 300, 300, 86_400
RETENTION_SECONDS = 7 * DAY_SECONDS
TASK_FLOW_CHECK_SECONDS, LONGEST_CHECK_SECONDS = 3600, 6 * 3600
PROGRESS = {"started": 5, "halfway": 50, "end": 100}
OVERTAKEN = 99
"""The progress of a flow by a report that its end has overtaken: it shows 100, and has not ended."""
LONGEST_LEASE_SECONDS = 30
SIGNATURE_SECONDS, COMMIT_RETRY_SECONDS = 600, 120
LAST = 10**9
"""After every sequence: the place of a waiting event that has none yet."""


@dataclass(frozen=True)
class Told:
    """The content of one event: `kind` is uploaded, started, halfway, end, news, broken or expiry.

    `task_id` is the task flow that an upload's event says it started, or a task flow's own; `progress` is
    that of the task flow, None: as its kind implies.
    """

    kind: str
    file_id: str = ""
    task_id: str = ""
    progress: int | None = None


@dataclass
class UploadModel:
    """One upload: its session, and what is known of it."""

    session: UploadSession
    ends_well: bool
    has_task_flow: bool
    check_at: int | None = None
    sequence: int = 0
    file_id: str = ""
    uploaded_at: int | None = None
    cancelled_at: int | None = None
    expired_at: int | None = None
    media_of: str = ""
    task_id: str = ""
    progress: int = 0
    updated_at: int = 0
    signed_until: int = 0

    def __post_init__(self) -> None:
        """Schedule the first check."""
        self.updated_at = self.session.issued_at
        self.signed_until = self.session.issued_at + SIGNATURE_SECONDS
        self.check_at = self.ends_at

    @property
    def ends_at(self) -> int:
        """When the upload ends, in Unix seconds."""
        return self.session.issued_at + SESSION_SECONDS

    @property
    def ended_at(self) -> int:
        """When nothing more may come of it, its last signature included."""
        return max(self.ends_at, self.signed_until)

    def state(self, now: int) -> UploadState:
        """Return the upload's state."""
        if self.progress == PROGRESS["end"]:
            return UploadState.READY if self.ends_well else UploadState.FAILED
        if self.progress or (self.uploaded_at is not None and self.task_id):
            return UploadState.PROCESSING
        if self.uploaded_at is not None:
            return UploadState.UPLOADED
        if self.cancelled_at is not None:
            return UploadState.CANCELLED
        is_over = self.expired_at is not None or now >= self.ends_at
        return UploadState.EXPIRED if is_over else UploadState.ISSUED

    def is_unused(self, now: int) -> bool:
        """Return whether the upload has ended without a file."""
        is_over = self.state(now) is UploadState.EXPIRED and now >= self.signed_until
        return is_over and self.expired_at is None and not self.file_id

    def renew(self, now: int) -> bool:
        """Issue another signature; False if the upload gets none."""
        if self.uploaded_at is not None:
            allowed = self.cancelled_at is None and now < self.uploaded_at + COMMIT_RETRY_SECONDS
        elif self.cancelled_at is not None:
            allowed = now < min(self.signed_until, self.ends_at) and not self.file_id
        else:
            allowed = self.state(now) is UploadState.ISSUED and not self.file_id
        if allowed:
            self.signed_until = now + SIGNATURE_SECONDS
            self.updated_at = self.updated_at if self.cancelled_at is None else now
            self.cancelled_at = None
        return allowed

    def cancel(self, now: int) -> None:
        """Cancel the upload, if it has no file and has not ended."""
        if not self.file_id and self.expired_at is None and self.cancelled_at is None and now < self.ends_at:
            self.cancelled_at = self.updated_at = now

    def learn(self, told: Told, received_at: int, now: int) -> tuple[str, int]:
        """Apply the content of an event; return the verdict and the sequence number."""
        self.sequence += 1
        if told.file_id and self.file_id and told.file_id != self.file_id:
            return "replayed", self.sequence
        was_over = now >= self.ends_at or self.cancelled_at is not None or self.expired_at is not None
        self.file_id = self.file_id or told.file_id
        self.updated_at = now
        self.task_id = self.task_id or told.task_id
        if told.kind == "uploaded" and self.uploaded_at is None:
            self.uploaded_at, self.media_of = received_at, told.file_id
        elif told.kind == "expiry":
            self.expired_at = now
        reached = PROGRESS.get(told.kind, 0) if told.progress is None else told.progress
        self.progress = max(self.progress, reached)
        self._plan(told, now)
        return "late" if told.kind == "uploaded" and was_over else "attributed", self.sequence

    def check_again(self, now: int, listed_until: int) -> None:
        """Schedule the next check, after one that found nothing new."""
        following = self._next_check(now, listed_until)
        if following is None:
            self.check_at = None
        elif self.check_at is not None:
            self.check_at = max(self.check_at, following)

    def _plan(self, told: Told, now: int) -> None:
        if told.kind in ("started", "halfway") or (told.kind == "uploaded" and told.task_id):
            self.check_at = now + TASK_FLOW_CHECK_SECONDS
        elif told.kind != "news" and (self.uploaded_at is not None or self.expired_at is not None):
            is_running = 0 < self.progress < PROGRESS["end"]
            self.check_at = self.check_at if is_running else None

    def _next_check(self, now: int, listed_until: int) -> int | None:
        state = self.state(now)
        if self.task_id and state in (UploadState.ISSUED, UploadState.PROCESSING):
            pause = max(TASK_FLOW_CHECK_SECONDS, (now - self.updated_at) // 12)
            return now + min(pause, LONGEST_CHECK_SECONDS)
        if self.uploaded_at is not None or self.expired_at is not None:
            return None
        if now < self.ended_at:
            return self.ended_at
        pause = max(RETRY_SECONDS, self.ended_at - listed_until)
        return now + min(pause, LONGEST_CHECK_SECONDS) if self.is_unused(now) else None


@dataclass
class ListModel:
    """One pass through VOD's list, at a distance behind the clock."""

    is_first: bool
    position: int | None = None

    def read_on(self, now: int) -> range:
        """Read the list on; return the creation times that are listed."""
        until = now - INDEX_SECONDS - AHEAD_SECONDS - (0 if self.is_first else SESSION_SECONDS + DAY_SECONDS)
        if self.position is None:
            self.position = min(until, now - SESSION_SECONDS) if self.is_first else until
        if self.position > until:
            return range(0)
        begin, self.position = self.position, until + AHEAD_SECONDS + 1
        return range(begin, self.position)


@dataclass
class EventModel:
    """One event of the journal, and the state of its delivery."""

    upload: UploadModel
    told: Told
    received_at: int
    lease: str
    at: EventKey
    status: str = "recorded"
    verdict: str = "attributed"
    sequence: int = 0
    verified: bool = False
    delivery: str = "due"
    attempts: int = 0
    due_at: int | None = None
    is_replaced: bool = False

    @property
    def may_be_told_anew(self) -> bool:
        """True if VOD's answer may replace the outcome: read back too early, or given up."""
        is_unsure = self.verdict == "quarantined" or (self.status == "held" and self.delivery == "dead")
        return is_unsure and self.told.kind != "broken"

    def withdraw(self) -> None:
        """Stop its delivery, because VOD's own version is told; once is enough."""
        if not self.is_replaced:
            self.delivery = "kept" if self.delivery in ("due", "dead") else self.delivery
            self.due_at, self.lease, self.is_replaced = None, "", True


@dataclass
class JournalModel:
    """All events and uploads; a key identifies an event as VOD does: upload, kind, and file."""

    uploads: list[UploadModel] = field(default_factory=list)
    events: dict[tuple[str, ...], EventModel] = field(default_factory=dict)
    in_flight: dict[str, int] = field(default_factory=dict)
    waiting: dict[tuple[int, str], EventModel] = field(default_factory=dict)
    """What waits for the end of another delivery of its upload, by its sequence then."""

    def ingest(self, key: tuple[str, ...], event: EventModel, *, pushed: bool) -> tuple[str, EventModel]:
        """Ingest one event; return the status the journal must answer, and the event as stored."""
        known, upload, now = self.events.get(key), event.upload, event.received_at
        is_whole = event.told.kind != "broken"
        if known is not None and known.status == "applied" and not known.verified and not pushed:
            known.withdraw()
            return self.ingest((*key, "as VOD says it"), event, pushed=pushed)
        if known is not None:
            is_replaced = known.may_be_told_anew or (known.status == "held" and not pushed)
            if not (is_whole and is_replaced):
                if known.status == "held" and (known.due_at or 0) > now + LONGEST_LEASE_SECONDS:
                    known.due_at = now
                return "duplicate", known
            vars(known).update(vars(event))
            event = known
        self.events[key] = event
        if not is_whole:
            event.verdict, event.delivery = "quarantined", "withheld"
            return event.status, event
        event.due_at = now + FUNCTION_LEASE_SECONDS * pushed
        if pushed:
            event.status = "held"
            return event.status, event
        event.verified, event.status = True, "applied"
        event.verdict, event.sequence = upload.learn(event.told, now, now)
        return event.status, event

    def may_expire(self, upload: UploadModel) -> bool:
        """Return whether an upload has no file; a used one needs no further check for that."""
        if not upload.file_id and upload.cancelled_at is not None:
            upload.check_at = None
        return not upload.file_id and upload.cancelled_at is None

    def settle(self, event: EventModel, *, lease: str, verified: Told | None, now: int) -> str:
        """Settle a held event by VOD's answer; return the status the journal must answer."""
        if event.lease != lease:
            return "lost"
        if verified is None:
            event.status, event.verdict, event.delivery = "recorded", "quarantined", "withheld"
            event.due_at = None
            return "quarantined"
        event.verdict, event.sequence = event.upload.learn(verified, event.received_at, now)
        event.verified = verified.kind != "news"
        event.status = "verified" if event.verified else "applied"
        return event.status

    def take(self, event: EventModel, *, lease: str, now: int) -> bool:
        """Take a due event under a lease."""
        if event.due_at is None or event.due_at > now:
            return False
        upload_id = event.upload.session.upload_id
        if self.in_flight.get(upload_id, 0) > now:
            event.due_at = self.in_flight[upload_id]
            self.waiting[event.sequence or LAST, event.at.key] = event
            return False
        self.waiting.pop((event.sequence or LAST, event.at.key), None)
        event.lease, event.due_at = lease, now + TIMER_LEASE_SECONDS
        self.in_flight[upload_id] = event.due_at
        return True

    def finish(self, event: EventModel, ending: AttemptEnding, *, attempts: int) -> bool:
        """Record the outcome of an attempt."""
        if event.lease != ending.lease:
            return False
        upload_id = event.upload.session.upload_id
        if event.due_at is not None and self.in_flight.get(upload_id) == event.due_at:
            del self.in_flight[upload_id]
            self._begin_the_next(event, ending.now)
        event.attempts, event.due_at, event.delivery = attempts, ending.next_attempt_at, ending.status.value
        return True

    def _begin_the_next(self, ended: EventModel, now: int) -> None:
        """Have the waiting event of an upload be due that is the first by its sequence."""
        for place, event in sorted(self.waiting.items(), key=lambda item: item[0]):
            if event.upload is ended.upload:
                del self.waiting[place]
                if event.due_at is not None and event is not ended:
                    event.due_at = min(event.due_at, now)
                    return

    def revive(self, event: EventModel, *, now: int) -> bool:
        """Schedule an event again."""
        if event.delivery == "withheld":
            return False
        event.delivery, event.attempts, event.lease, event.due_at = "due", 0, "", now
        return True
