"""Verify a POST Object that is authorized by its form's policy (doc 436/14690)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from local.simulator.cos_authorization import check_times
from local.simulator.storage_errors import StorageError, access_denied, signature_mismatch, unknown_access_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.simulator.cos_authorization import FindCredential
    from local.simulator.credentials import TemporaryCredential

_SIGNED = ("q-sign-algorithm", "q-ak", "q-sign-time")


@dataclass(frozen=True)
class PostPolicy:
    """What a policy demands of the form; sizes in bytes."""

    expires_at: float
    exact: Mapping[str, str]
    prefixes: tuple[tuple[str, str], ...]
    smallest: int
    largest: int

    def check_size(self, size: int) -> None:
        """Refuse a file outside of `content-length-range`.

        Raises:
            StorageError: EntityTooSmall or EntityTooLarge.

        """
        if size < self.smallest:
            raise StorageError(400, "EntityTooSmall", "The file is smaller than the policy allows.")
        if size > self.largest:
            raise StorageError(400, "EntityTooLarge", "The file is larger than the policy allows.")


def verify_post_policy(
    fields: Mapping[str, str], *, find_credential: FindCredential, now: float
) -> tuple[TemporaryCredential, PostPolicy]:
    """Return the credential that signed the form's policy, and the policy.

    Raises:
        StorageError: 403 with COS's code for what is wrong; 400: the policy cannot be read.

    """
    credential = find_credential(fields.get("q-ak", ""))
    if credential is None:
        raise unknown_access_key()
    text = _decoded(fields.get("policy", ""))
    policy = _read(text)
    signed = {"q-sign-time": policy.exact.get("q-sign-time", ""), "q-key-time": fields.get("q-key-time", "")}
    check_times(signed, credential, now)
    if not hmac.compare_digest(fields.get("x-cos-security-token", "").encode(), credential.token.encode()):
        raise access_denied("The security token does not belong to the key.")
    expected = post_signature(text, key_time=fields.get("q-key-time", ""), secret_key=credential.secret_key)
    if not hmac.compare_digest(fields.get("q-signature", "").encode(), expected.encode()):
        raise signature_mismatch()
    if policy.expires_at < now or not _holds(policy, fields):
        raise access_denied("The form does not satisfy the conditions of its policy.")
    return credential, policy


def post_signature(policy: bytes, *, key_time: str, secret_key: str) -> str:
    """Compute the hex signature of a policy's JSON text."""
    sign_key = hmac.new(secret_key.encode(), key_time.encode(), hashlib.sha1).hexdigest()
    digest = hashlib.sha1(policy, usedforsecurity=False).hexdigest()
    return hmac.new(sign_key.encode(), digest.encode(), hashlib.sha1).hexdigest()


def _holds(policy: PostPolicy, fields: Mapping[str, str]) -> bool:
    given = {"q-sign-time": policy.exact.get("q-sign-time", ""), **fields}
    return (
        all(name in policy.exact for name in _SIGNED)
        and all(given.get(name) == value for name, value in policy.exact.items() if name != "bucket")
        and all(given.get(name, "").startswith(prefix) for name, prefix in policy.prefixes)
    )


def _decoded(policy: str) -> bytes:
    try:
        return base64.b64decode(policy, validate=True)
    except binascii.Error:
        raise _unreadable() from None


def _read(text: bytes) -> PostPolicy:
    exact: dict[str, str] = {}
    prefixes: list[tuple[str, str]] = []
    smallest, largest = 0, 5 * 1024**3
    try:
        document = json.loads(text)
        expiration = datetime.fromisoformat(document["expiration"].replace("Z", "+00:00"))
        for condition in document["conditions"]:
            if isinstance(condition, dict):
                exact.update({str(name).lower(): str(value) for name, value in condition.items()})
                continue
            kind, first, second = condition
            if kind == "content-length-range":
                smallest, largest = int(first), int(second)
            elif kind == "starts-with":
                prefixes.append((first.removeprefix("$").lower(), second))
            else:
                exact[first.removeprefix("$").lower()] = str(second)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _unreadable() from None
    at = expiration if expiration.tzinfo else expiration.replace(tzinfo=timezone.utc)
    return PostPolicy(at.timestamp(), exact, tuple(prefixes), smallest, largest)


def _unreadable() -> StorageError:
    return StorageError(400, "InvalidPolicyDocument", "The policy of the form cannot be read.")
