"""The VOD server API.

Every call may be made twice, as `TencentApi` does: some only read, PullEvents gives what it gave before again
after 30 s, ConfirmEvents takes off the queue what is still there, of two equal tasks of
DescribeFileAttributes the app is told one result, and a file is forbidden or deleted once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from shared.deadline import Deadline, in_daemon_thread
from shared.domain.list_position import PAGE
from shared.errors import CallBudgetError, VodApiError
from shared.invocation_log import timed
from shared.tencent_api import TencentApi, TencentApiError
from shared.vod.lenient_json import as_object, as_text, objects_in, texts_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from shared.config.settings import VodApiSettings
    from shared.deadline import Start

    ReadFiles: TypeAlias = Callable[[Sequence[str], float], dict[str, dict[str, object]]]
    """Reads files within so many seconds; returns what VOD has, by their ids."""

ABORTED = "ABORTED"
SERVICE, VERSION = "vod", "2018-07-17"
TASKS_PAGE = 100
"""The most that DescribeTasks lists in one call."""


CALLS_PER_SECOND = {"DescribeFileAttributes": 16, "ForbidMediaDistribution": 16}
"""Of an action that VOD takes 20 times a second and not 100 (266/83796, 266/34180), four fifths of that."""
FORBIDDEN_BY_SYSTEM = "FailedOperation.MediaForbidedBySystem"

FILES_AT_ONCE = 20
"""The most that DescribeMediaInfos takes in one call (API model)."""


class CallBudget(NamedTuple):
    """What all instances together may ask of VOD's API, and how a call waits for its place in that.

    `take` takes a call of an action (`shared.store.call_budget`): it returns 0, or the seconds to wait before
    asking again. `wait` sleeps for seconds; None: a call does not wait.
    """

    take: Callable[[str, bool], float]
    wait: Callable[[float], None] | None


class FileReader(Protocol):
    """Reads files for several threads by one call (`shared.runtime.file_reader`)."""

    def read(
        self, file_id: str, call: ReadFiles, *, kind: object, timeout_seconds: float
    ) -> dict[str, object] | None:
        """Return what VOD has of a file; `call` reads several, for each `kind` in another way."""


class VodApi:
    """The server API; `sub_app_id` None means the deployment's own sub-application.

    `start` runs a call in a thread, or in whatever a caller chooses. A call that is `foreign`, about an event
    of an upload made without us, leaves the budget to all others, and never waits for it.
    """

    def __init__(
        self,
        settings: VodApiSettings,
        *,
        start: Start = in_daemon_thread,
        budget: CallBudget | None = None,
        files: FileReader | None = None,
    ) -> None:
        self._api = TencentApi(
            SERVICE, VERSION, url=settings.vod_api_url, credentials=settings.api_credentials, start=start
        )
        self._sub_app_id = settings.vod_api_sub_app_id
        self._budget = budget
        self._files = files

    def media_info(
        self, file_id: str, *, sub_app_id: int | None = None, timeout_seconds: float, foreign: bool = False
    ) -> dict[str, object] | None:
        """Read a file's basic information and metadata, as one item of MediaInfoSet; None if there is none.

        Raises:
            VodApiError: the API refused, or did not answer in time.
            CallBudgetError: it was not asked, because the budget is used up.
            StoreUnavailableError: the store of the budget did not answer.

        """

        def read(file_ids: Sequence[str], seconds: float) -> dict[str, dict[str, object]]:
            parameters = {"FileIds": list(file_ids), "Filters": ["basicInfo", "metaData"]}
            reply = self._call(
                "DescribeMediaInfos", parameters, seconds, sub_app_id=sub_app_id, foreign=foreign
            )
            return {as_text(media.get("FileId")): media for media in objects_in(reply.get("MediaInfoSet"))}

        if self._files is None:
            return read([file_id], timeout_seconds).get(file_id)
        return self._files.read(file_id, read, kind=(sub_app_id, foreign), timeout_seconds=timeout_seconds)

    def pull_events(self, *, timeout_seconds: float) -> tuple[dict[str, object], ...]:
        """Pull up to 16 events from the queue of the reliable callback, as the API returns them.

        The API holds the call for up to 5 s when there is none (doc 266/34183). An empty queue
        may come as an empty list, as null or as ResourceNotFound: which is undocumented.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        try:
            reply = self._call("PullEvents", {}, timeout_seconds)
        except VodApiError as error:
            if error.vod_code.startswith("ResourceNotFound"):
                return ()
            raise
        return objects_in(reply.get("EventSet"))

    def confirm_events(self, event_handles: Sequence[str], *, timeout_seconds: float) -> None:
        """Remove events from the queue for good; at most 16, within 30 s of the pull (doc 266/34184).

        Raises:
            VodApiError: the API refused, or did not answer in time; the events will come again.

        """
        self._call("ConfirmEvents", {"EventHandles": list(event_handles)}, timeout_seconds)

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None = None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """List one page of the media that were uploaded between two ISO 8601 instants, oldest first.

        SearchMedia is the one call that finds a file whose FileId is unknown: it cannot look
        for a sourceContext, so the time of creation narrows the search and the caller compares.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        search = {
            "CreateTime": {"After": after, "Before": before},
            "SourceTypes": ["Upload"],
            "Filters": ["basicInfo", "metaData"],
            "Sort": {"Field": "CreateTime", "Order": "Asc"},
            "Offset": offset,
            "Limit": PAGE,
        }
        return objects_in(
            self._call("SearchMedia", search, timeout_seconds, sub_app_id=sub_app_id).get("MediaInfoSet")
        )

    def procedure_task(
        self, task_id: str, *, sub_app_id: int | None = None, timeout_seconds: float, foreign: bool = False
    ) -> dict[str, object]:
        """Read the state of a task flow, as the member that its event would carry.

        Empty if VOD knows no such task, or knows it no more (after 72 hours, 266/39706). One that was aborted
        (266/39438) says so only in the status of the task, which is returned.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        reply = self._task(task_id, timeout_seconds, sub_app_id=sub_app_id, foreign=foreign)
        task = as_object(reply.get("ProcedureTask"))
        return {**task, "Status": ABORTED} if task and reply.get("Status") == ABORTED else task

    def attributes_task(
        self, task_id: str, *, sub_app_id: int | None = None, timeout_seconds: float
    ) -> dict[str, object]:
        """Read a task of DescribeFileAttributes, as the member that its event would carry.

        `Status` is that of the task as a whole (WAITING, PROCESSING, FINISH, ABORTED) where that member has
        none. Empty if VOD knows no such task, or knows it no more.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        reply = self._task(task_id, timeout_seconds, sub_app_id=sub_app_id, foreign=False)
        if not reply:
            return {}
        return {"Status": reply.get("Status"), **as_object(reply.get("DescribeFileAttributesTask"))}

    def describe_file_attributes(
        self, file_id: str, *, session_context: str, sub_app_id: int | None = None, timeout_seconds: float
    ) -> str:
        """Have VOD compute the digests of a file's bytes; return the id of the task (266/83796).

        Its event, DescribeFileAttributesComplete, carries the session context of 1,000 characters at most
        (API model DescribeFileAttributesTask).

        Raises:
            VodApiError: the API refused, or did not answer in time; the task may have begun.

        """
        wanted = {"FileId": file_id, "SessionContext": session_context}
        return as_text(
            self._call("DescribeFileAttributes", wanted, timeout_seconds, sub_app_id=sub_app_id).get("TaskId")
        )

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None = None, timeout_seconds: float, foreign: bool = False
    ) -> tuple[dict[str, object], ...]:
        """List the tasks about a file, of the last three days (API model TaskSimpleInfo), oldest first.

        What an upload started is among the first; the list is not turned over.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        search = {"FileId": file_id, "Sort": {"Field": "CreateTime", "Order": "Asc"}, "Limit": TASKS_PAGE}
        reply = self._call("DescribeTasks", search, timeout_seconds, sub_app_id=sub_app_id, foreign=foreign)
        return objects_in(reply.get("TaskSet"))

    def _task(
        self, task_id: str, timeout_seconds: float, *, sub_app_id: int | None, foreign: bool
    ) -> dict[str, object]:
        """Read a task of any kind; empty if VOD knows none of that id."""
        wanted = {"TaskId": task_id}
        try:
            return self._call(
                "DescribeTaskDetail", wanted, timeout_seconds, sub_app_id=sub_app_id, foreign=foreign
            )
        except VodApiError as error:
            if error.vod_code.startswith(("ResourceNotFound", "InvalidParameterValue")):
                return {}
            raise

    def forbid_media(self, file_id: str, *, sub_app_id: int | None = None, timeout_seconds: float) -> None:
        """Have VOD answer 403 for all addresses of a file, five to ten minutes later (doc 266/34180).

        One that VOD itself has forbidden stays so.

        Raises:
            VodApiError: the API refused, knows no such file, or did not answer in time.

        """
        parameters = {"FileIds": [file_id], "Operation": "forbid"}
        try:
            reply = self._call("ForbidMediaDistribution", parameters, timeout_seconds, sub_app_id=sub_app_id)
        except VodApiError as error:
            if error.vod_code == FORBIDDEN_BY_SYSTEM:
                return
            raise
        if file_id in texts_in(reply.get("NotExistFileIdSet")):
            raise VodApiError("ForbidMediaDistribution failed: VOD does not know the file.")

    def delete_media(self, file_id: str, *, sub_app_id: int | None = None, timeout_seconds: float) -> None:
        """Delete a file with all that VOD has made of it (doc 266/37571).

        Raises:
            VodApiError: the API refused, as it does for a file that it does not know, or did not answer in
                time.

        """
        self._call("DeleteMedia", {"FileId": file_id}, timeout_seconds, sub_app_id=sub_app_id)

    def _call(
        self,
        action: str,
        parameters: Mapping[str, object],
        timeout_seconds: float,
        *,
        sub_app_id: int | None = None,
        foreign: bool = False,
    ) -> dict[str, object]:
        application = sub_app_id or self._sub_app_id
        within = {} if application is None else {"SubAppId": application}
        deadline = Deadline(timeout_seconds)
        try:
            self._take(action, deadline, foreign=foreign)
            with timed("vodApi"):
                return self._api.call(action, {**parameters, **within}, timeout_seconds=deadline.left())
        except (TencentApiError, TimeoutError) as error:
            code = error.code if isinstance(error, TencentApiError) else type(error).__name__
            raise VodApiError(f"{action} failed: {code}.", vod_code=code) from None

    def _take(self, action: str, deadline: Deadline, *, foreign: bool) -> None:
        """Take a call out of the budget, and wait for it if need be.

        Raises:
            CallBudgetError: it is used up, and nothing is waited for, or for longer than there is time.
            TimeoutError: there is no time left.

        """
        if self._budget is None:
            return
        take, wait = self._budget
        while pause := take(action, foreign):
            if wait is None or foreign or pause >= deadline.left():
                raise CallBudgetError(f"{action} was not called: the calls of this second are used up.")
            wait(pause)
