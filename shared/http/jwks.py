"""The public keys of the app's login service, fetched from its JSON Web Key Set (RFC 7517).

Keys that are known outlive the endpoint for a while, and nobody can make us ask it more often than
we like; what is a genuine token is left to `shared.http.authentication`.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jwt

from shared.errors import InvalidRequestError, KeysUnavailableError
from shared.http.outbound import RefusedAddressError, answer_to
from shared.vod.lenient_json import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 2.0
"""For the whole fetch, however slowly the answer drips in."""
MAX_BYTES = 262_144
FRESH_SECONDS = 300
"""Keys older than this are fetched anew, so that one that was withdrawn ends."""
LAST_GOOD_SECONDS = 21_600
"""For six hours known keys count though the endpoint does not answer; then nobody can be told genuine.

Longer than an outage that anybody lets stand, and than most tokens live.
"""
COOLDOWN_SECONDS = 30
"""So long after a fetch no unknown key id leads to another; a new key is accepted after that time."""
RETRY_SECONDS = 10
"""The same after a fetch that failed, as long as no keys are known at all."""

_ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
"""A kind of key -> the one algorithm that such a key is for here, as with JWT_PUBLIC_KEY."""
_LEAST_BITS = {"RS256": 2048, "ES256": 256}


class _NoKeysError(Exception):
    """An answer that is no key set."""


_FAILURES = (
    OSError,
    http.client.HTTPException,
    RefusedAddressError,
    InvalidRequestError,
    UnicodeDecodeError,
    _NoKeysError,
)
"""Whatever can go wrong with a fetch: no name, no connection, no HTTP, no JSON, no keys."""


@dataclass(frozen=True)
class _Known:
    """What the last good answer held; `fetched_at` is in Unix seconds."""

    keys: Mapping[str, jwt.PyJWK]
    fetched_at: float


class KeySet:
    """The keys as last fetched; one for all threads of a process, of which one at a time asks."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known = _Known({}, float("-inf"))
        self._asked_at = float("-inf")
        self._asking = threading.Lock()

    def find(self, key_id: str, *, now: float) -> jwt.PyJWK | None:
        """Give the key of this id, or None if the login service has none; `now` is in Unix seconds.

        Raises:
            KeysUnavailableError: it cannot be known now.

        """
        key = self._known.keys.get(key_id)
        age = abs(now - self._known.fetched_at)
        if key is None or age > FRESH_SECONDS:
            # Who has a key that still counts waits for nobody who asks already.
            self._ask_anew(now, wait=key is None or age > LAST_GOOD_SECONDS)
        known = self._known
        key, age = known.keys.get(key_id), abs(now - known.fetched_at)
        if age > LAST_GOOD_SECONDS or (key is None and age > FRESH_SECONDS):
            raise KeysUnavailableError("The keys of the token's issuer cannot be fetched now.")
        return key

    def _ask_anew(self, now: float, *, wait: bool) -> None:
        if not self._asking.acquire(blocking=wait):
            return
        try:
            if not self._is_cooling_down(now):
                self._asked_at = now
                self._known = _Known(_keys_in(_fetched(self._url)), now)
        except _FAILURES:
            # What was known goes on counting, until it is too old.
            return
        finally:
            self._asking.release()

    def _is_cooling_down(self, now: float) -> bool:
        # Two threads read the clock at slightly different times, and it may be set back.
        return abs(now - self._asked_at) < (COOLDOWN_SECONDS if self._known.keys else RETRY_SECONDS)


def _fetched(url: str) -> bytes:
    """Fetch the document, at most MAX_BYTES of it; the login service may be in our own private network."""
    request = answer_to(
        "GET",
        url,
        headers={"Accept": "application/json"},
        tls=ssl.create_default_context(),
        allow_private=True,
        timeout_seconds=TIMEOUT_SECONDS,
    )
    with request as answer:
        body = answer.read(MAX_BYTES + 1)
        # A rest of the stated length was too much, or never came.
        if answer.status != http.client.OK or len(body) > MAX_BYTES or answer.length:
            raise _NoKeysError
        return body


def _keys_in(body: bytes) -> dict[str, jwt.PyJWK]:
    """Read the usable keys: named, public, for signatures, and of an algorithm that we take."""
    members = read_object(body.decode("utf-8")).get("keys")
    keys: dict[str, jwt.PyJWK] = {}
    for member in members if isinstance(members, list) else ():
        key = _usable_key(member)
        if key is not None:
            keys.setdefault(str(key.key_id), key)
    if not keys:
        raise _NoKeysError
    return keys


def _usable_key(member: object) -> jwt.PyJWK | None:
    # One that comes with its private half is nobody's secret any more.
    if not isinstance(member, dict) or not isinstance(member.get("kid"), str) or "d" in member:
        return None
    algorithm = _ALGORITHMS.get(str(member.get("kty")))
    if algorithm is None or member.get("alg") not in (algorithm, None):
        return None
    if member.get("use") not in ("sig", None):
        return None
    try:
        key = jwt.PyJWK(member, algorithm)
    except (jwt.PyJWTError, TypeError, ValueError):
        # The last two: members that are no text where PyJWT expects some.
        return None
    return key if key.key.key_size >= _LEAST_BITS[algorithm] else None
