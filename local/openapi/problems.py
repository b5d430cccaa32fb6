"""The problem documents (RFC 9457) of the HTTP functions, from the classes of `shared.errors`."""

from __future__ import annotations

import json

from local.openapi.headers import headers
from local.openapi.shapes import Schema, reference
from shared import errors
from shared.domain.rate_limits import UploadLimits, refusal
from shared.http.response import PROBLEM_TYPE_PREFIX, problem_response

OPTIONS = "Any other method on this path; OPTIONS is answered 204."
EXAMPLE_REQUEST_ID = "5f0c3f1e-8a51-4a55-9c0c-0b8f3b1f7a10"

PROBLEM_KINDS: dict[str, tuple[errors.ServiceError, ...]] = {
    "InvalidRequest": (errors.InvalidRequestError("The body is not JSON."),),
    "Unauthenticated": (
        errors.UnauthenticatedError("Send a valid user token as Authorization: Bearer <JWT>."),
    ),
    "Forbidden": (
        errors.ForbiddenError(
            "There is no such policy for this user.", field_errors=(errors.FieldError("/policy", "Unknown."),)
        ),
    ),
    "NotFound": (errors.NotFoundError("There is no such upload."),),
    "MethodNotAllowed": (errors.MethodNotAllowedError("Use POST here.", allow=("POST", "OPTIONS")),),
    "Conflict": (
        errors.ConflictError(
            "This upload is cancelled: begin a new one, without uploadId or under another Idempotency-Key."
        ),
    ),
    "ContentTooLarge": (errors.ContentTooLargeError("The body may have at most 16384 bytes."),),
    "UnsupportedMediaType": (
        errors.UnsupportedMediaTypeError("Send the body as Content-Type: application/json."),
    ),
    "Unprocessable": (
        errors.UnprocessableError(
            "The request has members that cannot be accepted.",
            field_errors=(errors.FieldError("/random", "There is no such member."),),
        ),
    ),
    "RateLimited": (refusal("user", UploadLimits(30), wait_ms=2000),),
    "Failure": (errors.ServiceError("unexpected"), errors.ConfigurationError("unexpected")),
    "StoreUnavailable": (errors.StoreUnavailableError("The store did not answer in time."),),
    "Unavailable": (
        errors.StoreUnavailableError("The store did not answer in time."),
        errors.KeysUnavailableError("The keys of the token's issuer are not available now."),
    ),
}
"""Answers by their names in the document, each with every error it covers; the first is its example."""

_OWN_HEADERS = {
    "Unauthenticated": ("WWW-Authenticate",),
    "MethodNotAllowed": ("Allow",),
    "RateLimited": ("Retry-After",),
}
_HEADERS_THAT_MAY_COME = {"RateLimited": ("RateLimit", "RateLimit-Policy")}


def problem_status(name: str) -> str:
    """Return the HTTP status of one kind of problem."""
    return str(PROBLEM_KINDS[name][0].status)


def problem(name: str, when: str) -> dict[str, Schema]:
    """Return one kind of problem among the answers of an operation, and when it is given."""
    return {problem_status(name): {**reference("responses", name), "description": when}}


def problem_answers() -> dict[str, Schema]:
    """Return every kind of problem as a response."""
    return {name: _answer(name, kinds) for name, kinds in PROBLEM_KINDS.items()}


def _answer(name: str, kinds: tuple[errors.ServiceError, ...]) -> Schema:
    example = problem_response(kinds[0], request_id=EXAMPLE_REQUEST_ID)
    narrowed = {
        "type": {"enum": [PROBLEM_TYPE_PREFIX + kind.code for kind in kinds]},
        "title": {"enum": list(dict.fromkeys(kind.title for kind in kinds))},
        "status": {"const": kinds[0].status},
    }
    return {
        "description": f"{kinds[0].title}.",
        "headers": headers(*_OWN_HEADERS.get(name, ()), sometimes=_HEADERS_THAT_MAY_COME.get(name, ())),
        "content": {
            "application/problem+json": {
                "schema": {"allOf": [reference("schemas", "Problem"), {"properties": narrowed}]},
                "example": json.loads(example.body),
            }
        },
    }
