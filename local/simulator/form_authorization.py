"""The server API's older request signature, HmacSHA1 and HmacSHA256 over a form (266/31757).

`vod-node-sdk` sends it; every value is a text, and lists and objects are names with points.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from local.simulator.tc3_authorization import ApiError, check_credential

if TYPE_CHECKING:
    from collections.abc import Mapping

FORM_TYPE = "application/x-www-form-urlencoded"
_COMMON = frozenset(
    {
        "Action",
        "Version",
        "Nonce",
        "Timestamp",
        "SecretId",
        "Signature",
        "SignatureMethod",
        "Region",
        "Token",
        "Language",
        "RequestClient",
    }
)
_DIGESTS = {"": "sha1", "HmacSHA1": "sha1", "HmacSHA256": "sha256"}
_DEEPEST = 8
_MOST_FIELDS = 2000


def read_form(body: bytes) -> dict[str, str]:
    """Parse the fields of a body.

    Raises:
        ApiError: InvalidParameter: it is no form.

    """
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise ApiError("InvalidParameter", "The body is not a form.") from None


def verify_form(
    fields: Mapping[str, str], *, host: str, keys: Mapping[str, tuple[str, str]], now: float
) -> None:
    """Verify a `POST /`; `keys` is SecretId → (SecretKey, token or ""), `host` as the client named it.

    Raises:
        ApiError: AuthFailure.*, with the official codes.

    """
    digest = _DIGESTS.get(fields.get("SignatureMethod", ""))
    if digest is None:
        raise ApiError("AuthFailure.InvalidAuthorization", "SignatureMethod is HmacSHA1 or HmacSHA256.")
    secret_key = check_credential(
        fields.get("SecretId", ""),
        timestamp=fields.get("Timestamp", ""),
        token=fields.get("Token", ""),
        keys=keys,
        now=now,
    )
    expected = form_signature(fields, host=host, secret_key=secret_key, digest=digest)
    if not hmac.compare_digest(expected.encode(), fields.get("Signature", "").encode()):
        raise ApiError("AuthFailure.SignatureFailure", "The provided signature is not the calculated one.")


def form_signature(fields: Mapping[str, str], *, host: str, secret_key: str, digest: str) -> str:
    """Compute the signature of a `POST /` in Base64."""
    signed = sorted((name.replace("_", "."), value) for name, value in fields.items() if name != "Signature")
    text = f"POST{host}/?" + "&".join(f"{name}={value}" for name, value in signed)
    return base64.b64encode(hmac.digest(secret_key.encode(), text.encode(), digest)).decode()


def form_parameters(fields: Mapping[str, str]) -> dict[str, object]:
    """Build the action's parameters: `FileIds.0=7` is a list, `Sort.Order=Asc` an object.

    Raises:
        ApiError: InvalidParameter: a name is nested too deeply, or is a text and an object at once.

    """
    tree: dict[str, object] = {}
    for name, value in fields.items():
        *outer, last = name.split(".")
        if name in _COMMON:
            continue
        place = tree
        for part in outer:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict) or len(outer) > _DEEPEST:
                raise ApiError("InvalidParameter", f"The parameter `{name[:64]}` makes no sense.")
            place = inner
        place[last] = value
    return {name: _with_lists(value) for name, value in tree.items()}


def _with_lists(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if all(re.fullmatch(r"[0-9]{1,4}", name) for name in value):
        return [_with_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _with_lists(member) for name, member in value.items()}
