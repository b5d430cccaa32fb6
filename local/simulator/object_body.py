"""Receive the body of an upload-part or put-object request; verify the length and checksums it announced."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from local.simulator.aws_chunked import AwsChunkedDecoder, decoded_chunks
from local.simulator.storage_errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from local.simulator.object_files import ObjectFiles, ReceivedFile

_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


async def receive_object(request: Request, files: ObjectFiles) -> ReceivedFile:
    """Store the body of a request.

    Raises:
        StorageError: 400: it broke off, or does not have the length or a checksum it announced.

    """
    announced = dict(request.headers)
    payload_hash = announced.get("x-amz-content-sha256", "")
    decoder = AwsChunkedDecoder() if _is_chunked(announced) else None
    chunks = request.stream() if decoder is None else decoded_chunks(request.stream(), decoder)
    try:
        received = await files.receive(chunks, with_sha256=bool(_HEX_SHA256.fullmatch(payload_hash)))
    except ClientDisconnect as error:
        raise StorageError(400, "IncompleteBody", "The connection was closed within the body.") from error
    if decoder is not None:
        announced.update(decoder.trailers)
    objection = _objection(received, announced, decoded=decoder is not None)
    if objection is not None:
        files.remove([received.file_name])
        raise objection
    return received


def _is_chunked(headers: Mapping[str, str]) -> bool:
    return headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or "aws-chunked" in headers.get(
        "content-encoding", ""
    )


def _objection(received: ReceivedFile, announced: Mapping[str, str], *, decoded: bool) -> StorageError | None:
    length = announced.get("x-amz-decoded-content-length" if decoded else "content-length")
    if length is not None and length != str(received.size):
        return StorageError(400, "IncompleteBody", "The body does not have the length it announced.")
    for name, digest in (("content-md5", received.md5), ("x-amz-checksum-crc32", received.crc32)):
        if name in announced and announced[name] != base64.b64encode(digest).decode():
            return StorageError(400, "BadDigest", f"The {name} does not match what was received.")
    payload_hash = announced.get("x-amz-content-sha256", "")
    if _HEX_SHA256.fullmatch(payload_hash) and payload_hash != received.sha256.hex():
        return StorageError(
            400, "XAmzContentSHA256Mismatch", "The x-amz-content-sha256 does not match what was received."
        )
    return None
