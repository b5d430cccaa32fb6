"""Invoke a function by the runtime API of CustomRuntime (docs 583/47274 and 583/38129), one event at a time.

`_HANDLER` names the function as `file.function`, SCF_RUNTIME_API and SCF_RUNTIME_API_PORT the server. It
imports nothing of the repository but the function, and runs from the package's root.
"""

from __future__ import annotations

import http.client
import importlib
import json
import os
import sys
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

READY, NEXT = "/runtime/init/ready", "/runtime/invocation/next"
RESPONSE, ERROR = "/runtime/invocation/response", "/runtime/invocation/error"
_READY_BODY = b" "
"""The vendor's example sends a space; a public client (a Rust crate) says that an empty body is refused."""


def main() -> None:
    """Import the function, report it as ready, and invoke it for every event.

    Raises:
        ImportError, AttributeError: there is no such function; the initialization fails with it.
        OSError: the runtime API does not answer; the platform starts another instance.

    """
    file, _, name = os.environ["_HANDLER"].partition(".")
    handler = getattr(importlib.import_module(file), name)
    _call("POST", READY, _READY_BODY)
    while True:
        headers, event = _call("GET", NEXT)
        _call("POST", *_outcome(handler, event, _context(headers)))


def _outcome(handler: Callable[[object, object], object], event: bytes, context: object) -> tuple[str, bytes]:
    """Invoke the function; return where its result belongs, and the result as JSON or what it raised."""
    try:
        return RESPONSE, json.dumps(handler(json.loads(event), context), allow_nan=False).encode()
    except Exception as error:  # noqa: BLE001 -- the platform is told of every failure
        # The message of an error could quote the event, and the caller may be shown what is sent.
        frames = traceback.extract_tb(error.__traceback__)
        sys.stderr.write(f"{type(error).__name__} in {' < '.join(f.name for f in reversed(frames))}\n")
        return ERROR, type(error).__name__.encode()


def _context(headers: http.client.HTTPMessage) -> dict[str, object]:
    """Return the part of the platform's `context` that comes with an event: id and limits."""
    return {
        "request_id": headers.get("Request_Id", ""),
        "time_limit_in_ms": int(headers.get("Time_Limit_In_Ms", "0")),
        "memory_limit_in_mb": int(headers.get("Memory_Limit_In_Mb", "0")),
    }


def _call(method: str, path: str, body: bytes | None = None) -> tuple[http.client.HTTPMessage, bytes]:
    """Send one request; without a time-out, because the next event may take hours (doc 583/47274)."""
    port = int(os.environ["SCF_RUNTIME_API_PORT"])
    connection = http.client.HTTPConnection(os.environ["SCF_RUNTIME_API"], port)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status >= http.client.BAD_REQUEST:
        raise ConnectionError(f"{path} was answered with status {response.status}.")
    return response.headers, content


if __name__ == "__main__":
    main()
