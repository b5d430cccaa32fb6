"""The VOD server API, by way of Tencent's Python SDK.

Only its common client is used: it signs (TC3-HMAC-SHA256) and answers plain JSON, so no member VOD
adds is lost, and the half megabyte of generated models is not imported on a cold start.

The client's time-out is one for each wait, and none for the name service. So each call runs in a thread of
its own, for which its caller waits no longer than it has time.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from requests.exceptions import ConnectionError as LostConnectionError
from tencentcloud.common import abstract_client  # type: ignore[import-untyped]  # the SDK has no types
from tencentcloud.common.common_client import CommonClient  # type: ignore[import-untyped]  # the SDK has no types
from tencentcloud.common.credential import Credential  # type: ignore[import-untyped]  # the SDK has no types
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # the SDK has no types
from tencentcloud.common.profile.client_profile import ClientProfile  # type: ignore[import-untyped]  # the SDK has no types
from tencentcloud.common.profile.http_profile import HttpProfile  # type: ignore[import-untyped]  # the SDK has no types

from shared.deadline import BackgroundCall, Deadline, in_daemon_thread
from shared.domain.list_position import PAGE
from shared.errors import VodApiError
from shared.invocation_log import timed
from shared.vod.lenient_json import as_object, as_text, objects_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requests import Response

    from shared.config.settings import VodApiSettings
    from shared.deadline import Start

ABORTED = "ABORTED"
SERVICE, VERSION = "vod", "2018-07-17"
TASKS_PAGE = 100
"""The most that DescribeTasks lists in one call."""
MOST_LEFT_BEHIND = 4
"""The most abandoned calls that may still run; beyond them no call is begun."""


_EXPIRED = "AuthFailure.SignatureExpire"
"""The time of a call is more than five minutes from VOD's."""


class VodClock:
    """The module `time` as the SDK uses it: this machine's clock, set by an answer of VOD's."""

    ahead = 0.0

    def time(self) -> float:
        """Return Unix seconds."""
        return time.time() - self.ahead


abstract_client.time = VodClock()


class VodApi:
    """The server API; `sub_app_id` None means the deployment's own sub-application.

    `start` runs a call in a thread, or in whatever a caller chooses. Every call here may be made twice: the
    first ones only read, PullEvents gives what it gave before again after 30 s, and ConfirmEvents takes off
    the queue what is still there. So a call that met a kept connection which VOD had closed is made anew, and
    so is one that VOD refused because this machine's clock is wrong.
    """

    def __init__(self, settings: VodApiSettings, *, start: Start = in_daemon_thread) -> None:
        self._settings = settings
        self._start = start
        self._client = self._new_client()
        self._has_kept_connection = False
        self._answered_at = ""
        self._left_behind: list[BackgroundCall[object]] = []
        self._sub_app_id = settings.vod_api_sub_app_id

    def _new_client(self) -> CommonClient:
        url = urlsplit(self._settings.vod_api_url)
        secret_id, secret_key, token = self._settings.api_credentials
        client = CommonClient(
            SERVICE,
            VERSION,
            Credential(secret_id, secret_key, token),
            "",  # these calls take no region
            ClientProfile(httpProfile=HttpProfile(protocol=url.scheme, endpoint=url.netloc, keepAlive=True)),
        )
        client.request.conn._session.hooks["response"].append(self._note_time)  # noqa: SLF001 -- the only way to a header
        return client

    def _note_time(self, response: Response, **_arguments: object) -> None:
        self._answered_at = response.headers.get("Date", "")

    def media_info(
        self, file_id: str, *, sub_app_id: int | None = None, timeout_seconds: float
    ) -> dict[str, object] | None:
        """Read a file's basic information and metadata, as one item of MediaInfoSet; None if there is none.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        reply = self._call(
            "DescribeMediaInfos",
            {"FileIds": [file_id], "Filters": ["basicInfo", "metaData"]},
            timeout_seconds,
            sub_app_id=sub_app_id,
        )
        found = objects_in(reply.get("MediaInfoSet"))
        return next((media for media in found if as_text(media.get("FileId")) == file_id), None)

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
        self, task_id: str, *, sub_app_id: int | None = None, timeout_seconds: float
    ) -> dict[str, object]:
        """Read the state of a task flow, as the member that its event would carry.

        Empty if VOD knows no such task, or knows it no more (after 72 hours, 266/39706). One that was aborted
        (266/39438) says so only in the status of the task, which is returned.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        try:
            reply = self._call(
                "DescribeTaskDetail", {"TaskId": task_id}, timeout_seconds, sub_app_id=sub_app_id
            )
        except VodApiError as error:
            if error.vod_code.startswith(("ResourceNotFound", "InvalidParameterValue")):
                return {}
            raise
        task = as_object(reply.get("ProcedureTask"))
        return {**task, "Status": ABORTED} if task and reply.get("Status") == ABORTED else task

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None = None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """List the tasks about a file, of the last three days (API model TaskSimpleInfo), oldest first.

        What an upload started is among the first; the list is not turned over.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        search = {"FileId": file_id, "Sort": {"Field": "CreateTime", "Order": "Asc"}, "Limit": TASKS_PAGE}
        reply = self._call("DescribeTasks", search, timeout_seconds, sub_app_id=sub_app_id)
        return objects_in(reply.get("TaskSet"))

    def _call(
        self,
        action: str,
        parameters: dict[str, object],
        timeout_seconds: float,
        *,
        sub_app_id: int | None = None,
    ) -> dict[str, object]:
        application = sub_app_id or self._sub_app_id
        if application is not None:
            parameters = {**parameters, "SubAppId": application}
        deadline = Deadline(timeout_seconds)
        try:
            with timed("vodApi"):
                reply = as_object(self._reply(action, parameters, deadline))
        except TencentCloudSDKException as error:
            raise _failed(action, str(error.get_code() or "")) from None
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            # The client reads the answer's body, and looks for an error in it, without a guard of its own.
            raise _failed(action, type(error).__name__) from None
        response = as_object(reply.get("Response"))
        if "Error" in response or "RequestId" not in response:
            # The client sees an error only under one spelling of the content type.
            raise _failed(action, as_text(as_object(response.get("Error")).get("Code")) or "NotAnAnswer")
        return response

    def _reply(self, action: str, parameters: dict[str, object], deadline: Deadline) -> object:
        had_kept_connection = self._has_kept_connection
        try:
            return self._reply_of_one(action, parameters, deadline)
        except TencentCloudSDKException as error:
            # The SDK wraps every failure of the transport in the same error.
            was_lost = had_kept_connection and isinstance(error.__context__, LostConnectionError)
            if not was_lost and not (error.get_code() == _EXPIRED and self._set_clock()):
                raise
        return self._reply_of_one(action, parameters, deadline)

    def _set_clock(self) -> bool:
        """Set the clock by VOD's last answer; False if that has no time."""
        try:
            VodClock.ahead = time.time() - parsedate_to_datetime(self._answered_at).timestamp()
        except (TypeError, ValueError):
            return False
        return True

    def _reply_of_one(self, action: str, parameters: dict[str, object], deadline: Deadline) -> object:
        """Send one call, at most until the deadline.

        Raises:
            TimeoutError: it takes longer; the call is left behind, and the next one gets another client.

        """
        self._left_behind = [call for call in self._left_behind if not call.has_ended]
        if len(self._left_behind) >= MOST_LEFT_BEHIND:
            raise TimeoutError("Too many calls have not ended.")
        self._has_kept_connection = False
        # The profile's time-out is read once, when the client is made.
        self._client.request.conn.timeout = deadline.left()
        call = BackgroundCall(partial(self._client.call_json, action, parameters), self._start)
        try:
            reply: object = call.result(deadline.left())
        except TimeoutError:
            self._left_behind.append(call)
            self._client = self._new_client()
            raise
        self._has_kept_connection = True
        return reply


def _failed(action: str, code: str) -> VodApiError:
    return VodApiError(f"{action} failed: {code}.", vod_code=code)
