"""Verify AWS Signature Version 4 in the Authorization header, which the Web SDK's S3 mode sends.

Chunk signatures inside a body are not verified.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import quote

from local.simulator.storage_errors import (
    RequestExpiredError,
    StorageError,
    access_denied,
    clock_too_skewed,
    signature_mismatch,
    unknown_access_key,
)

if TYPE_CHECKING:
    from local.simulator.cos_authorization import FindCredential
    from local.simulator.credentials import TemporaryCredential
    from local.simulator.storage_request import StorageRequest

PREFIX = "AWS4-HMAC-SHA256 "
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<id>[^/,]+)/(?P<date>[0-9]{8})/(?P<region>[^/,]+)/s3/aws4_request"
    r", *SignedHeaders=(?P<headers>[a-z0-9;-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)
_SKEW_SECONDS = 900


def verify_s3_authorization(
    request: StorageRequest, *, find_credential: FindCredential, now: float
) -> TemporaryCredential:
    """Return the credential that signed the request.

    Raises:
        StorageError: what is wrong, with the code that S3 clients know.

    """
    match = _HEADER.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        raise StorageError(400, "AuthorizationHeaderMalformed", "The authorization header is malformed.")
    credential = find_credential(match["id"])
    if credential is None:
        raise unknown_access_key()
    _check_time(request.headers.get("x-amz-date", ""), match["date"], now)
    if credential.expires_at < now:
        raise RequestExpiredError
    token = request.headers.get("x-amz-security-token", "")
    if not hmac.compare_digest(token.encode(), credential.token.encode()):
        raise access_denied("The security token does not belong to the key.")
    signed = match["headers"].split(";")
    expected = (
        s3_signature(
            request,
            signed,
            secret_key=credential.secret_key,
            scope=(match["date"], match["region"]),
            host=host,
        )
        for host in request.hosts
    )
    if "host" not in signed or not any(
        hmac.compare_digest(match["signature"], signature) for signature in expected
    ):
        raise signature_mismatch()
    return credential


def s3_signature(
    request: StorageRequest,
    signed_headers: list[str],
    *,
    secret_key: str,
    scope: tuple[str, str],
    host: str,
) -> str:
    """Compute the hex signature; `scope` is (date as YYYYMMDD, region)."""
    values = {**request.headers, "host": host}
    canonical = "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~"),
            "&".join(sorted(f"{_encode(name)}={_encode(value)}" for name, value in request.query)),
            *(f"{name}:{' '.join(values.get(name, '').split())}" for name in signed_headers),
            "",
            ";".join(signed_headers),
            request.headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        )
    )
    date, region = scope
    string_to_sign = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            request.headers.get("x-amz-date", ""),
            f"{date}/{region}/s3/aws4_request",
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    key = f"AWS4{secret_key}".encode()
    for step in (date, region, "s3", "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, string_to_sign.encode(), hashlib.sha256).hexdigest()


def _check_time(text: str, scope_date: str, now: float) -> None:
    try:
        signed_at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise access_denied("The request needs a valid x-amz-date.") from None
    if not text.startswith(scope_date):
        raise signature_mismatch()
    if abs(signed_at.timestamp() - now) > _SKEW_SECONDS:
        raise clock_too_skewed()


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")
