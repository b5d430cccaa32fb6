"""The storage hosts over HTTP: map every request to its operation and every refusal to its XML.

`storage_access` authorizes requests, `storage_calls` runs the operations.
"""

from __future__ import annotations

import base64
import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from local.simulator.storage_calls import StorageCall
from local.simulator.storage_documents import write_document
from local.simulator.storage_errors import StorageError, access_denied
from local.simulator.storage_request import storage_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from local.simulator.storage_access import StorageAccess
    from local.simulator.storage_calls import StorageCalls

    Operation = Callable[[StorageCall], Awaitable[Response]]

# COS's own spelling, because its SDK for Python looks headers up by letter case.
_SPELLING = {name.lower(): name for name in (b"ETag", b"Content-Length", b"Content-Type", b"Last-Modified")}
_log = logging.getLogger("local.simulator")


@dataclass(frozen=True)
class StorageEndpoint:
    """Answers every storage host."""

    access: StorageAccess
    calls: StorageCalls

    async def __call__(self, request: Request) -> Response:
        """Answer one request; every refusal is COS's error document."""
        request_id = new_request_id()
        try:
            response = await self._answer(request)
        except StorageError as error:
            response = refusal(error, request, request_id)
        response.headers["x-cos-request-id"] = request_id
        response.raw_headers = [(_SPELLING.get(name, name), value) for name, value in response.raw_headers]
        return response

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response()
        wire = storage_request(request)
        operation = self._operations().get(
            (wire.method, wire.parameter("uploads") is not None, wire.parameter("uploadId") is not None)
        )
        session = self.access.session(wire)
        if operation is None:
            # Among others GET of an object: the credentials that Apply issues only write.
            raise access_denied()
        return await operation(StorageCall(wire=wire, http=request, session=session))

    def _operations(self) -> dict[tuple[str, bool, bool], Operation]:
        """Return the operations by method, `?uploads` and `?uploadId`."""
        return {
            ("GET", True, False): self.calls.list_uploads,
            ("GET", False, True): self.calls.list_parts,
            ("POST", True, False): self.calls.initiate,
            ("PUT", False, True): self.calls.upload_part,
            ("POST", False, True): self.calls.complete,
            ("DELETE", False, True): self.calls.abort,
            ("PUT", False, False): self.calls.put_object,
            ("HEAD", False, False): self.calls.head,
            ("DELETE", False, False): self.calls.delete_object,
        }


def new_request_id() -> str:
    """Return an id in COS's form."""
    return base64.b64encode(secrets.token_bytes(18)).decode()


def refusal(error: StorageError, request: Request, request_id: str) -> Response:
    """Return the error document of doc 436/7730; without a body for HEAD."""
    _log.warning("storage refused %s %s: %s", request.method, request.url.path, error.code)
    if request.method == "HEAD":
        return Response(status_code=error.status)
    body = write_document(
        "Error",
        {
            "Code": error.code,
            "Message": error.message,
            "Resource": request.headers.get("host", "") + request.url.path,
            "RequestId": request_id,
            "TraceId": request_id,
        },
    )
    return Response(body, status_code=error.status, media_type="application/xml")
