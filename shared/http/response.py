"""Build responses, with the headers that each of them has, in the form that SCF takes (doc 583/96099)."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from shared.errors import MethodNotAllowedError, RateLimitedError, ServiceError, UnauthenticatedError
from shared.schema.encoding import ascii_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.config.settings import CallerSettings
    from shared.errors import RateLimit
    from shared.http.request import Request

PROBLEM_TYPE_PREFIX = "urn:vod-upload-functions:problem:"
INTERNAL = 500
_EXPOSED_HEADERS = "ETag, RateLimit, RateLimit-Policy, Retry-After, Upload-Id, X-Request-Id"
_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-None-Match"
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_NAMES = rf"(?=.{{1,1024}}$){_HEADER_NAME}(?:, ?{_HEADER_NAME})*"


class Cors(NamedTuple):
    """The origins whose pages may call, and whether with credentials (CORS_ORIGINS, CORS_CREDENTIALS)."""

    origins: tuple[str, ...] = ()
    with_credentials: bool = False


def cors_of(settings: CallerSettings) -> Cors:
    """Return whose pages may call a function with these settings."""
    return Cors(settings.cors_origins, with_credentials=settings.cors_credentials == "on")


class Response(NamedTuple):
    """One HTTP response; `body` is text, the only kind of body the functions send."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: str = ""


def json_response(status: int, content: Mapping[str, object], **headers: str) -> Response:
    """Build a JSON response; header names are given with underscores (`Retry_After`)."""
    return Response(
        status, {"Content-Type": "application/json", **_header_names(headers)}, ascii_json(content)
    )


def text_response(status: int, text: str, **headers: str) -> Response:
    """Build a plain-text response; header names are given with underscores (`Upload_Id`)."""
    return Response(status, {"Content-Type": "text/plain; charset=utf-8", **_header_names(headers)}, text)


def problem_response(error: ServiceError, *, request_id: str) -> Response:
    """Build a problem document (RFC 9457) from an error, with the headers its status requires."""
    headers = {"Content-Type": "application/problem+json"}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowedError):
        headers["Allow"] = ", ".join(error.allow)
    if isinstance(error, RateLimitedError):
        headers["Retry-After"] = str(error.retry_after)
        headers.update(rate_limit_headers(error.rate_limits))
    document: dict[str, object] = {
        "type": PROBLEM_TYPE_PREFIX + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail if error.status != INTERNAL else error.title,
        "requestId": request_id,
    }
    if error.field_errors:
        document["errors"] = [{"pointer": f.pointer, "detail": f.detail} for f in error.field_errors]
    return Response(error.status, headers, ascii_json(document))


def rate_limit_headers(rate_limits: Sequence[RateLimit]) -> dict[str, str]:
    """Return the headers of draft-ietf-httpapi-ratelimit-headers-11; none without limits."""
    if not rate_limits:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{a.name}";q={a.quota};w={a.window_seconds}' for a in rate_limits),
        "RateLimit": ", ".join(f'"{a.name}";r={a.remaining};t={a.reset_seconds}' for a in rate_limits),
    }


def preflight_response(request: Request, *, methods: tuple[str, ...], cors: Cors) -> Response:
    """Answer OPTIONS with the allowed methods and headers, for a listed origin only.

    All headers that are asked for are allowed: clients' libraries add their own (`traceparent`). What is no
    list of names, or has over 1,024 characters, is answered with the headers that the functions read.
    """
    if request.headers.get("origin", "") not in cors.origins:
        return Response(204, {"Allow": ", ".join((*methods, "OPTIONS"))})
    wanted = request.headers.get("access-control-request-headers", "")
    return Response(
        204,
        {
            "Access-Control-Allow-Methods": ", ".join(methods),
            "Access-Control-Allow-Headers": wanted if re.fullmatch(_HEADER_NAMES, wanted) else _HEADERS,
            "Access-Control-Max-Age": "600",
        },
    )


def with_common_headers(response: Response, request: Request, *, cors: Cors) -> Response:
    """Add the headers of every response: no caching, no sniffing, the request id, CORS for an exact origin.

    CORS is decided only here; the function URLs are deployed without a CORS block.
    """
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": request.request_id,
        **response.headers,
    }
    if cors.origins:
        is_preflight = request.method == "OPTIONS"
        headers["Vary"] = "Origin, Access-Control-Request-Headers" if is_preflight else "Origin"
    if request.headers.get("origin", "") in cors.origins:
        headers["Access-Control-Allow-Origin"] = request.headers["origin"]
        headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
        if cors.with_credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
    return Response(response.status, headers, response.body)


def to_scf_response(response: Response) -> dict[str, object]:
    """Return the response in SCF's form; all three keys are always present (doc 583/96099)."""
    return {
        "isBase64Encoded": False,
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": response.body,
    }


def _header_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
