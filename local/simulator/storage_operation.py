"""Map a storage request to the operation's name, which counters, fault rules and declarations use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

_OF_AN_OBJECT = {
    ("POST", "uploads"): "InitiateMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("GET", "uploadId"): "ListParts",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("PUT", ""): "PutObject",
    ("HEAD", ""): "HeadObject",
    ("DELETE", ""): "DeleteObject",
}
_OF_THE_BUCKET = {
    ("GET", "uploads"): "ListMultipartUploads",
    ("HEAD", ""): "HeadBucket",
    ("POST", ""): "PostObject",
}
# Query parameters that make another operation of a request (COS's and S3's API reference).
_SUBRESOURCES = frozenset(
    re.findall(
        r"[\w-]+",
        """accelerate acl analytics append attributes callback ci-process cors delete domain encryption fetch
        imageMogr2 intelligent-tiering inventory legal-hold lifecycle location logging metadata metrics
        notification object-lock origin ownershipControls policy policyStatus publicAccessBlock referer rename
        replication requestPayment restore retention select sync symlink tagging torrent versioning versions
        website""",
    )
)
COPY_HEADERS = frozenset({"x-cos-copy-source", "x-amz-copy-source"})


def operation_name(method: str, path: str, query: Container[str], headers: Container[str]) -> str:
    """Return the operation of a request; empty if the simulator does not have it.

    `path` is that of the object; `query` and `headers` are looked up by name, headers in lower case.
    """
    if any(name in query for name in _SUBRESOURCES) or any(name in headers for name in COPY_HEADERS):
        return ""
    kind = next((name for name in ("uploads", "uploadId") if name in query), "")
    table = _OF_AN_OBJECT if path.strip("/") else _OF_THE_BUCKET
    return table.get((method, kind), "")
