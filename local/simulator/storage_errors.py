"""The refusals of the storage, with COS's codes (doc 436/7730).

How one looks on the wire is left to `storage_documents`.
"""

from __future__ import annotations


class StorageError(Exception):
    """A refusal; `code` and `message` are the ones SDKs look at."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def access_denied(message: str = "Access Denied.") -> StorageError:
    """403, for a request that is signed well and goes too far."""
    return StorageError(403, "AccessDenied", message)


def request_expired() -> StorageError:
    """403, with the words that make the Web SDK correct its clock and the mobile SDKs Apply again."""
    return access_denied("Request has expired")


def clock_too_skewed() -> StorageError:
    """403, for a signing time that lies too far from the server's."""
    return StorageError(
        403, "RequestTimeTooSkewed", "The difference between the request time and the server's is too large."
    )


def signature_mismatch() -> StorageError:
    """403, for a signature that another key or another request made."""
    return StorageError(
        403,
        "SignatureDoesNotMatch",
        "The Signature you specified is invalid: the calculated one does not match.",
    )


def unknown_access_key() -> StorageError:
    """403, for a SecretId that was never issued."""
    return StorageError(403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist.")


def invalid_argument(message: str) -> StorageError:
    """400, for a parameter out of its range."""
    return StorageError(400, "InvalidArgument", message)


def no_such_upload() -> StorageError:
    """404, for a multipart upload that does not exist, or was completed or aborted."""
    return StorageError(404, "NoSuchUpload", "The specified multipart upload does not exist.")
