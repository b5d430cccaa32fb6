"""The storage hosts over HTTP: map every request to its operation and every refusal to its XML.

`storage_access` authorizes requests, `storage_calls` runs the operations.
"""

from __future__ import annotations

import base64
import logging
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from starlette.responses import Response

from local.simulator.form_body import FormBody
from local.simulator.storage_calls import PostedForm, StorageCall
from local.simulator.storage_documents import write_document
from local.simulator.storage_errors import StorageError, not_implemented
from local.simulator.storage_operation import operation_name
from local.simulator.storage_request import storage_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from local.simulator.configuration import ConfigurationStore
    from local.simulator.storage_access import StorageAccess
    from local.simulator.storage_calls import StorageCalls
    from local.simulator.storage_request import StorageRequest

    Operation = Callable[[StorageCall], Awaitable[Response]]

# COS's own spelling, because its SDK for Python looks headers up by letter case.
_SPELLING = {name.lower(): name for name in (b"ETag", b"Content-Length", b"Content-Type", b"Last-Modified")}
_log = logging.getLogger("local.simulator")


@dataclass(frozen=True)
class StorageEndpoint:
    """Answers every storage host."""

    access: StorageAccess
    calls: StorageCalls
    configuration: ConfigurationStore

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
        domain = self.configuration.present.storage_upload_domain
        wire = storage_request(request, upload_domain=domain)
        name = operation_name(wire.method, wire.key, dict(wire.query), wire.headers)
        if name == "PostObject":
            return await self._post_object(wire, request)
        if not name:
            parameters = "?" + "&".join(key for key, _ in wire.query) if wire.query else ""
            raise not_implemented(f"{wire.method} of {'an object' if wire.key else 'a bucket'}{parameters}")
        session = self.access.session(wire)
        return await self._operations()[name](StorageCall(wire=wire, http=request, session=session))

    async def _post_object(self, wire: StorageRequest, request: Request) -> Response:
        body = FormBody(request)
        fields = await body.fields()
        wire = replace(wire, key=fields.get("key", "").removeprefix("/"))
        session, policy = self.access.session_of_form(wire, fields)
        call = StorageCall(wire=wire, http=request, session=session)
        return await self.calls.post_object(call, PostedForm(fields, body, policy))

    def _operations(self) -> dict[str, Operation]:
        return {
            "ListMultipartUploads": self.calls.list_uploads,
            "ListParts": self.calls.list_parts,
            "InitiateMultipartUpload": self.calls.initiate,
            "UploadPart": self.calls.upload_part,
            "CompleteMultipartUpload": self.calls.complete,
            "AbortMultipartUpload": self.calls.abort,
            "PutObject": self.calls.put_object,
            "HeadObject": self.calls.head,
            "HeadBucket": self.calls.head,
            "DeleteObject": self.calls.delete_object,
        }


def new_request_id() -> str:
    """Return an id in COS's form."""
    return base64.b64encode(secrets.token_bytes(18)).decode()


def refusal(error: StorageError, request: Request, request_id: str) -> Response:
    """Return the error document of doc 436/7730; without a body for HEAD."""
    _log.warning("storage refused %s %s: %s %s", request.method, request.url.path, error.code, error.message)
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
