"""SCF's API as far as the functions call it: Invoke, asynchronously (doc 583/17243)."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse

from local.simulator.tc3_authorization import ApiError, verify_tc3
from local.stack.instances import TIME_LIMIT_SECONDS, FunctionFailedError
from shared.runtime.shards import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import Headers
    from starlette.types import Receive, Scope, Send

    from local.stack.instances import Instances

_LARGEST_EVENT = 128 * 1024
"""Of an asynchronous invocation (doc 583/11637)."""
_log = logging.getLogger(__name__)


def is_invoke_call(headers: Headers) -> bool:
    """Return whether a request is one to SCF's API."""
    return headers.get("x-tc-version") == VERSION


class InvokeApi:
    """The ASGI application; `keys` is SecretId -> SecretKey. Invocations run in the background."""

    def __init__(self, instances: Instances, keys: Mapping[str, str]) -> None:
        self._instances = instances
        self._keys = {name: (key, "") for name, key in keys.items()}
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call with `{"Response": {...}}`, a refusal too."""
        request = Request(scope, receive)
        request_id = str(uuid.uuid4())
        try:
            answer = self._answer(dict(request.headers), await request.body(), request_id)
        except ApiError as error:
            answer = {"Error": {"Code": error.code, "Message": error.message}}
        await JSONResponse({"Response": {**answer, "RequestId": request_id}})(scope, receive, send)

    def _answer(self, headers: Mapping[str, str], body: bytes, request_id: str) -> dict[str, object]:
        verify_tc3(headers, body, keys=self._keys, now=time.time())
        asked = json.loads(body)
        function, event = asked.get("FunctionName"), asked.get("ClientContext", "")
        if headers.get("x-tc-action") != "Invoke" or asked.get("InvocationType") != "Event":
            raise ApiError("UnsupportedOperation", "The stack has asynchronous invocations alone.")
        # Those with a timer are those that are invoked asynchronously.
        if function not in TIME_LIMIT_SECONDS:
            raise ApiError("ResourceNotFound.FunctionName", "There is no such function.")
        if len(event) > _LARGEST_EVENT:
            raise ApiError("RequestTooLarge.ClientContext", "The event has 128 KB at the most.")
        task = asyncio.create_task(self._invoke(function, json.loads(event), request_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return {"Result": {"FunctionRequestId": request_id, "InvokeResult": 0, "RetMsg": "", "Log": ""}}

    async def _invoke(self, function: str, event: dict[str, object], request_id: str) -> None:
        try:
            await self._instances.invoke(function, event, request_id=request_id)
        except FunctionFailedError as error:
            _log.error("An asynchronous invocation of %s failed: %s", function, error)

    async def close(self) -> None:
        """Wait for the invocations, which end with their instances."""
        await asyncio.gather(*self._running)
