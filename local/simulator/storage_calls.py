"""The operations on objects and multipart uploads: one authorized request in, one answer out.

`storage` selects the operation, `multipart` holds the rules of parts.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import formatdate
from typing import TYPE_CHECKING

from starlette.responses import Response

from local.simulator.multipart import read_part_number
from local.simulator.object_body import receive_object
from local.simulator.objects import StoredObject
from local.simulator.request_body import small_body
from local.simulator.storage_documents import read_completed_parts, write_document
from local.simulator.storage_errors import StorageError, access_denied
from shared.errors import ContentTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from local.simulator.counters import Counters
    from local.simulator.multipart import MultipartUpload, MultipartUploads
    from local.simulator.object_files import ObjectFiles
    from local.simulator.objects import ObjectStore
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
class StorageCalls:
    """Every operation that upload credentials allow; each is counted."""

    clock: Callable[[], float]
    files: ObjectFiles
    objects: ObjectStore
    uploads: MultipartUploads
    counters: Counters

    async def list_uploads(self, call: StorageCall) -> Response:
        """List the session's open multipart uploads; the prefix may have a leading slash."""
        self._count(call, "ListMultipartUploads")
        prefix = (call.wire.parameter("prefix") or "").removeprefix("/")
        listed: list[Tree] = [
            {
                "Key": upload.object_key,
                "UploadId": upload.upload_id,
                "StorageClass": "Standard",
                "Initiated": _iso(upload.initiated_at),
            }
            for upload in self.uploads.of_keys(call.session.keys, prefix=prefix)
        ]
        return _document(
            "ListMultipartUploadsResult",
            {
                "Bucket": call.wire.bucket,
                "Encoding-Type": "",
                "KeyMarker": "",
                "UploadIdMarker": "",
                "NextKeyMarker": "",
                "NextUploadIdMarker": "",
                "MaxUploads": "1000",
                "IsTruncated": "false",
                "Prefix": prefix,
                "Upload": listed,
            },
        )

    async def list_parts(self, call: StorageCall) -> Response:
        """List the parts that were received, all on one page."""
        self._count(call, "ListParts")
        upload = self._upload(call)
        listed: list[Tree] = [
            {
                "PartNumber": str(part.part_number),
                "LastModified": _iso(part.received_at),
                "ETag": f'"{part.etag}"',
                "Size": str(part.size),
            }
            for part in self.uploads.parts(upload)
        ]
        return _document(
            "ListPartsResult",
            {
                "Bucket": call.wire.bucket,
                "Key": upload.object_key,
                "UploadId": upload.upload_id,
                "StorageClass": "Standard",
                "PartNumberMarker": "0",
                "NextPartNumberMarker": "0",
                "MaxParts": "10000",
                "IsTruncated": "false",
                "Part": listed,
            },
        )

    async def initiate(self, call: StorageCall) -> Response:
        """Open a multipart upload."""
        self._count(call, "InitiateMultipartUpload")
        upload = self.uploads.open(call.wire.key, content_type=_content_type(call), now=self.clock())
        return _document(
            "InitiateMultipartUploadResult",
            {"Bucket": call.wire.bucket, "Key": upload.object_key, "UploadId": upload.upload_id},
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
        return Response(headers={"ETag": f'"{part.etag}"'})

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
                "Location": f"http://{call.wire.bucket}.cos.{call.wire.region}.myqcloud.com/{call.wire.key}",
                "Bucket": call.wire.bucket,
                "Key": call.wire.key,
                "ETag": stored.etag,
            },
        )

    async def abort(self, call: StorageCall) -> Response:
        """Abort a multipart upload."""
        self._count(call, "AbortMultipartUpload")
        self.uploads.abort(self._upload(call))
        return Response(status_code=204)

    async def put_object(self, call: StorageCall) -> Response:
        """Store a whole object."""
        if any(name in call.wire.headers for name in ("x-cos-copy-source", "x-amz-copy-source")):
            raise access_denied()
        received = await receive_object(call.http, self.files)
        stored = StoredObject(
            object_key=call.wire.key,
            file_name=received.file_name,
            etag=f'"{received.md5.hex()}"',
            size=received.size,
            content_type=_content_type(call),
            stored_at=self.clock(),
        )
        self.objects.put(stored)
        self._count(call, "PutObject", stored.size)
        return Response(headers={"ETag": stored.etag})

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


def _document(name: str, members: dict[str, str | Tree | list[Tree]]) -> Response:
    return Response(write_document(name, members), media_type="application/xml")


def _iso(instant: float) -> str:
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
