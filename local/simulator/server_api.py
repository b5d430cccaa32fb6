"""The server API over HTTP: one address, the action in a header, every answer with status 200.

`tc3_authorization` verifies signatures, `server_actions` runs the actions.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local.simulator.request_body import json_object, small_body
from local.simulator.tc3_authorization import ApiError, verify_tc3
from shared.errors import ContentTooLargeError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from local.simulator.counters import Counters
    from local.simulator.server_actions import ServerActions
    from local.simulator.settings import SimulatorSettings

SERVER_API_HOSTS = frozenset({"vod.tencentcloudapi.com", "vod.intl.tencentcloudapi.com"})
VERSION = "2018-07-17"
_LARGEST_BODY = 1024 * 1024
_log = logging.getLogger("local.simulator")


@dataclass(frozen=True)
class ServerApiEndpoint:
    """Answers signed calls of the official SDKs."""

    settings: SimulatorSettings
    clock: Callable[[], float]
    actions: ServerActions
    counters: Counters

    async def __call__(self, request: Request) -> Response:
        """Answer one call with `{"Response": {...}}`; an error is a member of it."""
        request_id = str(uuid.uuid4())
        try:
            answer = await self._answer(request)
        except ApiError as error:
            _log.warning("server API refused a call: %s", error.code)
            answer = {"Error": {"Code": error.code, "Message": error.message}}
        return JSONResponse({"Response": {**answer, "RequestId": request_id}})

    async def _answer(self, request: Request) -> dict[str, object]:
        if request.method != "POST":
            raise ApiError("UnsupportedProtocol", "Only POST with a JSON body is supported.")
        try:
            body = await small_body(request, max_bytes=_LARGEST_BODY)
        except ContentTooLargeError as error:
            raise ApiError("RequestSizeLimitExceeded", error.detail) from error
        verify_tc3(dict(request.headers), body, keys=self._keys(), now=self.clock())
        if request.headers.get("x-tc-version") != VERSION:
            raise ApiError("NoSuchVersion", "The version of the API does not exist.")
        action = request.headers.get("x-tc-action", "")
        if action not in self.actions.names():
            raise ApiError("InvalidAction", "The action is not one that is known here.")
        try:
            parameters = json_object(body or b"{}")
        except InvalidRequestError as error:
            raise ApiError("InvalidParameter", error.detail) from error
        self.counters.count(action)
        return await self.actions.call(action, parameters)

    def _keys(self) -> dict[str, tuple[str, str]]:
        roles = {role.secret_id: (role.secret_key, role.token) for role in self.settings.role_credentials}
        return {**roles, **{name: (key, "") for name, key in self.settings.key_pairs.items()}}
