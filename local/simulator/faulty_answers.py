"""Apply a rule of the fault dial to one HTTP request."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from local.simulator.storage import new_request_id, refusal
from local.simulator.storage_errors import RequestExpiredError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from local.simulator.faults import Fault

    Endpoint = Callable[[Request], Awaitable[Response]]

REQUEST_KINDS = frozenset({"slow", "drop", "drop-reply", "error", "refuse", "expire", "redirect"})
"""The kinds that apply to an HTTP request."""


async def answer(
    endpoint: Endpoint, request: Request, fault: Fault | None, *, expired_credential: str = "AccessDenied"
) -> Response:
    """Answer one request as its endpoint does, except for what the rule changes."""
    if fault is None:
        return await endpoint(request)
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return await endpoint(request)
    if fault.kind == "drop-reply":
        await endpoint(request)
    if fault.kind in {"drop", "drop-reply"}:
        await _wait_until_given_up(request)
    if fault.kind == "expire":
        return refusal(RequestExpiredError(expired_credential), request, new_request_id())
    return _wrong_answer(request, fault)


def _wrong_answer(request: Request, fault: Fault) -> Response:
    if fault.kind == "redirect":
        return RedirectResponse(request.url, status_code=fault.status)
    if fault.kind == "refuse":
        return JSONResponse(_refusal(fault.code))
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return PlainTextResponse("A fault, on purpose.", status_code=fault.status, headers=headers)


def _refusal(code: str) -> dict[str, object]:
    """Return the body of a business error: numbered for the upload calls, named for the server API."""
    message = "A fault, on purpose."
    if code.isdecimal():
        return {"code": int(code), "message": message}
    return {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": str(uuid.uuid4())}}


async def _wait_until_given_up(request: Request) -> None:
    """Never answer: wait until the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
