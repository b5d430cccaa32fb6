"""Translate the event that SCF passes to an HTTP function into a request; `response` is the way back.

This is the only module that knows the event's keys (function URL: doc 583/96099, API gateway: doc 583/12513).
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from shared.errors import (
    ContentTooLargeError,
    InvalidRequestError,
    MethodNotAllowedError,
    UnsupportedMediaTypeError,
)
from shared.vod.lenient_json import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping

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
