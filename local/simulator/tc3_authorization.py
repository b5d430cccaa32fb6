"""Verify the server API's request signature, TC3-HMAC-SHA256."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = re.compile(
    r"TC3-HMAC-SHA256 +Credential=(?P<id>[^/, ]+)/(?P<date>[0-9-]{10})/(?P<service>[a-z]+)/tc3_request"
    r", *SignedHeaders=(?P<headers>[a-z0-9;-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)
_SKEW_SECONDS = 300


class ApiError(Exception):
    """A refusal of the server API, with its official code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def verify_tc3(
    headers: Mapping[str, str], body: bytes, *, keys: Mapping[str, tuple[str, str]], now: float
) -> None:
    """Verify a `POST /`; `keys` is SecretId → (SecretKey, token or ""), header names are lower case.

    Raises:
        ApiError: AuthFailure.*, with the official codes.

    """
    match = _HEADER.fullmatch(headers.get("authorization", ""))
    if match is None:
        raise ApiError("AuthFailure.InvalidAuthorization", "The Authorization header cannot be read.")
    timestamp, token = headers.get("x-tc-timestamp", ""), headers.get("x-tc-token", "")
    secret_key = check_credential(match["id"], timestamp=timestamp, token=token, keys=keys, now=now)
    date = datetime.fromtimestamp(int(timestamp), tz=timezone.utc).strftime("%Y-%m-%d")
    signed = match["headers"].split(";")
    expected = tc3_signature(headers, body, signed, secret_key=secret_key, scope=(date, match["service"]))
    is_complete = {"content-type", "host"} <= set(signed) and match["date"] == date
    if not (is_complete and hmac.compare_digest(expected, match["signature"])):
        raise ApiError("AuthFailure.SignatureFailure", "The provided signature is not the calculated one.")


def check_credential(
    secret_id: str, *, timestamp: str, token: str, keys: Mapping[str, tuple[str, str]], now: float
) -> str:
    """Return the SecretKey of a request whose time and token are right.

    Raises:
        ApiError: AuthFailure.*, with the official codes.

    """
    if secret_id not in keys:
        raise ApiError("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
    secret_key, expected = keys[secret_id]
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(int(timestamp) - now) > _SKEW_SECONDS:
        raise ApiError("AuthFailure.SignatureExpire", "The timestamp is more than five minutes off.")
    if not hmac.compare_digest(token.encode(), expected.encode()):
        raise ApiError("AuthFailure.TokenFailure", "The token does not belong to the key.")
    return secret_key


def tc3_signature(
    headers: Mapping[str, str],
    body: bytes,
    signed_headers: list[str],
    *,
    secret_key: str,
    scope: tuple[str, str],
) -> str:
    """Compute the hex signature of a `POST /`; `scope` is (date as YYYY-MM-DD, service)."""
    payload = b"UNSIGNED-PAYLOAD" if headers.get("x-tc-content-sha256") == "UNSIGNED-PAYLOAD" else body
    canonical = "\n".join(
        (
            "POST",
            "/",
            "",
            *(f"{name}:{headers.get(name, '').strip()}" for name in signed_headers),
            "",
            ";".join(signed_headers),
            hashlib.sha256(payload).hexdigest(),
        )
    )
    date, service = scope
    string_to_sign = "\n".join(
        (
            "TC3-HMAC-SHA256",
            headers.get("x-tc-timestamp", ""),
            f"{date}/{service}/tc3_request",
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    key = f"TC3{secret_key}".encode()
    for step in (date, service, "tc3_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, string_to_sign.encode(), hashlib.sha256).hexdigest()
