"""The refusals of the storage, with COS's codes (doc 436/7730).

`storage` writes them as XML.
"""

from __future__ import annotations


class StorageError(Exception):
    """A refusal; SDKs evaluate `code` and `message`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def access_denied(message: str = "Access Denied.") -> StorageError:
    """Return error 403 for a validly signed request that exceeds its rights."""
    return StorageError(403, "AccessDenied", message)


class RequestExpiredError(StorageError):
    """The credential or the signing time is over; which code COS has for it is UNVERIFIED.

    ExpiredToken is the one of the codes that has the status 400 (doc 436/7730).
    """

    def __init__(self, code: str = "AccessDenied") -> None:
        """Take COS's code: on AccessDenied Web corrects its clock, on the other mobile applies again."""
        super().__init__(400 if code == "ExpiredToken" else 403, code, "Request has expired")


def clock_too_skewed() -> StorageError:
    """Return error 403 for a signing time too far from the server's."""
    return StorageError(
        403, "RequestTimeTooSkewed", "The difference between the request time and the server's is too large."
    )


def signature_mismatch() -> StorageError:
    """Return error 403 for a signature made with another key or for another request."""
    return StorageError(
        403,
        "SignatureDoesNotMatch",
        "The Signature you specified is invalid: the calculated one does not match.",
    )


def unknown_access_key() -> StorageError:
    """Return error 403 for a SecretId that was never issued."""
    return StorageError(403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist.")


def not_implemented(operation: str) -> StorageError:
    """Return error 501 for an operation that COS may have and the simulator does not."""
    return StorageError(501, "NotImplemented", f"The simulator does not have {operation}.")


def invalid_argument(message: str) -> StorageError:
    """Return error 400 for a parameter out of its range."""
    return StorageError(400, "InvalidArgument", message)


def no_such_upload() -> StorageError:
    """Return error 404 for a multipart upload that does not exist, or was completed or aborted."""
    return StorageError(404, "NoSuchUpload", "The specified multipart upload does not exist.")
