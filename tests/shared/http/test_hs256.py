from __future__ import annotations

import hmac
import string
from typing import Any

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.config.settings import CallerSettings, load_settings
from shared.http.authentication import token_checks
from shared.http.hs256 import read_token
from shared.http.token_claims import is_user_id
from tests.keys import public_pem, rsa_key
from tests.shared.http.test_authentication import SECRET, handmade, part

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["login", "app", "web", "other"])
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "sub": st.text(max_size=8) | JSON,
        "exp": st.integers(0, 2**40) | JSON,
        "iss": NAMES | JSON,
        "aud": NAMES | st.lists(NAMES, max_size=3) | JSON,
        "jti": st.text(max_size=5) | JSON,
        "iat": JSON,
        "role": JSON,
    },
)
HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from(["HS256", "HS256", "HS256", "none", "HS512", "RS256", "hs256"])},
    optional={
        "typ": st.just("JWT"),
        "kid": st.text(max_size=5),
        "crit": st.just(["b64"]),
        "b64": st.booleans(),
    },
)
WHOM = st.sampled_from([(None, None), ("login", None), (None, "app"), ("login", "app")])


OF_TIME = {"expired", "not_yet_valid", "exp_invalid", "nbf_invalid", "iat_invalid"}


def by_us(
    text: str, issuer: str | None = None, audience: str | None = None, *, secret: str = SECRET
) -> dict[str, Any] | None:
    """Return the claims of a token that passes every check but those of its times."""
    settings = load_settings(
        CallerSettings,
        {"JWT_SECRETS": SECRET, "JWT_ISSUER": issuer or "", "JWT_AUDIENCE": audience or ""},
    )
    # A setting cannot hold every secret that a test generates: it is a list, and blanks do not count.
    settings = CallerSettings(**{**vars(settings), "jwt_secrets": (secret,)})
    token = read_token(text)
    if token is None:
        return None
    problems = {problem for _, problem in token_checks(token, settings, now=0)}
    return None if problems - OF_TIME - {""} else token.claims


def by_pyjwt(token: str, issuer: str | None, audience: str | None) -> dict[str, Any] | None:
    """Decode the token with PyJWT, under the same rules."""
    needs = {"require": ["exp", "sub"]}
    later = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    options: Any = {**needs, **later}
    try:
        return jwt.decode(
            token, SECRET, algorithms=["HS256"], issuer=issuer, audience=audience, options=options
        )
    except jwt.PyJWTError:
        return None


@given(claims=CLAIMS, whom=WHOM)
@example({"sub": "alice", "exp": 1, "aud": ["app", 1]}, (None, "app"))
@example({"sub": "alice", "exp": 1, "aud": "app", "iss": "login"}, ("login", "app"))
@example({"sub": "alice", "exp": 1, "aud": []}, (None, "app"))
def test_genuine_token_is_read_as_by_pyjwt(
    claims: dict[str, Any], whom: tuple[str | None, str | None]
) -> None:
    """What our secret has signed counts with the same claims, or is refused by both.

    But for a `sub` that no user id may be, and an `aud` without a name in it where none is expected.
    """
    token = handmade({"alg": "HS256", "typ": "JWT"}, claims)
    read = by_pyjwt(token, *whom)
    if read is not None and (not is_user_id(read["sub"]) or (whom[1] is None and "aud" in read)):
        read = None

    assert by_us(token, *whom) == read


@given(header=HEADERS, claims=CLAIMS, cut=st.integers(0, 400), put=st.characters(max_codepoint=127))
def test_token_that_pyjwt_refuses_is_refused(
    header: dict[str, Any], claims: dict[str, Any], cut: int, put: str
) -> None:
    """Other algorithms, headers with more in them, and a character changed anywhere."""
    whole = handmade(header, {"sub": "alice", "exp": 1, **claims})
    for token in (whole, whole[:cut] + put + whole[cut + 1 :], whole[:cut]):
        if (read := by_us(token)) is not None:
            assert read == by_pyjwt(token, None, None)


@given(
    user=st.text(max_size=20).filter(is_user_id),
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=32),
)
def test_token_made_by_pyjwt_is_taken(user: str, secret: str) -> None:
    """What the usual libraries make, with any secret that is none of another kind of key."""
    token = jwt.encode({"sub": user, "exp": 5}, secret, algorithm="HS256")

    assert by_us(token, secret=secret) == {"sub": user, "exp": 5}
    assert by_us(token, secret=secret + "x") is None


def test_signature_has_one_spelling() -> None:
    """The last two bits of Base64 for 32 bytes are unused; no other ones than zeros pass, as with PyJWT."""
    token = handmade({"alg": "HS256"}, {"sub": "alice", "exp": 5})
    spellings = [token[:-1] + last for last in string.ascii_letters + string.digits + "-_"]

    assert [spelling for spelling in spellings if by_us(spelling)] == [token]


@pytest.mark.parametrize("secret", [public_pem(rsa_key()), "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDp"])
def test_public_key_is_no_secret(secret: str) -> None:
    """A public key as an HS256 secret is refused, because everybody could sign with it."""
    token = handmade({"alg": "HS256"}, {"sub": "alice", "exp": 5}, secret=secret)

    assert by_us(token, secret=secret) is None


def test_part_of_impossible_length_is_refused() -> None:
    """Five characters of Base64 are no bytes; signed as they stand, they are still nothing."""
    for text in ("abcde." + part({"sub": "alice", "exp": 5}), part({"alg": "HS256"}) + ".abcde"):
        token = f"{text}.{part(hmac.digest(SECRET.encode(), text.encode(), 'sha256'))}"

        assert by_us(token) is None
