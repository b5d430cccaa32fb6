"""The replies of the storage, COS and S3 alike: documents and headers, by operation.

Sources: COS's API reference (doc 436) by operation, cos-js-sdk-v5, cos-android 5.9.51, cos-wx-sdk-v5, boto3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.simulator.replies.members import ALWAYS, Declaration, absent_unless, may_be_empty, under

if TYPE_CHECKING:
    from collections.abc import Mapping


def _is_truncated(page: Mapping[str, object]) -> bool:
    return page.get("IsTruncated") == "true"


_MARKER = absent_unless("the page is truncated", holds=_is_truncated)
_FIRST_PAGE = may_be_empty("the first page repeats the request's, which has none")
_STORED: Declaration = {"Location": ALWAYS, "Bucket": ALWAYS, "Key": ALWAYS, "ETag": ALWAYS}

DOCUMENTS: Mapping[str, Declaration] = {
    "ListMultipartUploads": {
        "Bucket": ALWAYS,
        "Encoding-Type": absent_unless("the request asks for one"),
        "KeyMarker": _FIRST_PAGE,
        "UploadIdMarker": _FIRST_PAGE,
        "NextKeyMarker": _MARKER,
        "NextUploadIdMarker": _MARKER,
        "MaxUploads": ALWAYS,
        "IsTruncated": ALWAYS,
        "Prefix": may_be_empty("the request's, which may have none"),
        **under(
            "Upload[]",
            {"Key": ALWAYS, "UploadId": ALWAYS, "StorageClass": ALWAYS, "Initiated": ALWAYS},
            absent_unless("an upload is open"),
        ),
    },
    "ListParts": {
        "Bucket": ALWAYS,
        "Key": ALWAYS,
        "UploadId": ALWAYS,
        "StorageClass": ALWAYS,
        "PartNumberMarker": ALWAYS,
        # cos-android pages while it has a text and never reads IsTruncated: a `0` never ends.
        "NextPartNumberMarker": _MARKER,
        "MaxParts": ALWAYS,
        "IsTruncated": ALWAYS,
        **under(
            "Part[]",
            {"PartNumber": ALWAYS, "LastModified": ALWAYS, "ETag": ALWAYS, "Size": ALWAYS},
            absent_unless("a part was received"),
        ),
    },
    "InitiateMultipartUpload": {"Bucket": ALWAYS, "Key": ALWAYS, "UploadId": ALWAYS},
    "CompleteMultipartUpload": _STORED,
    "PostObject": _STORED,
}
"""The documents of answers that have one; PostObject's only where the form asks for status 201."""
ERROR: Declaration = {
    "Code": ALWAYS,
    "Message": ALWAYS,
    "Resource": ALWAYS,
    "RequestId": ALWAYS,
    "TraceId": ALWAYS,
}

# Android compares it with its own; cos-python-sdk-v5 does if it is asked to.
_CRC64: Declaration = {"x-cos-hash-crc64ecma": ALWAYS}
_COMMON: Declaration = {"x-cos-request-id": ALWAYS}
_OBJECT: Declaration = {**_COMMON, **_CRC64, "ETag": ALWAYS}
HEADERS: Mapping[str, Declaration] = {
    "ListMultipartUploads": _COMMON,
    "ListParts": _COMMON,
    "InitiateMultipartUpload": _COMMON,
    "UploadPart": _OBJECT,
    "CompleteMultipartUpload": {**_COMMON, **_CRC64},
    "AbortMultipartUpload": _COMMON,
    "PutObject": _OBJECT,
    "PostObject": {**_OBJECT, "Location": ALWAYS},
    "HeadObject": {**_OBJECT, "Last-Modified": ALWAYS},
    "HeadBucket": _COMMON,
    "DeleteObject": _COMMON,
}
"""The headers that are the operation's own; those of HTTP and of cross-origin rules are not declared."""
ERROR_HEADERS: Declaration = _COMMON
