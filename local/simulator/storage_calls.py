"""The operations on objects and multipart uploads: one authorized request in, one answer out.

`storage` selects the operation, `multipart` holds the rules of parts.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from local.simulator.multipart import read_part_number
from local.simulator.object_body import receive_object
from local.simulator.object_files import checksum_headers
from local.simulator.objects import StoredObject
from local.simulator.request_body import small_body
from local.simulator.sessions import storage_host
from local.simulator.storage_documents import read_completed_parts, write_document
from local.simulator.storage_errors import StorageError, not_implemented
from local.simulator.storage_lists import parts_page, uploads_page
from shared.errors import ContentTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from local.simulator.counters import Counters
    from local.simulator.form_body import FormBody
    from local.simulator.multipart import MultipartUpload, MultipartUploads
    from local.simulator.object_files import ObjectFiles, ReceivedFile
    from local.simulator.objects import ObjectStore
    from local.simulator.post_policy import PostPolicy
    from local.simulator.sessions import UploadSession
    from local.simulator.storage_documents import Tree
    from local.simulator.storage_request import StorageRequest

_LARGEST_LIST = 4 * 1024 * 1024
_DEFAULT_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class StorageCall:
    """One authorized request: its parts, the HTTP request behind it, and the session it acts for."""

    wire: StorageRequest
    http: Request
    session: UploadSession


@dataclass(frozen=True)
class PostedForm:
    """A POST Object after its fields: the file is still in the body."""

    fields: Mapping[str, str]
    body: FormBody
    policy: PostPolicy | None


@dataclass(frozen=True)
class StorageCalls:
    """Every operation that upload credentials allow; each is counted."""

    clock: Callable[[], float]
    files: ObjectFiles
    objects: ObjectStore
    uploads: MultipartUploads
    counters: Counters

    async def list_uploads(self, call: StorageCall) -> Response:
        """List a page of the session's open multipart uploads; the prefix may have a leading slash."""
        self._count(call, "ListMultipartUploads")
        prefix = (call.wire.parameter("prefix") or "").removeprefix("/")
        uploads = self.uploads.of_keys(call.session.keys, prefix=prefix)
        return _document("ListMultipartUploadsResult", uploads_page(call.wire, call.session.bucket, uploads))

    async def list_parts(self, call: StorageCall) -> Response:
        """List a page of the parts that were received."""
        self._count(call, "ListParts")
        upload = self._upload(call)
        parts = self.uploads.parts(upload)
        return _document("ListPartsResult", parts_page(call.wire, call.session.bucket, upload, parts))

    async def initiate(self, call: StorageCall) -> Response:
        """Open a multipart upload."""
        self._count(call, "InitiateMultipartUpload")
        upload = self.uploads.open(call.wire.key, content_type=_content_type(call), now=self.clock())
        return _document(
            "InitiateMultipartUploadResult",
            {"Bucket": call.session.bucket, "Key": upload.object_key, "UploadId": upload.upload_id},
        )

    async def upload_part(self, call: StorageCall) -> Response:
        """Store one part; its ETag is the quoted hex MD5, which resuming SDKs compare."""
        number = read_part_number(call.wire.parameter("partNumber") or "")
        upload = self._upload(call)
        received = await receive_object(call.http, self.files)
        try:
            part = self.uploads.add_part(upload, number, received, self.clock())
        except StorageError:
            self.files.remove([received.file_name])
            raise
        self._count(call, "UploadPart", part.size)
        return Response(headers={"ETag": f'"{part.etag}"', **checksum_headers(part.file_name)})

    async def complete(self, call: StorageCall) -> Response:
        """Create an object from the parts that the body lists."""
        self._count(call, "CompleteMultipartUpload")
        upload = self._upload(call)
        try:
            body = await small_body(call.http, max_bytes=_LARGEST_LIST)
        except ContentTooLargeError as error:
            raise StorageError(400, "EntityTooLarge", error.detail) from error
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        if call.wire.headers.get("content-md5", digest) != digest:
            raise StorageError(400, "BadDigest", "The Content-MD5 does not match what was received.")
        stored = await self.uploads.complete(upload, read_completed_parts(body), now=self.clock())
        return _document(
            "CompleteMultipartUploadResult",
            {
                "Location": _location(call),
                "Bucket": call.session.bucket,
                "Key": call.wire.key,
                "ETag": stored.etag,
            },
            checksum_headers(stored.file_name),
        )

    async def abort(self, call: StorageCall) -> Response:
        """Abort a multipart upload."""
        self._count(call, "AbortMultipartUpload")
        self.uploads.abort(self._upload(call))
        return Response(status_code=204)

    async def put_object(self, call: StorageCall) -> Response:
        """Store a whole object."""
        received = await receive_object(call.http, self.files)
        stored = self._put(call, received, _content_type(call))
        self._count(call, "PutObject", stored.size)
        return Response(headers={"ETag": stored.etag, **checksum_headers(stored.file_name)})

    async def post_object(self, call: StorageCall, form: PostedForm) -> Response:
        """Store the object of a form (doc 436/14690); the form chooses the status of the answer."""
        if "success_action_redirect" in form.fields:
            raise not_implemented("success_action_redirect")
        try:
            received = await self.files.receive(form.body.file())
        except ClientDisconnect as error:
            raise StorageError(400, "IncompleteBody", "The connection was closed within the body.") from error
        try:
            if form.policy is not None:
                form.policy.check_size(received.size)
        except StorageError:
            self.files.remove([received.file_name])
            raise
        stored = self._put(call, received, form.fields.get("content-type") or _DEFAULT_TYPE)
        self._count(call, "PostObject", stored.size)
        location = _location(call)
        headers = {"ETag": stored.etag, "Location": location, **checksum_headers(stored.file_name)}
        status = form.fields.get("success_action_status")
        if status == "201":
            members: Tree = {
                "Location": location,
                "Bucket": call.session.bucket,
                "Key": stored.object_key,
                "ETag": stored.etag,
            }
            return _document("PostResponse", members, headers, status=201)
        return Response(status_code=200 if status == "200" else 204, headers=headers)

    def _put(self, call: StorageCall, received: ReceivedFile, content_type: str) -> StoredObject:
        stored = StoredObject(
            object_key=call.wire.key,
            file_name=received.file_name,
            etag=f'"{received.md5.hex()}"',
            size=received.size,
            content_type=content_type,
            stored_at=self.clock(),
        )
        self.objects.put(stored)
        return stored

    async def head(self, call: StorageCall) -> Response:
        """Describe an object, or answer for the bucket."""
        if not call.wire.key:
            self._count(call, "HeadBucket")
            return Response()
        self._count(call, "HeadObject")
        stored = self.objects.find(call.wire.key)
        if stored is None:
            raise StorageError(404, "NoSuchKey", "The specified key does not exist.")
        return Response(
            headers={
                "ETag": stored.etag,
                "Content-Length": str(stored.size),
                "Content-Type": stored.content_type,
                "Last-Modified": formatdate(stored.stored_at, usegmt=True),
                **checksum_headers(stored.file_name),
            }
        )

    async def delete_object(self, call: StorageCall) -> Response:
        """Delete an object that is not committed yet."""
        self._count(call, "DeleteObject")
        self.objects.delete(call.wire.key)
        return Response(status_code=204)

    def _upload(self, call: StorageCall) -> MultipartUpload:
        return self.uploads.find(call.wire.parameter("uploadId") or "", object_key=call.wire.key)

    def _count(self, call: StorageCall, action: str, size: int = 0) -> None:
        self.counters.count(
            action, vod_session_key=call.session.vod_session_key, object_key=call.wire.key, size=size
        )


def _content_type(call: StorageCall) -> str:
    return call.wire.headers.get("content-type") or _DEFAULT_TYPE


def _location(call: StorageCall) -> str:
    return f"http://{storage_host(call.session.bucket, call.session.region)}/{call.wire.key}"


def _document(
    name: str, members: Tree, headers: Mapping[str, str] | None = None, *, status: int = 200
) -> Response:
    return Response(
        write_document(name, members), status_code=status, headers=headers, media_type="application/xml"
    )
