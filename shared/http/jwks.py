"""The public keys of the app's login service, fetched from its JSON Web Key Set (RFC 7517).

Cached keys survive an outage of the endpoint for some hours, and unknown key ids cannot cause more fetches
than one per COOLDOWN_SECONDS.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt

from shared.errors import InvalidRequestError, KeysUnavailableError
from shared.http.outbound import RefusedAddressError, answer_to, reason_of
from shared.invocation_log import note
from shared.vod.lenient_json import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 2.0
"""For the whole fetch, to the last byte of the body."""
MAX_BYTES = 262_144
FRESH_SECONDS = 300
"""Keys older than this are fetched anew, so that one that was withdrawn ends."""
LAST_GOOD_SECONDS = 21_600
"""Cached keys stay valid for six hours while the endpoint does not answer; then all tokens are refused.

Longer than an outage that anybody lets stand, and than most tokens live.
"""
COOLDOWN_SECONDS = 30
"""The least time between two fetches for unknown key ids; a new key is accepted after it at the latest."""
RETRY_SECONDS = 10
"""The same after a failed fetch, while no keys are cached at all."""

_ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA",),
    "Ed448": ("EdDSA",),
}
"""The algorithms of each key type or curve (RFC 7518, section 3.1; RFC 8037), as with JWT_PUBLIC_KEY."""
_REDIRECTS = range(300, 400)
_LEAST_RSA_BITS = 2048


class _NoKeysError(Exception):
    """An answer without a usable key; the message has the reason, and nothing from the answer."""


_FAILURES = (OSError, http.client.HTTPException, RefusedAddressError, _NoKeysError)
"""The errors of a fetch: no address, no connection, no HTTP, no keys."""


class PublicKey(NamedTuple):
    """A key of the set, as `cryptography` has it, and the algorithms that it may verify."""

    key: Any
    algorithms: tuple[str, ...]


class _Known(NamedTuple):
    """The keys of the last valid answer; `fetched_at` is in Unix seconds."""

    keys: Mapping[str, PublicKey]
    fetched_at: float


class KeySet:
    """A cached key set, shared by all threads of a process; one thread at a time fetches it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known = _Known({}, float("-inf"))
        self._asked_at = float("-inf")
        self._problem = ""
        self._asking = threading.Lock()

    def find(self, key_id: str, *, now: float) -> PublicKey | None:
        """Return the key with this id, or None if the login service has none; `now` is in Unix seconds.

        What is wrong with the key set is noted for the log of the invocation, as `keySetProblem`.

        Raises:
            KeysUnavailableError: the keys cannot be fetched.

        """
        key = self._known.keys.get(key_id)
        age = abs(now - self._known.fetched_at)
        if key is None or age > FRESH_SECONDS:
            # With a valid cached key, do not wait for a fetch by another thread.
            self._ask_anew(now, wait=key is None or age > LAST_GOOD_SECONDS)
        known = self._known
        key, age = known.keys.get(key_id), abs(now - known.fetched_at)
        if age > LAST_GOOD_SECONDS or (key is None and age > FRESH_SECONDS):
            note(keySetProblem=self._problem)
            raise KeysUnavailableError("The keys of the token's issuer are not available now.")
        return key

    def _ask_anew(self, now: float, *, wait: bool) -> None:
        if not self._asking.acquire(blocking=wait):
            return
        try:
            if not self._is_cooling_down(now):
                self._asked_at = now
                self._known = _Known(_keys_in(_fetched(self._url)), now)
        except _FAILURES as error:
            # Cached keys stay valid until they are too old.
            self._problem = str(error) if isinstance(error, _NoKeysError) else reason_of(error)
            note(keySetProblem=self._problem)
        finally:
            self._asking.release()

    def _is_cooling_down(self, now: float) -> bool:
        # `abs`, because the times of two threads differ slightly, and the clock may be set back.
        return abs(now - self._asked_at) < (COOLDOWN_SECONDS if self._known.keys else RETRY_SECONDS)


def _fetched(url: str) -> bytes:
    """Fetch the document, at most MAX_BYTES of it; the login service may be in a private network."""
    request = answer_to(
        "GET",
        url,
        headers={"Accept": "application/jwk-set+json, application/json"},
        tls=ssl.create_default_context(),
        allow_private=True,
        timeout_seconds=TIMEOUT_SECONDS,
    )
    with request as answer:
        if answer.status != http.client.OK:
            is_redirect = answer.status in _REDIRECTS
            raise _NoKeysError(f"HTTP {answer.status}{', and redirects are not followed' * is_redirect}")
        answer.begin()
        body = answer.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise _NoKeysError(f"the answer has more than {MAX_BYTES} bytes")
        if answer.length:
            raise _NoKeysError("the answer is shorter than its Content-Length")
        return body


def _keys_in(body: bytes) -> dict[str, PublicKey]:
    """Read the usable keys: with an id, public, for signatures, of an accepted algorithm."""
    try:
        members = read_object(body.decode("utf-8")).get("keys")
    except (InvalidRequestError, UnicodeDecodeError):
        raise _NoKeysError("the answer is no JSON object") from None
    if not isinstance(members, list):
        raise _NoKeysError("the answer is no key set: it has no list named keys")
    keys: dict[str, PublicKey] = {}
    for member in members:
        key = _usable_key(member)
        if key is not None:
            keys.setdefault(member["kid"], key)
    if not keys:
        raise _NoKeysError(
            f"the key set was fetched, and of its {len(members)} keys none is usable: "
            "RSA of 2048 bits or more, P-256, P-384, P-521 or EdDSA, public, for signatures, with a kid"
        )
    return keys


def _usable_key(member: object) -> PublicKey | None:
    # A published private key (`d`) is compromised.
    if not isinstance(member, dict) or not isinstance(member.get("kid"), str) or "d" in member:
        return None
    algorithms = _ALGORITHMS.get(str(member.get("crv") or member.get("kty")), ())
    if member.get("alg") is not None:
        algorithms = tuple(name for name in algorithms if name == member["alg"])
    if not algorithms:
        return None
    if member.get("use") not in ("sig", None):
        return None
    try:
        key = jwt.PyJWK(member, algorithms[0]).key
    except (jwt.PyJWTError, TypeError, ValueError):
        # TypeError and ValueError: a member is not a string where PyJWT expects one.
        return None
    is_weak = member["kty"] == "RSA" and key.key_size < _LEAST_RSA_BITS
    return None if is_weak else PublicKey(key, algorithms)
