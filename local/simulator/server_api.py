"""The server API over HTTP: one address, the action in a header or a form, answers with status 200.

`tc3_authorization` and `form_authorization` verify signatures, `server_actions` runs the actions.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local.simulator.api_parameters import ApiParameters
from local.simulator.form_authorization import FORM_TYPE, form_parameters, read_form, verify_form
from local.simulator.request_body import json_object, small_body
from local.simulator.tc3_authorization import ApiError, verify_tc3
from shared.errors import ContentTooLargeError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from local.simulator.counters import Counters
    from local.simulator.server_actions import ServerActions
    from local.simulator.settings import SimulatorSettings

SERVER_API_HOSTS = frozenset({"vod.tencentcloudapi.com", "vod.intl.tencentcloudapi.com"})
VERSION = "2018-07-17"
_LARGEST_BODY = 1024 * 1024
_log = logging.getLogger("local.simulator")


_MISSING = "InvalidAction"


@dataclass(frozen=True)
class _Call:
    """One verified call, whatever scheme signed it."""

    action: str
    version: str
    parameters: Callable[[], ApiParameters]


@dataclass(frozen=True)
class ServerApiEndpoint:
    """Answers signed calls of the official SDKs."""

    settings: SimulatorSettings
    clock: Callable[[], float]
    actions: ServerActions
    counters: Counters

    async def __call__(self, request: Request) -> Response:
        """Answer one call with `{"Response": {...}}`, an error too; 501 for an action that is not there."""
        request_id = str(uuid.uuid4())
        try:
            answer = await self._answer(request)
        except ApiError as error:
            _log.warning("server API refused a call: %s %s", error.code, error.message)
            answer = {"Error": {"Code": error.code, "Message": error.message}}
        body = {"Response": {**answer, "RequestId": request_id}}
        return JSONResponse(body, status_code=501 if _is_missing(answer) else 200)

    async def _answer(self, request: Request) -> dict[str, object]:
        if request.method != "POST":
            raise ApiError("UnsupportedProtocol", "Only POST with a JSON body is supported.")
        try:
            body = await small_body(request, max_bytes=_LARGEST_BODY)
        except ContentTooLargeError as error:
            raise ApiError("RequestSizeLimitExceeded", error.detail) from error
        is_form = request.headers.get("content-type", "").startswith(FORM_TYPE)
        call = self._form_call(request, body) if is_form else self._tc3_call(request, body)
        if call.version != VERSION:
            raise ApiError("NoSuchVersion", "The version of the API does not exist.")
        if call.action not in self.actions.actions:
            raise ApiError(_MISSING, f"The simulator does not have the action {call.action[:64]}.")
        parameters = call.parameters()
        self.counters.count(call.action)
        return await self.actions.call(call.action, parameters)

    def _tc3_call(self, request: Request, body: bytes) -> _Call:
        verify_tc3(dict(request.headers), body, keys=self._keys(), now=self.clock())
        version, action = (request.headers.get(name, "") for name in ("x-tc-version", "x-tc-action"))
        return _Call(action, version, lambda: ApiParameters(_json_parameters(body)))

    def _form_call(self, request: Request, body: bytes) -> _Call:
        fields = read_form(body)
        verify_form(fields, host=request.headers.get("host", ""), keys=self._keys(), now=self.clock())
        version, action = (fields.get(name, "") for name in ("Version", "Action"))
        return _Call(action, version, lambda: ApiParameters(form_parameters(fields), are_texts=True))

    def _keys(self) -> dict[str, tuple[str, str]]:
        roles = {role.secret_id: (role.secret_key, role.token) for role in self.settings.role_credentials}
        return {**roles, **{name: (key, "") for name, key in self.settings.key_pairs.items()}}


def _json_parameters(body: bytes) -> dict[str, object]:
    try:
        return json_object(body or b"{}")
    except InvalidRequestError as error:
        raise ApiError("InvalidParameter", error.detail) from error


def _is_missing(answer: Mapping[str, object]) -> bool:
    error = answer.get("Error")
    return isinstance(error, dict) and error["Code"] == _MISSING
