"""Verify COS's own request signature, `q-sign-algorithm=sha1` (doc 436/7778).

`storage` decides what the credential's holder may do.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from local.simulator.storage_errors import (
    RequestExpiredError,
    access_denied,
    clock_too_skewed,
    signature_mismatch,
    unknown_access_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.simulator.credentials import TemporaryCredential
    from local.simulator.storage_request import StorageRequest

    FindCredential = Callable[[str], TemporaryCredential | None]


class Verifier(Protocol):
    """One authorization scheme."""

    def __call__(
        self, request: StorageRequest, *, find_credential: FindCredential, now: float
    ) -> TemporaryCredential:
        """Return the credential that signed the request, as of `now` in Unix seconds.

        Raises:
            StorageError: 403, the request is not validly signed.

        """


PREFIX = "q-sign-algorithm="
_TIME_SPAN = re.compile(r"([0-9]{10});([0-9]{10})")
_SKEW_SECONDS = 900


def verify_cos_authorization(
    request: StorageRequest, *, find_credential: FindCredential, now: float
) -> TemporaryCredential:
    """Return the credential that signed the request.

    Raises:
        StorageError: 403, with COS's code for what is wrong.

    """
    fields = dict(field.partition("=")[::2] for field in request.headers.get("authorization", "").split("&"))
    credential = find_credential(fields.get("q-ak", ""))
    if credential is None:
        raise unknown_access_key()
    check_times(fields, credential, now)
    if not hmac.compare_digest(
        request.headers.get("x-cos-security-token", "").encode(), credential.token.encode()
    ):
        raise access_denied("The security token does not belong to the key.")
    expected = (
        cos_signature(request, fields, secret_key=credential.secret_key, host=host) for host in request.hosts
    )
    given = fields.get("q-signature", "").encode()
    if fields.get("q-sign-algorithm") != "sha1" or not any(
        hmac.compare_digest(given, signature.encode()) for signature in expected
    ):
        raise signature_mismatch()
    return credential


def cos_signature(request: StorageRequest, fields: dict[str, str], *, secret_key: str, host: str) -> str:
    """Compute the hex signature over what the Authorization header lists as signed."""
    parameters: dict[str, str] = {}
    for name, value in request.query:
        parameters.setdefault(_encode(name).lower(), _encode(value))
    # A header without a value may be lost on the way; the SDK signs it as empty.
    headers = {_encode(name): _encode(value) for name, value in {**request.headers, "host": host}.items()}
    http_string = "\n".join(
        (
            request.method.lower(),
            request.path,
            _listed(fields.get("q-url-param-list", ""), parameters),
            _listed(fields.get("q-header-list", ""), headers),
            "",
        )
    )
    digest = hashlib.sha1(http_string.encode(), usedforsecurity=False).hexdigest()
    string_to_sign = f"sha1\n{fields.get('q-sign-time', '')}\n{digest}\n"
    sign_key = _hex_hmac(secret_key, fields.get("q-key-time", ""))
    return _hex_hmac(sign_key, string_to_sign)


def check_times(fields: Mapping[str, str], credential: TemporaryCredential, now: float) -> None:
    """Check `q-sign-time`, `q-key-time` and the credential's own end.

    Raises:
        StorageError: 403: a time is over, unreadable, or too far ahead.

    """
    for name in ("q-sign-time", "q-key-time"):
        span = _TIME_SPAN.fullmatch(fields.get(name, ""))
        if span is None:
            raise access_denied("The signing time cannot be read.")
        if int(span[2]) < now:
            raise RequestExpiredError
        if int(span[1]) > now + _SKEW_SECONDS:
            raise clock_too_skewed()
    if credential.expires_at < now:
        raise RequestExpiredError


def _listed(names: str, values: dict[str, str]) -> str:
    return "&".join(f"{name}={values.get(name, '')}" for name in sorted(filter(None, names.split(";"))))


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _hex_hmac(key: str, message: str) -> str:
    return hmac.new(key.encode(), message.encode(), hashlib.sha1).hexdigest()
