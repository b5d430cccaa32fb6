"""Tencent Cloud's APIs, by way of Tencent's Python SDK.

Only its common client is used: it signs (TC3-HMAC-SHA256) and answers plain JSON, so no member that
an API adds is lost, and the half megabyte of generated models is not imported on a cold start.

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
from shared.vod.lenient_json import as_object, as_text

if TYPE_CHECKING:
    from requests import Response

    from shared.deadline import Start

MOST_LEFT_BEHIND = 4
"""The most abandoned calls that may still run; beyond them no call is begun."""


_EXPIRED = "AuthFailure.SignatureExpire"
"""The time of a call is more than five minutes from Tencent's."""


class TencentApiError(Exception):
    """A call failed; `code` is the API's word, or the name of what prevented an answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TencentClock:
    """The module `time` as the SDK uses it: this machine's clock, set by an answer of Tencent's."""

    ahead = 0.0

    def time(self) -> float:
        """Return Unix seconds."""
        return time.time() - self.ahead


abstract_client.time = TencentClock()


class TencentApi:
    """One API at `url`; `credentials` are id, key and session token, None for a long-term key pair.

    `start` runs a call in a thread, or in whatever a caller chooses. Every call here may be made twice: one
    that met a kept connection which the API had closed is made anew, and so is one that was refused because
    this machine's clock is wrong.
    """

    def __init__(  # noqa: PLR0913 -- an API has that many parts
        self,
        service: str,
        version: str,
        *,
        url: str,
        credentials: tuple[str, str, str | None],
        region: str = "",
        start: Start = in_daemon_thread,
    ) -> None:
        self._service, self._version, self._region = service, version, region
        self._url = urlsplit(url)
        self._credentials = credentials
        self._start = start
        self._client = self._new_client()
        self._has_kept_connection = False
        self._answered_at = ""
        self._left_behind: list[BackgroundCall[object]] = []

    def call(
        self, action: str, parameters: dict[str, object], *, timeout_seconds: float
    ) -> dict[str, object]:
        """Call an action and return the members of its answer.

        Raises:
            TencentApiError: the API refused, or did not answer in time.

        """
        try:
            reply = as_object(self._reply(action, parameters, Deadline(timeout_seconds)))
        except TencentCloudSDKException as error:
            raise TencentApiError(str(error.get_code() or "")) from None
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            # The client reads the answer's body, and looks for an error in it, without a guard of its own.
            raise TencentApiError(type(error).__name__) from None
        response = as_object(reply.get("Response"))
        if "Error" in response or "RequestId" not in response:
            # The client sees an error only under one spelling of the content type.
            raise TencentApiError(as_text(as_object(response.get("Error")).get("Code")) or "NotAnAnswer")
        return response

    def _new_client(self) -> CommonClient:
        secret_id, secret_key, token = self._credentials
        scheme, host = self._url.scheme, self._url.netloc
        client = CommonClient(
            self._service,
            self._version,
            Credential(secret_id, secret_key, token),
            self._region,
            ClientProfile(httpProfile=HttpProfile(protocol=scheme, endpoint=host, keepAlive=True)),
        )
        client.request.conn._session.hooks["response"].append(self._note_time)  # noqa: SLF001 -- the only way to a header
        return client

    def _note_time(self, response: Response, **_arguments: object) -> None:
        self._answered_at = response.headers.get("Date", "")

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
        """Set the clock by the API's last answer; False if that has no time."""
        try:
            TencentClock.ahead = time.time() - parsedate_to_datetime(self._answered_at).timestamp()
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
