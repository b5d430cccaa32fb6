"""Translate the event SCF passes to an HTTP function into a request, and a response into SCF's form.

This is the only module that knows the event's keys (function URL: doc 583/96099, API gateway: doc 583/12513).
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from shared.errors import (
    ContentTooLargeError,
    InvalidRequestError,
    MethodNotAllowedError,
    RateLimitedError,
    ServiceError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)
from shared.schema.encoding import ascii_json
from shared.vod.lenient_json import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.config.settings import CallerSettings
    from shared.errors import RateLimit

PROBLEM_TYPE_PREFIX = "urn:vod-upload-functions:problem:"
INTERNAL = 500
_EXPOSED_HEADERS = "ETag, RateLimit, RateLimit-Policy, Retry-After, Upload-Id, X-Request-Id"
_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-None-Match"
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_NAMES = rf"(?=.{{1,1024}}$){_HEADER_NAME}(?:, ?{_HEADER_NAME})*"
IDEMPOTENCY_KEY = r'"(?:[ !#-\[\]-~]|\\["\\]){1,255}"'


class Request(NamedTuple):
    """One HTTP request: header names in lower case, the body as bytes.

    `client_address` is the address that the platform reports, never a header that a client can set; empty if
    the platform reports none.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    client_address: str
    request_id: str

    def __repr__(self) -> str:
        """Show nothing that a client can make a secret of: its path may be the callback's token."""
        return f"Request({self.method!r}, {self.request_id!r})"

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path between slashes, without empty ones."""
        return tuple(filter(None, self.path.split("/")))


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


def parse_request(event: object, *, request_id: str) -> Request:
    """Read a function-URL or API-gateway event.

    Raises:
        InvalidRequestError: the event is not an HTTP event.

    """
    if not isinstance(event, dict) or not isinstance(event.get("httpMethod"), str):
        raise InvalidRequestError("This function answers HTTP requests only.")
    headers = _headers(event.get("headers"))
    return Request(
        method=event["httpMethod"].upper(),
        path=_text(event.get("path")) or "/",
        query=_text_map(event.get("queryString")),
        headers=headers,
        body=_body(event),
        client_address=_client_address(event, headers),
        request_id=request_id,
    )


def read_json(request: Request, *, max_bytes: int) -> dict[str, object]:
    """Read the request's body as one JSON object; an empty body is an empty object.

    Raises:
        UnsupportedMediaTypeError: the body is compressed, or not declared as JSON.
        ContentTooLargeError: it has more than `max_bytes` bytes.
        InvalidRequestError: it is not one JSON object.

    """
    if not request.body.strip():
        return {}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaTypeError("Send the body as Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaTypeError("Send the body without Content-Encoding.")
    if len(request.body) > max_bytes:
        raise ContentTooLargeError(f"The body may have at most {max_bytes} bytes.")
    try:
        return read_object(request.body.decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidRequestError("The body is not UTF-8 text.") from None


def idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key of a request as it was sent, or None.

    draft-ietf-httpapi-idempotency-key-header-07, section 2.1: a string of RFC 8941, in quotation marks.

    Raises:
        InvalidRequestError: it is no such string, or has none or more than 255 characters.

    """
    key = request.headers.get("idempotency-key")
    if key is not None and not re.fullmatch(IDEMPOTENCY_KEY, key.strip()):
        raise InvalidRequestError(
            "Idempotency-Key must be 1 to 255 printable ASCII characters within quotation marks."
        )
    return None if key is None else key.strip()


def allow_methods(request: Request, *methods: str) -> None:
    """Refuse every method but those named.

    Raises:
        MethodNotAllowedError: with the list for the Allow header.

    """
    if request.method not in methods:
        raise MethodNotAllowedError(f"Use {' or '.join(methods)} here.", allow=(*methods, "OPTIONS"))


def prefers_text(request: Request) -> bool:
    """Return whether Accept prefers text/plain to JSON (RFC 9110, section 12.5.1)."""
    accept, weights = request.headers.get("accept", "").lower(), {}
    if "text/" not in accept and "*" not in accept:
        return False
    for choice in accept.split(","):
        media_range, _, parameters = choice.partition(";")
        weights[media_range.strip()] = _quality(parameters)
    text, anything_else = (
        next((weights[name] for name in ranges if name in weights), 0.0)
        for ranges in (("text/plain", "text/*", "*/*"), ("application/json", "application/*", "*/*"))
    )
    return text > anything_else


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


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _text_map(value: object) -> dict[str, str]:
    """Flatten a map of texts; of a list of values (API gateway, repeated key) the first counts."""
    if not isinstance(value, dict):
        return {}
    first = {name: item[0] if isinstance(item, list) and item else item for name, item in value.items()}
    return {name: item for name, item in first.items() if isinstance(name, str) and isinstance(item, str)}


def _headers(value: object) -> dict[str, str]:
    """Lower the names, and join the values of a repeated header (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    for name, item in value.items() if isinstance(value, dict) else ():
        texts = [text for text in item if isinstance(text, str)] if isinstance(item, list) else []
        if isinstance(name, str) and (texts or isinstance(item, str)):
            key, text = name.lower(), item if isinstance(item, str) else ", ".join(texts)
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _body(event: dict[str, object]) -> bytes:
    """Return the body, and drop nothing: Base64 that is none stays as it is, a value is written as JSON."""
    body = event.get("body")
    if not isinstance(body, str):
        return b"" if body is None else json.dumps(body, default=str).encode("ascii")
    if event.get("isBase64Encoded") is True:
        with contextlib.suppress(ValueError):
            return base64.b64decode(body, validate=True)
    return body.encode("utf-8", "surrogatepass")


def _client_address(event: dict[str, object], headers: Mapping[str, str]) -> str:
    context = event.get("requestContext")
    source = _text(context.get("sourceIp")) if isinstance(context, dict) else ""
    # `sourceIp` is the gateway's: it passes on an x-scf-remote-addr that a client sent.
    address = (source or headers.get("x-scf-remote-addr", "")).strip()
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _header_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
