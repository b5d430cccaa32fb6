"""Authenticate the caller: by the end user's JWT, or in a trial without tokens by the client's network.

A deployment has one kind of key, and so one family of algorithms (RFC 8725, section 3.1).
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.addresses import networks_of
from shared.errors import UnauthenticatedError
from shared.http.hs256 import is_signed_with, read_token
from shared.http.token_claims import claim_checks, named_user
from shared.invocation_log import note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.config.settings import CallerSettings
    from shared.http.hs256 import Token
    from shared.http.jwks import KeySet

MAX_TOKEN_LENGTH = 8192
_SYMMETRIC = ("HS256",)
_ASYMMETRIC = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Verified with a public key, whose type says which of them it may verify."""
_REFUSAL = "Send a valid user token as Authorization: Bearer <JWT>."


class Caller(NamedTuple):
    """An end user: his id, the IP address of the request ("" if unknown), and all claims of the token."""

    user_id: str
    address: str = ""
    claims: Mapping[str, object] = MappingProxyType({})

    def __repr__(self) -> str:
        """Show no claims."""
        return f"Caller({self.user_id!r}, {self.address!r})"


def authenticate(
    headers: Mapping[str, str], settings: CallerSettings, *, now: int, client_address: str = ""
) -> Caller:
    """Verify the credentials of a request; `headers` have lower-case names, `now` is in Unix seconds.

    `client_address` is the address that the platform reports; with AUTH_MODE=anonymous nothing else counts.
    The check that a token fails is noted for the log of the invocation, as `tokenProblem`.

    Raises:
        UnauthenticatedError: no token, or an invalid one (the message never says which check failed); or no
            address, with AUTH_MODE=anonymous.
        KeysUnavailableError: the keys could not be fetched.

    """
    if settings.auth_mode == "anonymous":
        return _anonymous(client_address, key=str(settings.anonymous_key))
    scheme, _, text = headers.get("authorization", "").partition(" ")
    token = read_bearer_token(text if scheme.lower() == "bearer" else "")
    for _check, problem in token_checks(token, settings, now=now):
        if problem:
            raise _refused(problem)
    user = named_user(token.claims, issuer_settings(token, settings) or settings)
    return Caller(str(user), client_address, token.claims)


def issuer_settings(token: Token, settings: CallerSettings) -> CallerSettings | None:
    """Return the settings of the token's issuer, of those in JWT_ISSUERS; None if it is none of them."""
    if not settings.issuers:
        return settings
    issuer = token.claims.get("iss")
    return next((it for it in settings.issuers if it.jwt_issuer == issuer), None)


def read_bearer_token(text: str) -> Token:
    """Read the token of an Authorization header, without the scheme.

    Raises:
        UnauthenticatedError: there is none, or it is too long or no JWT.

    """
    text = text.strip()
    if not 0 < len(text) <= MAX_TOKEN_LENGTH:
        raise _refused("too_long" if text else "no_token")
    token = read_token(text)
    if token is None:
        raise _refused("malformed")
    return token


def token_checks(token: Token, settings: CallerSettings, *, now: int) -> Iterator[tuple[str, str]]:
    """Run every check of a token and yield its name and the word for what is wrong, "" if it passes.

    Only a token that passes all of them is valid. docs/operations.md lists the words.

    Raises:
        KeysUnavailableError: the keys could not be fetched.

    """
    chosen = issuer_settings(token, settings)
    if chosen is None:
        yield "iss", "iss_missing" if token.claims.get("iss") is None else "iss_mismatch"
    else:
        yield "signature", _signature_problem(token, chosen, now=now)
        yield from claim_checks(token.claims, chosen, now=now)


def _refused(problem: str) -> UnauthenticatedError:
    note(tokenProblem=problem)
    return UnauthenticatedError(_REFUSAL, problem=problem)


def _anonymous(address: str, *, key: str) -> Caller:
    """Derive a pseudonymous user id from the client's network (keyed HMAC)."""
    networks = networks_of(address)
    if not networks:
        raise UnauthenticatedError("Nobody can be told from another here: the platform gave no address.")
    user_id = "anonymous-" + hmac.digest(key.encode(), networks[0].encode(), "sha256").hex()[:24]
    return Caller(user_id, address)


def _signature_problem(token: Token, settings: CallerSettings, *, now: int) -> str:
    algorithm = token.header.get("alg")
    accepted = _SYMMETRIC if settings.jwt_secrets else _ASYMMETRIC
    if algorithm not in accepted:
        return "wrong_algorithm"
    if token.header.keys() & {"crit", "b64"}:
        return "unsupported_header"
    if settings.jwt_secrets:
        is_genuine = any(is_signed_with(secret, token) for secret in settings.jwt_secrets)
        return "" if is_genuine else "bad_signature"
    return _key_pair_problem(token, settings, str(algorithm), now=now)


def _key_pair_problem(token: Token, settings: CallerSettings, algorithm: str, *, now: int) -> str:
    if settings.jwt_public_keys:
        is_genuine = any(_is_signed_by(key, token, algorithm) for key in settings.jwt_public_keys)
        return "" if is_genuine else "bad_signature"
    # A token without a key id is refused instead of tried with every key.
    key_id = token.header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        return "no_key_id"
    found = _key_set(str(settings.jwt_jwks_url)).find(key_id, now=now)
    if found is None:
        return "unknown_key"
    if algorithm not in found.algorithms:
        return "wrong_algorithm"
    return "" if _is_signed_by(found.key, token, algorithm) else "bad_signature"


def _is_signed_by(key: Any, token: Token, algorithm: str) -> bool:  # noqa: ANN401 -- PEM, or cryptography's own
    import jwt  # noqa: PLC0415 -- a deployment with shared secrets does without, see shared.http.hs256

    try:
        jwt.PyJWS().decode(token.text, key, algorithms=[algorithm])
    except (jwt.PyJWTError, TypeError):
        # TypeError: the algorithm is another key type's.
        return False
    return True


@lru_cache(maxsize=8)
def _key_set(url: str) -> KeySet:
    """Return the process's one key set at this URL, which caches the keys."""
    from shared.http.jwks import KeySet  # noqa: PLC0415 -- only a deployment with such a URL pays for it

    return KeySet(url)
