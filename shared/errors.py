"""Every error this service raises on purpose.

Turning one into an HTTP answer is left to `shared.http.message`.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class FieldError(NamedTuple):
    """One thing wrong with the input: where (a JSON pointer such as `/classId`), and what."""

    pointer: str
    detail: str


class RateLimit(NamedTuple):
    """What is left of one limit: `remaining` of `quota`, all of which is there again in `reset_seconds`."""

    name: str
    quota: int
    window_seconds: int
    remaining: int
    reset_seconds: int


class ServiceError(Exception):
    """The base of all errors we raise; the edge catches this one.

    `detail` is a sentence for the caller. It never holds a secret, a token, a
    signature or an address of the store.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something failed on our side"

    def __init__(self, detail: str, *, field_errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field_errors = field_errors


class InvalidRequestError(ServiceError):
    """The request cannot be read at all: not JSON, broken encoding, nested too deep."""

    status = 400
    code = "invalid-request"
    title = "The request cannot be read"


class UnauthenticatedError(ServiceError):
    """No valid credential of an end user came with the request."""

    status = 401
    code = "unauthenticated"
    title = "A valid user token is required"


class ForbiddenError(ServiceError):
    """The caller is known, and may not do this."""

    status = 403
    code = "forbidden"
    title = "Not allowed for this user"


class NotFoundError(ServiceError):
    """There is no such thing, or it belongs to somebody else: both look the same."""

    status = 404
    code = "not-found"
    title = "Not found"


class MethodNotAllowedError(ServiceError):
    """The path exists, the method does not; `allow` lists those that do."""

    status = 405
    code = "method-not-allowed"
    title = "Method not allowed"

    def __init__(self, detail: str, *, allow: tuple[str, ...]) -> None:
        super().__init__(detail)
        self.allow = allow


class ConflictError(ServiceError):
    """The upload is in a state in which this can no longer be done."""

    status = 409
    code = "conflict"
    title = "Not possible in the present state"


class ContentTooLargeError(ServiceError):
    """The body is larger than this function reads."""

    status = 413
    code = "content-too-large"
    title = "The body is too large"


class UnsupportedMediaTypeError(ServiceError):
    """The body is not sent as JSON."""

    status = 415
    code = "unsupported-media-type"
    title = "The body must be JSON"


class UnprocessableError(ServiceError):
    """The request can be read, and a field of it is unknown, of the wrong type or off the policy."""

    status = 422
    code = "unprocessable"
    title = "A field is not acceptable"


class RateLimitedError(ServiceError):
    """Too many requests; the next one passes after `retry_after` seconds (at least 1).

    `allowances` say which limit it is, where it has a name.
    """

    status = 429
    code = "rate-limited"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after: int, rate_limits: tuple[RateLimit, ...] = ()) -> None:
        super().__init__(detail)
        self.retry_after = max(1, retry_after)
        self.rate_limits = rate_limits


class StoreUnavailableError(ServiceError):
    """The store did not answer in time, or not at all."""

    status = 503
    code = "store-unavailable"
    title = "Temporarily unavailable"


class KeysUnavailableError(ServiceError):
    """The login service gave no keys, and none are known that still count."""

    status = 503
    code = "keys-unavailable"
    title = "Temporarily unavailable"


class VodApiError(ServiceError):
    """The VOD server API refused a call or did not answer; `vod_code` is its own error code."""

    status = 503
    code = "vod-api-unavailable"
    title = "Temporarily unavailable"

    def __init__(self, detail: str, *, vod_code: str = "") -> None:
        super().__init__(detail)
        self.vod_code = vod_code


class ConfigurationError(ServiceError):
    """Settings are missing or invalid; the message names all of them and shows no value."""

    code = "configuration"
    title = "The service is not configured"
