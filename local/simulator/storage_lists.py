"""Pages of open uploads and of received parts, as COS writes them (doc 436/7736, 436/7747).

The marker of the next page is written on a truncated page alone: Android's SDK pages while there is one.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import quote

from local.simulator.storage_errors import invalid_argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.simulator.multipart import MultipartUpload, Part
    from local.simulator.storage_documents import Tree
    from local.simulator.storage_request import StorageRequest

_LARGEST_PAGE = 1000
_MOST_DIGITS = 9


def uploads_page(wire: StorageRequest, bucket: str, uploads: Sequence[MultipartUpload]) -> Tree:
    """Build ListMultipartUploadsResult from all uploads that the prefix selects, in the order of their keys.

    Raises:
        StorageError: InvalidArgument: `max-uploads` or `encoding-type` is none.

    """
    size = _page_size(wire, "max-uploads")
    encoding = wire.parameter("encoding-type") or ""
    if encoding not in ("", "url"):
        raise invalid_argument("encoding-type is url, or absent.")
    marker, id_marker = wire.parameter("key-marker") or "", wire.parameter("upload-id-marker") or ""
    key_marker = marker.removeprefix("/")
    left = [upload for upload in uploads if _is_after(upload, key_marker, id_marker)]
    page, truncated = left[:size], len(left) > size

    def shown(key: str) -> str:
        return quote(key, safe="") if encoding else key

    following: Tree = {}
    if truncated:
        following = {
            "NextKeyMarker": shown(page[-1].object_key),
            "NextUploadIdMarker": page[-1].upload_id,
        }
    listed: list[Tree] = [
        {
            "Key": shown(upload.object_key),
            "UploadId": upload.upload_id,
            "StorageClass": "Standard",
            "Initiated": _iso(upload.initiated_at),
        }
        for upload in page
    ]
    return {
        "Bucket": bucket,
        **({"Encoding-Type": encoding} if encoding else {}),
        "KeyMarker": shown(marker),
        "UploadIdMarker": id_marker,
        **following,
        "MaxUploads": str(size),
        "IsTruncated": "true" if truncated else "false",
        "Prefix": shown(wire.parameter("prefix") or ""),
        "Upload": listed,
    }


def parts_page(wire: StorageRequest, bucket: str, upload: MultipartUpload, parts: Sequence[Part]) -> Tree:
    """Build ListPartsResult from all parts of an upload, in the order of their numbers.

    Raises:
        StorageError: InvalidArgument: `max-parts` or `part-number-marker` is no number.

    """
    size, marker = _page_size(wire, "max-parts"), _number(wire, "part-number-marker", 0)
    left = [part for part in parts if part.part_number > marker]
    page, truncated = left[:size], len(left) > size
    listed: list[Tree] = [
        {
            "PartNumber": str(part.part_number),
            "LastModified": _iso(part.received_at),
            "ETag": f'"{part.etag}"',
            "Size": str(part.size),
        }
        for part in page
    ]
    return {
        "Bucket": bucket,
        "Key": upload.object_key,
        "UploadId": upload.upload_id,
        "StorageClass": "Standard",
        "PartNumberMarker": str(marker),
        **({"NextPartNumberMarker": str(page[-1].part_number)} if truncated else {}),
        "MaxParts": str(size),
        "IsTruncated": "true" if truncated else "false",
        "Part": listed,
    }


def _is_after(upload: MultipartUpload, key_marker: str, id_marker: str) -> bool:
    """Return whether an upload comes after the marker; without an id, after all uploads of that key."""
    if upload.object_key == key_marker and id_marker:
        return upload.upload_id > id_marker
    return upload.object_key > key_marker


def _page_size(wire: StorageRequest, name: str) -> int:
    size = _number(wire, name, _LARGEST_PAGE)
    if size == 0:
        raise invalid_argument(f"{name} is at least 1.")
    return min(size, _LARGEST_PAGE)


def _number(wire: StorageRequest, name: str, default: int) -> int:
    text = wire.parameter(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise invalid_argument(f"{name} must be a number.")
    return int(text)


def _iso(instant: float) -> str:
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
