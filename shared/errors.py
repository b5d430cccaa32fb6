"""All errors this service raises on purpose. `shared.http.response` turns them into HTTP responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class FieldError(NamedTuple):
    """One invalid part of the input: its JSON pointer, such as `/classId`, and what is wrong."""

    pointer: str
    detail: str


class RateLimit(NamedTuple):
    """What remains of one limit: `remaining` of `quota`, until the whole quota is back in `reset_seconds`.

    Of a limit at any one time `window_seconds` is 0, and in `reset_seconds` the first comes back.
    """

    name: str
    quota: int
    window_seconds: int
    remaining: int
    reset_seconds: int


class ServiceError(Exception):
    """Base of all errors the service raises, caught by `shared.runtime.invocation`.

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
    """The request cannot be parsed: not JSON, broken encoding, nested too deep."""

    status = 400
    code = "invalid-request"
    title = "The request cannot be read"


class UnauthenticatedError(ServiceError):
    """The request has no valid credential of an end user.

    `problem` is the word for the check that failed, for the operator; empty without a token's check.
    """

    status = 401
    code = "unauthenticated"
    title = "A valid token is required"

    def __init__(self, detail: str, *, problem: str = "") -> None:
        super().__init__(detail)
        self.problem = problem


class ForbiddenError(ServiceError):
    """The caller is known and is not allowed to do this."""

    status = 403
    code = "forbidden"
    title = "Not allowed for this user"


class NotFoundError(ServiceError):
    """There is no such resource, or it belongs to another user: both get the same answer."""

    status = 404
    code = "not-found"
    title = "Not found"


class MethodNotAllowedError(ServiceError):
    """The path exists, the method does not; `allow` lists the allowed methods."""

    status = 405
    code = "method-not-allowed"
    title = "Method not allowed"

    def __init__(self, detail: str, *, allow: tuple[str, ...]) -> None:
        super().__init__(detail)
        self.allow = allow


class ConflictError(ServiceError):
    """The upload is in a state that does not allow this."""

    status = 409
    code = "conflict"
    title = "Not possible in the present state"


class ContentTooLargeError(ServiceError):
    """The body is larger than this function reads."""

    status = 413
    code = "content-too-large"
    title = "The body is too large"


class UnsupportedMediaTypeError(ServiceError):
    """The body is not declared as uncompressed JSON."""

    status = 415
    code = "unsupported-media-type"
    title = "The body must be JSON"


class UnprocessableError(ServiceError):
    """A member of the request is unknown, of the wrong type or off the policy."""

    status = 422
    code = "unprocessable"
    title = "A field is not acceptable"


class RateLimitedError(ServiceError):
    """Too many requests; the next one is allowed after `retry_after` seconds (at least 1).

    `rate_limits` say which limit is used up, if it has a name.
    """

    status = 429
    code = "rate-limited"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after: int, rate_limits: tuple[RateLimit, ...] = ()) -> None:
        super().__init__(detail)
        self.retry_after = max(1, retry_after)
        self.rate_limits = rate_limits


class StoreUnavailableError(ServiceError):
    """The store did not answer in time, or not at all, or refused.

    `store_code` is its own word for a refusal, such as READONLY, for the operator; empty without a reply.
    """

    status = 503
    code = "store-unavailable"
    title = "Temporarily unavailable"

    def __init__(self, detail: str, *, store_code: str = "") -> None:
        super().__init__(detail)
        self.store_code = store_code


class UnreadableRecordError(ServiceError):
    """The record of an upload cannot be read: another release may have written it."""


class KeysUnavailableError(ServiceError):
    """The login service did not return keys, and no cached ones are still valid."""

    status = 503
    code = "keys-unavailable"
    title = "Temporarily unavailable"


class VodApiError(ServiceError):
    """The VOD server API refused a call or did not answer; `vod_code` is the API's error code."""

    status = 503
    code = "vod-api-unavailable"
    title = "Temporarily unavailable"

    def __init__(self, detail: str, *, vod_code: str = "") -> None:
        super().__init__(detail)
        self.vod_code = vod_code


class CallBudgetError(VodApiError):
    """The call was not made: what all instances together may ask VOD's API in a second is used up."""


class ConfigurationError(ServiceError):
    """Settings are missing or invalid; the message names all of them and shows no value.

    `found` has a text for each, which begins with its name.
    """

    code = "configuration"
    title = "The service is not configured"

    def __init__(self, detail: str, *, found: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.found = found


class FirstFailure:
    """Keep the first failure of several parts of a run, so that it stops none of the others.

    Each part is a block of its own, `with first_failure:`, in any thread.
    """

    def __init__(self) -> None:
        self._failure: Exception | None = None

    def __enter__(self) -> None:
        """Begin a part."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Keep a failure."""
        if not isinstance(error, Exception):
            return False
        self._failure = self._failure or error
        return True

    def raise_again(self) -> None:
        """Raise what was kept, once all parts have ended.

        Raises:
            Exception: the first failure.

        """
        if self._failure:
            raise self._failure
