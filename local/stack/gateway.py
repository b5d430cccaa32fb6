"""Convert HTTP requests to the events that SCF hands to a function, and its results to answers.

Both dialects are supported: the function URL (doc 583/96099) and the API gateway (doc 583/12513).
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import uuid
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse, Response

from local.stack.instances import FunctionFailedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from local.stack.instances import Instances

Dialect = Literal["function-url", "api-gateway"]

MAX_MESSAGE_BYTES = 6 * 1024 * 1024
"""Largest request and response of a synchronous call (doc 583/11637)."""
_REQUEST_TOO_LARGE = 406
_RESPONSE_TOO_LARGE = 407

_log = logging.getLogger(__name__)


class MalformedResultError(Exception):
    """A function's result that the platform cannot send; the message says what is wrong with it."""


class Gateway:
    """Passes HTTP requests to functions."""

    def __init__(self, instances: Instances, *, dialect: Dialect = "function-url") -> None:
        """Use one of the two event dialects."""
        self._instances = instances
        self._dialect = dialect

    def endpoint(self, function: str, *, mounted_at: str = "") -> Callable[[Request], Awaitable[Response]]:
        """Create the route of one function, which never sees the prefix `mounted_at`."""

        async def answer(request: Request) -> Response:
            return await self._answer(function, request, path=_raw_path(request).removeprefix(mounted_at))

        return answer

    async def _answer(self, function: str, request: Request, *, path: str) -> Response:
        request_id = str(uuid.uuid4())
        body = await _read_body(request)
        if body is None:
            return _failure(413, "The request is larger than 6 MB.", _REQUEST_TOO_LARGE, request_id)
        build = function_url_event if self._dialect == "function-url" else api_gateway_event
        event = build(request, body, path=path, request_id=request_id)
        try:
            result = await self._instances.invoke(function, event, request_id=request_id)
            response = http_response(result)
        except FunctionFailedError as error:
            # What VOD sends while the stack ends has failed for no fault of the function.
            if not self._instances.has_stopped:
                _log.error("%s failed, request %s: %s", function, request_id, error)
            return _failure(500, "The function failed; the log says why.", error.status_code, request_id)
        except MalformedResultError as error:
            _log.error("%s returned no valid response: %s", function, error)
            return _failure(500, str(error), 500, request_id)
        if len(response.body) > MAX_MESSAGE_BYTES:
            return _failure(500, "The response is larger than 6 MB.", _RESPONSE_TOO_LARGE, request_id)
        return response


def function_url_event(request: Request, body: bytes, *, path: str, request_id: str) -> dict[str, object]:  # noqa: ARG001  # same call as its sibling
    """Build the event of a function URL: flat maps, header names in lower case, body as text."""
    return {
        "httpMethod": request.method,
        "path": path,
        "queryString": _query(request),
        "headers": {**_headers(request), "x-scf-remote-addr": _client_address(request)},
        # Field reports: bytes that are no UTF-8 arrive damaged, so they do here as well.
        "body": body.decode("utf-8", "replace"),
    }


def api_gateway_event(request: Request, body: bytes, *, path: str, request_id: str) -> dict[str, object]:
    """Build the API gateway's event: canonical header names, `requestContext`, Base64 if binary."""
    try:
        text, is_base64 = body.decode("utf-8"), False
    except UnicodeDecodeError:
        text, is_base64 = base64.b64encode(body).decode(), True
    return {
        "requestContext": {
            "serviceId": "service-local",
            "path": path,
            "httpMethod": request.method,
            "requestId": request_id,
            "identity": {},
            "sourceIp": _client_address(request),
            "stage": "release",
        },
        "httpMethod": request.method,
        "path": path,
        "pathParameters": {},
        "queryStringParameters": {},
        "queryString": _query(request),
        "headerParameters": {},
        "stageVariables": {"stage": "release"},
        "headers": {name.title(): value for name, value in _headers(request).items()},
        "body": text,
        "isBase64Encoded": is_base64,
    }


def http_response(result: object) -> Response:
    """Convert a function's result to an answer; one without `statusCode` is sent as 200 JSON.

    Raises:
        MalformedResultError: the result has a `statusCode`, and its members are of the wrong type.

    """
    if not isinstance(result, dict) or "statusCode" not in result:
        return JSONResponse(result)
    status, headers, body = result["statusCode"], result.get("headers", {}), result.get("body", "")
    if not isinstance(status, int) or not isinstance(body, str) or not isinstance(headers, dict):
        raise MalformedResultError("statusCode has to be a number, headers an object and body a text.")
    if not all(isinstance(value, str) for value in headers.values()):
        raise MalformedResultError("each header has to be a text.")
    content = body.encode("utf-8", "surrogatepass")
    if result.get("isBase64Encoded") is True:
        try:
            content = base64.b64decode(body, validate=True)
        except binascii.Error:
            raise MalformedResultError("body is not base64, though isBase64Encoded says so.") from None
    return Response(content, status_code=status, headers=headers)


async def _read_body(request: Request) -> bytes | None:
    """Read up to the platform's limit; return None if there is more."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_MESSAGE_BYTES:
            return None
    return bytes(body)


def _raw_path(request: Request) -> str:
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return raw.decode("ascii", "replace")


def _query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.url.query, keep_blank_values=True))


def _headers(request: Request) -> dict[str, str]:
    merged: dict[str, str] = {}
    for name, value in request.headers.items():
        merged[name] = f"{merged[name]}, {value}" if name in merged else value
    return merged


def _client_address(request: Request) -> str:
    return request.client.host if request.client else "127.0.0.1"


def _failure(status: int, message: str, status_code: int, request_id: str) -> Response:
    """Return the platform's error document (errorCode, errorMessage)."""
    document = {"errorCode": 1, "errorMessage": message, "requestId": request_id, "statusCode": status_code}
    return Response(json.dumps(document), status_code=status, media_type="application/json")
