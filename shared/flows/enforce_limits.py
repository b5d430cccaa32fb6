"""Forbid or delete files beyond their policies, by VOD's API, until it is done; the app is told once.

What is done is decided by VOD's own answer at that time: the file must carry the upload's sealed token, and
exceed the limits that the upload began with. A file that came late or as a further one of its upload is only
forbidden: out of order the true file can look like one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from shared.domain.event_status import Verdict
from shared.domain.file_limits import DELETE, FORBID, violations_json, violations_of
from shared.domain.ingested_event import classify
from shared.domain.rejection import DELETED, FORBIDDEN, NOTHING, STORAGE_CLASS, Rejection
from shared.errors import VodApiError
from shared.flows.own_events import reject
from shared.flows.verify_event import upload_event
from shared.vod.lenient_json import as_object, as_text
from shared.vod.notification import notification_from_pull

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.flows.ingest_event import Ingester
    from shared.store.enforcements import Enforcement, EnforcementStore
    from shared.vod.notification_types import EventNotification

BATCH = 8
"""The most files of a partition that are taken at a time."""
LEASE_SECONDS = 120
"""Longer than any run."""
API_SECONDS, LEAST_SECONDS = 5.0, 1.0
UNKNOWN_SECONDS = 86_400
"""How long VOD is asked for what it has not measured yet, and after which a file is within its limits."""
BEHIND_SECONDS = 3600
"""How long after its event VOD may not know a file yet."""
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 60, 600
"""Between two attempts, a quarter of the time that they last so far; the alarm counts on the longest."""
_STORAGE_CLASSES = ("", "STANDARD", "STANDARD_IA")
"""Of which VOD forbids files (doc 266/40636); an answer without one says nothing."""
_UNSUPPORTED_CLASS = "InvalidParameterValue.UnsupportedStorageClass"
"""Among the API's codes; that a file of another class is refused with it is UNVERIFIED."""
_FORBIDDEN_STATUSES = ("Forbidden", "SystemForbidden")


class Library(Protocol):
    """The calls of the VOD API that enforcement needs."""

    def media_info(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object] | None:
        """Read a file's basic information and metadata; None if VOD knows no such file."""

    def forbid_media(self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float) -> None:
        """Forbid a file."""

    def delete_media(self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float) -> None:
        """Delete a file."""


class LimitEnforcement(NamedTuple):
    """One run; `audit` writes a line of the log about what was done, or in a dry run would have been."""

    store: EnforcementStore
    ingester: Ingester
    library: Library
    clock: Callable[[], float]
    new_lease: Callable[[], str]
    deadline: float
    audit: Callable[..., None]
    grace_seconds: int
    dry_run: bool

    def run(self) -> dict[str, int]:
        """Enforce the limits on every file that is due, until the time is up; return the number by outcome.

        `overdueSeconds` is for how long the first of those that VOD did not let happen should have been done.

        Raises:
            StoreUnavailableError: the store did not answer; what was not finished is due again.

        """
        figures = Counter[str](unanswered=0, overdueSeconds=0)
        while self.clock() < self.deadline:
            now = int(self.clock())
            due = self.store.take_enforcements(now=now, lease_ends_at=now + LEASE_SECONDS, limit=BATCH)
            if not due:
                break
            within: list[Enforcement] = []
            doubtful: list[Enforcement] = []
            for it in due:
                (within if _is_known_to_be_within(it) else doubtful).append(it)
            self.store.finish_enforcements(within)
            figures["within"] += len(within)
            for it in doubtful:
                if self.clock() < self.deadline:
                    self._enforce(it, figures)
        return dict(figures)

    def _enforce(self, it: Enforcement, figures: Counter[str]) -> None:
        """Do what the policy says about one file, or plan when to try again."""
        now, begins_at = int(self.clock()), it.told_at + self._grace(it)
        if now < begins_at:
            figures["waiting"] += 1
            self.store.enforce_again(it, at=begins_at)
            return
        try:
            outcome = self._outcome(it, late_by=now - begins_at)
        except VodApiError:
            figures["unanswered"] += 1
            figures["overdueSeconds"] = max(figures["overdueSeconds"], now - begins_at)
            outcome = ""
        if outcome:
            figures[outcome] += 1
            self.store.finish_enforcements([it])
        else:
            pause = min(max(SHORTEST_PAUSE_SECONDS, (now - begins_at) // 4), LONGEST_PAUSE_SECONDS)
            self.store.enforce_again(it, at=now + pause)

    def _outcome(self, it: Enforcement, *, late_by: int) -> str:
        """Ask VOD about a file and do what its answer calls for; return the outcome, empty for none yet.

        Raises:
            VodApiError: VOD did not answer, or refused.

        """
        application = it.session.grant.vod_sub_app_id
        media = self.library.media_info(it.file_id, sub_app_id=application, timeout_seconds=self._seconds)
        if media is None:
            return self._outcome_without_file(it, late_by=late_by)
        file = notification_from_pull(upload_event(media, {}))
        if not self._is_of(it, file):
            return "foreign"
        limits, measured = it.session.grant.limits, file.file_upload
        violations = violations_of(limits, measured) if measured else None
        if not violations:
            return "within" if violations == () or late_by >= UNKNOWN_SECONDS else ""
        basic = as_object(media.get("BasicInfo"))
        action = DELETED if _measure(it) == DELETE else FORBIDDEN
        rejection = Rejection(it.file_id, action, None, violations_json(violations) or [])
        if action == FORBIDDEN and as_text(basic.get("StorageClass")) not in _STORAGE_CLASSES:
            rejection = _impossible(rejection)
        if self.dry_run:
            return self._write(it, rejection)
        if not self.store.begin_enforcement(it, rejection):
            return "stopped"
        is_done = action == FORBIDDEN and as_text(basic.get("Status")) in _FORBIDDEN_STATUSES
        return self._tell(it, rejection if is_done else self._act(rejection, application))

    def _act(self, rejection: Rejection, application: int | None) -> Rejection:
        """Have VOD do it; return what was done."""
        try:
            if rejection.action == DELETED:
                self.library.delete_media(
                    rejection.file_id, sub_app_id=application, timeout_seconds=self._seconds
                )
            elif rejection.action == FORBIDDEN:
                self.library.forbid_media(
                    rejection.file_id, sub_app_id=application, timeout_seconds=self._seconds
                )
        except VodApiError as error:
            if rejection.action == FORBIDDEN and error.vod_code == _UNSUPPORTED_CLASS:
                return _impossible(rejection)
            raise
        return rejection

    def _outcome_without_file(self, it: Enforcement, *, late_by: int) -> str:
        """Report what an earlier attempt has done with a file that is gone; no report of any other."""
        if it.begun is not None:
            return self._tell(it, it.begun._replace(action=DELETED, reason=None))
        return "gone" if late_by + self._grace(it) >= BEHIND_SECONDS else ""

    def _tell(self, it: Enforcement, rejection: Rejection) -> str:
        reject(self.ingester, it.session, rejection, now=int(self.clock()), lease=self.new_lease())
        return self._write(it, rejection)

    def _write(self, it: Enforcement, rejection: Rejection) -> str:
        """Write the audit line; returns the outcome's word among the figures."""
        self.audit(
            uploadId=it.session.upload_id,
            fileId=it.file_id,
            user=it.session.user_id,
            policy=it.session.grant.policy,
            limits=rejection.limits,
            action=rejection.action,
            dryRun=int(self.dry_run),
        )
        if self.dry_run:
            return "dryRun"
        return "impossible" if rejection.action == NOTHING else rejection.action

    def _is_of(self, it: Enforcement, file: EventNotification) -> bool:
        """Return whether VOD's file carries the token of its upload, under a seal of ours."""
        settings = self.ingester.settings
        named, _ = classify(file, keys=settings.context_keys, stage=settings.stage)
        upload = (it.session.upload_id, it.session.user_id)
        return named is not None and (named.upload_id, named.user_id) == upload and it.file_id.isascii()

    @property
    def _seconds(self) -> float:
        """How long a call may take: a file takes two."""
        return min(API_SECONDS, max(LEAST_SECONDS, (self.deadline - self.clock()) / 2))

    def _grace(self, it: Enforcement) -> int:
        return self.grace_seconds if _measure(it) == DELETE else 0


def _measure(it: Enforcement) -> str:
    """Return what is done with a file: no other than its upload's own, that came in time, is deleted."""
    is_own = it.verdict is Verdict.ATTRIBUTED and it.session.file_id == it.file_id
    return DELETE if is_own and it.session.grant.on_violation == DELETE else FORBID


def _impossible(rejection: Rejection) -> Rejection:
    return rejection._replace(action=NOTHING, reason=STORAGE_CLASS)


def _is_known_to_be_within(it: Enforcement) -> bool:
    """Return whether the upload's record already tells that its file is within its limits."""
    session = it.session
    return session.file_id == it.file_id and violations_of(session.grant.limits, session) == ()
