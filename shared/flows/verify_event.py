"""Verify a pushed event against VOD's server API: a callback proves nothing about its sender.

An uploader can read the context token, so a genuine token vouches for no other member of the event. A
pushed event therefore only says what to ask about; what VOD answers replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from shared.errors import CallBudgetError, VodApiError
from shared.vod.lenient_json import as_object, as_text
from shared.vod.notification import notification_from_pull
from shared.vod.notification_types import (
    ENDED_STATUSES,
    FILE_ATTRIBUTES,
    NEW_FILE_UPLOAD,
    PROCEDURE_STATE_CHANGED,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shared.vod.notification_types import EventNotification, ProcedureState

MAX_ATTEMPTS = 3
"""After so many attempts without an answer, the next one is the last: what VOD does not know is forged."""
_PROCESSING = "PROCESSING"
_FLOW, _REVIEW = "Procedure", "ReviewAudioVideo"
"""Kinds of task, as TaskSimpleInfo.TaskType names them (API model)."""


class ReadBack(Protocol):
    """The calls of the VOD API that verification needs; those about `foreign` events yield to all others."""

    def media_info(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float, foreign: bool
    ) -> dict[str, object] | None:
        """Read a file's basic information and metadata; None if VOD knows no such file."""

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float, foreign: bool
    ) -> tuple[dict[str, object], ...]:
        """List the tasks about a file, the oldest first."""

    def procedure_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float, foreign: bool
    ) -> dict[str, object]:
        """Read where a task flow stands; empty if VOD knows none of that id."""

    def attributes_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object]:
        """Read a task that computes a file's digests; empty if VOD knows none of that id."""


class VerifiedEvent(NamedTuple):
    """An event in VOD's own words.

    Not `confirmed`: VOD has the file under this token, and nobody can be asked about the rest.
    """

    notification: EventNotification
    confirmed: bool


class Verification(NamedTuple):
    """One attempt to verify: the sub-application, the attempts before it, and the seconds for each call.

    Of an upload that is `foreign`, made without us, file and task flow need not have the same context.
    `has_flow` returns whether the upload was granted a task flow, None if that is not known; it is called if
    the event names none, or VOD has none. `proof_task` returns the id of the task by which VOD computes the
    digests of the upload's file, empty if we have begun none.
    """

    vod_api: ReadBack
    sub_app_id: int | None
    attempts: int
    timeout_seconds: float
    foreign: bool = False
    has_flow: Callable[[], bool | None] = lambda: None
    proof_task: Callable[[], str] = str

    def verify(self, claim: EventNotification) -> VerifiedEvent | None:
        """Ask VOD about an event with a valid token, or without one; None if VOD contradicts it.

        Raises:
            VodApiError: VOD could not be asked, or does not say so yet: it may be behind its own event.

        """
        if claim.procedure_state is not None:
            return self._verify_task_flow(claim, claim.procedure_state)
        if claim.digests:
            return self._verify_digests(claim)
        media = self._media(claim)
        if media is None:
            return None
        if claim.file_upload is None:
            return VerifiedEvent(claim, confirmed=False)
        return VerifiedEvent(notification_from_pull(upload_event(media, self._tasks(claim))), confirmed=True)

    def _verify_task_flow(self, claim: EventNotification, state: ProcedureState) -> VerifiedEvent | None:
        task = self.vod_api.procedure_task(
            state.task_id,
            sub_app_id=self.sub_app_id,
            timeout_seconds=self.timeout_seconds,
            foreign=self.foreign,
        )
        if as_text(task.get("TaskId")) != state.task_id:
            # Of somebody else's file it cannot be, however early this look may be.
            if self.foreign or self._media(claim) is not None:
                self._retry_unless_final("task flow")
            return None
        if as_text(task.get("SessionContext")) != claim.context_token:
            return None
        status = as_text(task.get("Status"))
        has_ended = status in ENDED_STATUSES
        if state.finished and status != state.status:
            self._retry_unless_final("end of the task flow")
            return None
        if has_ended and not state.finished:
            # Overtaken: it did run, and its end has an event of its own.
            task = {**task, "Status": _PROCESSING}
        event = {"EventType": PROCEDURE_STATE_CHANGED, "ProcedureStateChangeEvent": task}
        return VerifiedEvent(notification_from_pull(event), confirmed=True)

    def _verify_digests(self, claim: EventNotification) -> VerifiedEvent | None:
        """Read the task that we have begun ourselves, whatever task and digests the event names."""
        task_id = self.proof_task()
        task = (
            self.vod_api.attributes_task(
                task_id, sub_app_id=self.sub_app_id, timeout_seconds=self.timeout_seconds
            )
            if task_id
            else {}
        )
        answer = notification_from_pull(attributes_event(task, claim.context_token))
        if answer.digests:
            return VerifiedEvent(answer, confirmed=True)
        self._retry_unless_final("digests of the file")
        return None

    def _media(self, claim: EventNotification) -> dict[str, object] | None:
        """Return the file that an event names; None if there is none with this token."""
        if not claim.file_id:
            return None
        media = self.vod_api.media_info(
            claim.file_id,
            sub_app_id=self.sub_app_id,
            timeout_seconds=self.timeout_seconds,
            foreign=self.foreign,
        )
        if media is None:
            self._retry_unless_final("file")
            return None
        source = as_object(as_object(media.get("BasicInfo")).get("SourceInfo"))
        return media if as_text(source.get("SourceContext")) == claim.context_token else None

    def _tasks(self, claim: EventNotification) -> dict[str, str]:
        """Return the task ids of what the upload started, by kind: the file's own information lacks them.

        Without a task flow an upload starts nothing, unless the event says otherwise.
        """
        upload = claim.file_upload
        claimed = {upload.procedure_task_id, upload.review_task_id} - {""} if upload else set()
        if not claimed and (self.foreign or self.has_flow() is False):
            return {}
        try:
            tasks = self.vod_api.tasks_of_file(
                claim.file_id,
                sub_app_id=self.sub_app_id,
                timeout_seconds=self.timeout_seconds,
                foreign=self.foreign,
            )
        except VodApiError as error:
            if self.attempts < MAX_ATTEMPTS or isinstance(error, CallBudgetError):
                raise
            # The upload itself is beyond doubt, and must not be lost for the sake of its task flow.
            return {}
        if not self.foreign:
            started = started_under(claim.context_token, tasks)
            is_claimed = upload is not None and upload.procedure_task_id
            if is_claimed and _FLOW not in started and self.has_flow() is True:
                # Were the upload confirmed without it, nobody would ask for the end of its task flow.
                self._retry_unless_final("task flow")
            return started
        return _ids_by_kind(task for task in tasks if as_text(task.get("TaskId")) in claimed)

    def _retry_unless_final(self, what: str) -> None:
        """Raise, to try again, as an event can be ahead of the API; return at the last attempt."""
        if self.attempts < MAX_ATTEMPTS:
            raise VodApiError(f"VOD does not know the {what} yet.")


def started_under(token: str, tasks: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Return the ids of those tasks, oldest first, that carry the upload's token, by kind."""
    return _ids_by_kind(task for task in tasks if as_text(task.get("SessionContext")) == token)


def upload_event(media: Mapping[str, object], tasks: Mapping[str, str]) -> dict[str, object]:
    """Return a file as the event of its upload; `tasks` are the ids of what it started, by kind."""
    upload = {
        "FileId": media.get("FileId"),
        "MediaBasicInfo": media.get("BasicInfo"),
        "MetaData": media.get("MetaData"),
        "ProcedureTaskId": tasks.get(_FLOW, ""),
        "ReviewAudioVideoTaskId": tasks.get(_REVIEW, ""),
    }
    return {"EventType": NEW_FILE_UPLOAD, "FileUploadEvent": upload}


def attributes_event(task: Mapping[str, object], token: str) -> dict[str, object]:
    """Return a task of DescribeFileAttributes as its event; `token` is that of its upload.

    Whether the task has the context that it was begun with is in the API model, and was not tried.
    """
    member = {**task, "SessionContext": token}
    return {"EventType": FILE_ATTRIBUTES, "DescribeFileAttributesCompleteEvent": member}


def _ids_by_kind(tasks: Iterable[Mapping[str, object]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for task in tasks:
        found.setdefault(as_text(task.get("TaskType")), as_text(task.get("TaskId")))
    return found
