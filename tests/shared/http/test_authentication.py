from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
from functools import partial
from typing import TYPE_CHECKING

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.settings import CallerSettings, load_settings
from shared.errors import ConfigurationError, ServiceError, UnauthenticatedError
from shared.http.authentication import Caller, authenticate
from tests.keys import ec_key, key_for, public_pem, rsa_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.keys import PrivateKey

NOW = 1_793_318_400
SECRET = "a secret of the login service for tests"
OLDER = "another secret which is being replaced"
CLAIMS = {"sub": "alice", "exp": NOW + 600}
KNOWN_ANSWER = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6MTc5MzMxOTAwMH0"
    ".hxOlIpTV_440S66PAJXMOECnQpw3ZTvIU72V8zNmx18"
)


def settings(**variables: str) -> CallerSettings:
    """Load caller settings; the two HS256 secrets unless another kind of key is given."""
    kinds = {"JWT_PUBLIC_KEY", "JWT_JWKS_URL", "JWT_ISSUERS"}
    keys = {} if kinds & variables.keys() else {"JWT_SECRETS": f"{SECRET},{OLDER}"}
    return load_settings(CallerSettings, {**keys, **variables})


def caller(token: str, **variables: str) -> Caller:
    """Authenticate a request with this token; the caller without its claims."""
    found = authenticate({"authorization": f"Bearer {token}"}, settings(**variables), now=NOW)
    return Caller(found.user_id, found.address)


def is_refused(token: str, **variables: str) -> bool:
    """Return whether the token is refused, without a reason."""
    with pytest.raises(UnauthenticatedError) as caught:
        caller(token, **variables)
    return str(caught.value) == "Send a valid user token as Authorization: Bearer <JWT>."


def part(content: object) -> str:
    """Encode one part of a token; bytes are used as they are."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def handmade(header: object, claims: object, *, secret: str | bytes = SECRET) -> str:
    """Build a token without any library, so that it may be invalid; bytes are used as they are."""
    signed = f"{part(header)}.{part(claims)}"
    key = secret if isinstance(secret, bytes) else secret.encode()
    return f"{signed}.{part(hmac.digest(key, signed.encode(), hashlib.sha256))}"


hs256 = partial(handmade, {"alg": "HS256"})


class TestSharedSecrets:
    """HS256: the app and this service share the secrets."""

    @pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
    @pytest.mark.parametrize("size", [32, 33, 64])
    def test_secret_may_be_bytes_in_base64(self, encode: Callable[[bytes], bytes], size: int) -> None:
        """As a login service shows it, with or without padding; the text itself is another key."""
        key = bytes(range(256 - size, 256))
        text = encode(key).decode()

        for shown in (text, text.rstrip("=")):
            assert caller(hs256(CLAIMS, secret=key), JWT_SECRETS=f"base64:{shown}") == Caller("alice")
            assert is_refused(hs256(CLAIMS, secret=shown), JWT_SECRETS=f"base64:{shown}")

    @pytest.mark.parametrize("text", ["A" * 42, "A" * 44 + "!", "a b" * 20, "é" * 40])
    def test_secret_that_is_no_base64_or_short_is_refused(self, text: str) -> None:
        """Before a deployment, and not when the first token comes."""
        with pytest.raises(ConfigurationError, match="Base64 of at least 32 bytes"):
            settings(JWT_SECRETS=f"base64:{text}")

    def test_known_token_is_accepted(self) -> None:
        """OpenSSL signed it: printf %s HEADER.CLAIMS | openssl dgst -sha256 -hmac SECRET -binary."""
        assert caller(KNOWN_ANSWER) == Caller("alice")

    @pytest.mark.parametrize("secret", [SECRET, OLDER])
    def test_every_listed_secret_verifies(self, secret: str) -> None:
        """A secret can be replaced while tokens of the older one are still out."""
        assert caller(hs256(CLAIMS, secret=secret)) == Caller("alice")

    def test_other_secrets_do_not(self) -> None:
        """A removed secret no longer verifies."""
        assert is_refused(hs256(CLAIMS, secret="x" * 40))
        assert is_refused(hs256(CLAIMS, secret=OLDER), JWT_SECRETS=SECRET)

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_token_with_one_bit_flipped_is_refused(self, part: int) -> None:
        """Header, claims and signature: none can be changed."""
        parts = hs256(CLAIMS).split(".")
        raw = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
        raw[len(raw) // 2] ^= 1
        parts[part] = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

        assert is_refused(".".join(parts))

    @pytest.mark.parametrize(
        "algorithm", ["none", "None", "", "HS384", "HS512", "RS256", "hs256", None, [], {}, 7]
    )
    def test_only_hs256_counts(self, algorithm: object) -> None:
        """The deployment says which algorithm; the token does not (S02)."""
        assert is_refused(handmade({"alg": algorithm}, CLAIMS))
        assert is_refused(handmade({"alg": algorithm}, CLAIMS).rpartition(".")[0] + ".")


RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
KEY_PAIRS = [*RSA, "ES256", "ES384", "ES512", "EdDSA"]


class TestPublicKeys:
    """Only the login service has the private key."""

    @pytest.mark.parametrize("algorithm", KEY_PAIRS)
    def test_token_of_each_algorithm_is_accepted_by_its_key_alone(self, algorithm: str) -> None:
        """Not by another key of the type, and not by one of any other type."""
        token = jwt.encode(CLAIMS, key_for(algorithm), algorithm=algorithm)
        types = [key_for(it) for it in ("RS256", "ES256", "ES384", "ES512", "EdDSA")]
        others = [key_for(algorithm, "other"), *(key for key in types if key is not key_for(algorithm))]

        assert caller(token, JWT_PUBLIC_KEY=public_pem(key_for(algorithm))) == Caller("alice")
        assert all(is_refused(token, JWT_PUBLIC_KEY=public_pem(key)) for key in others)

    @pytest.mark.parametrize(("key", "algorithm"), [(rsa_key(), "RS256"), (ec_key(), "ES256")])
    def test_tokens_of_both_keys_are_accepted_during_a_rotation(
        self, key: PrivateKey, algorithm: str
    ) -> None:
        """The old and the new one stand behind each other, in either order and of either kind (S40)."""
        token = jwt.encode(CLAIMS, key, algorithm=algorithm)
        pems = [public_pem(rsa_key()), public_pem(ec_key()), public_pem(rsa_key("other"))]

        assert caller(token, JWT_PUBLIC_KEY="".join(pems)) == Caller("alice")
        assert caller(token, JWT_PUBLIC_KEY="".join(reversed(pems))) == Caller("alice")

    @pytest.mark.parametrize(("key", "algorithm"), [(rsa_key("other"), "RS256"), (ec_key("other"), "ES256")])
    @pytest.mark.parametrize("public", [rsa_key(), ec_key()])
    def test_tokens_of_other_keys_are_refused(
        self, key: PrivateKey, algorithm: str, public: PrivateKey
    ) -> None:
        """Keys of the same kind and of the other are refused."""
        assert is_refused(jwt.encode(CLAIMS, key, algorithm=algorithm), JWT_PUBLIC_KEY=public_pem(public))

    @pytest.mark.parametrize("key", [rsa_key(), ec_key()])
    @pytest.mark.parametrize("algorithm", ["HS256", "none", "RS256", "ES256"])
    def test_public_key_is_no_secret(self, key: PrivateKey, algorithm: str) -> None:
        """Who knows the public key can compute an HMAC with it, and gets nowhere (RFC 8725, section 2.1)."""
        pem = public_pem(key)

        for spelling in (pem, pem.strip(), pem.replace("\n", "\\n")):
            assert is_refused(handmade({"alg": algorithm}, CLAIMS, secret=spelling), JWT_PUBLIC_KEY=pem)


GARBAGE = [b"", b"{", b"null", b"[]", b'"x"', b"\xff"]
GARBAGE += [b"[" * 3000, b'{"a":' * 1000, b'{"alg":' + b"9" * 5000 + b"}"]


class TestHeader:
    """The token's header is not trusted."""

    @pytest.mark.parametrize(
        "extra",
        [
            {"jku": "http://127.0.0.1:9/keys.json"},
            {"x5u": "http://127.0.0.1:9/keys.pem"},
            {"x5c": ["AAAA"]},
            {"jwk": {"kty": "oct", "k": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg"}},
            {"kid": "../../etc/passwd"},
            {"typ": 7, "cty": None},
        ],
    )
    def test_keys_it_brings_along_are_ignored(self, extra: dict[str, object]) -> None:
        """A key that the token names does not verify it, and does no harm to a token that is right (S04)."""
        header = {"alg": "HS256", **extra}

        assert caller(handmade(header, CLAIMS)) == Caller("alice")
        assert is_refused(handmade(header, CLAIMS, secret="x" * 32))

    @pytest.mark.parametrize("critical", [["exp"], ["x"], [], "x", 7, {}])
    def test_extension_it_calls_critical_is_refused(self, critical: object) -> None:
        """None is understood here (RFC 7515, section 4.1.11)."""
        assert is_refused(handmade({"alg": "HS256", "crit": critical}, CLAIMS))

    @pytest.mark.parametrize("raw", GARBAGE)
    def test_garbage_is_refused(self, raw: bytes) -> None:
        """What cannot be read is no token, in the header as in the claims."""
        assert is_refused(handmade(raw, CLAIMS))
        assert is_refused(hs256(raw))


NO_USERS: list[object] = ["", "a" * 129, "é" * 65, "a" * 127 + "é", "a\nb", "a\x00", "\x7f", "\ud800"]
NO_USERS += [42, ["alice"], {}, True]


class TestClaims:
    """User, expiry, issuer and audience."""

    @pytest.mark.parametrize("missing", ["sub", "exp"])
    def test_user_and_expiry_are_required(self, missing: str) -> None:
        """A token that never ends, or is nobody's, is none."""
        assert is_refused(hs256({name: value for name, value in CLAIMS.items() if name != missing}))
        assert is_refused(hs256({**CLAIMS, missing: None}))

    @pytest.mark.parametrize(
        ("claim", "accepted", "refused"),
        [
            ("exp", [NOW + 1, NOW - 59, NOW - 59.5], [NOW - 60, -(10**400)]),
            ("nbf", [NOW + 60, NOW - 10**9], [NOW + 61]),
            ("iat", [NOW + 60, 0], [NOW + 61, 10**400]),
        ],
    )
    def test_times_count_with_a_minute_of_leeway(
        self, claim: str, accepted: list[float], refused: list[float]
    ) -> None:
        """Clocks of two machines differ a little; more than a minute is no excuse (S03)."""
        assert all(caller(hs256({**CLAIMS, claim: time})) == Caller("alice") for time in accepted)
        assert all(is_refused(hs256({**CLAIMS, claim: time})) for time in refused)

    @pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1893456000", [NOW], {}])
    def test_what_is_no_instant_is_refused(self, claim: str, value: object) -> None:
        """A NumericDate is a finite number (RFC 7519, section 2)."""
        assert is_refused(hs256({**CLAIMS, claim: value}))

    @pytest.mark.parametrize(
        "user", ["a", "42", "user|google-oauth2|117", "앨리스", "a" * 128, "é" * 64, "a b"]
    )
    def test_user_is_what_sub_says(self, user: str) -> None:
        """Any printable text of up to 128 bytes."""
        assert caller(hs256({**CLAIMS, "sub": user})) == Caller(user)

    @pytest.mark.parametrize("user", NO_USERS)
    def test_user_that_is_no_such_text_is_refused(self, user: object) -> None:
        """Such a text would harm wherever it is shown or kept; 128 bytes of UTF-8 are the most (S08)."""
        assert is_refused(hs256({**CLAIMS, "sub": user}))

    def test_issuer_must_be_the_one_configured(self) -> None:
        """With JWT_ISSUER a token of another login service is worth nothing."""
        assert caller(hs256({**CLAIMS, "iss": "login.example.test"}), JWT_ISSUER="login.example.test")
        others: list[object] = [None, "", "login", "login.example.test.evil", 7, ["login.example.test"], {}]
        for issuer in others:
            assert is_refused(hs256({**CLAIMS, "iss": issuer}), JWT_ISSUER="login.example.test")
        assert is_refused(hs256(CLAIMS), JWT_ISSUER="login.example.test")

    def test_audience_must_include_one_that_is_configured(self) -> None:
        """With JWT_AUDIENCE a token for another service is worth nothing."""
        right: list[object] = ["uploads", "media", ["mail", "uploads"]]
        wrong: list[object] = [None, "", "mail", "uploads,media", [], ["mail"], ["uploads", 7], 7, {}]
        for audience in right:
            token = hs256({**CLAIMS, "aud": audience})
            assert caller(token, JWT_AUDIENCE="uploads, media") == Caller("alice")
        for audience in wrong:
            assert is_refused(hs256({**CLAIMS, "aud": audience}), JWT_AUDIENCE="uploads,media")
        assert is_refused(hs256(CLAIMS), JWT_AUDIENCE="uploads")

    @pytest.mark.parametrize("audience", ["mail", ["mail"], [], "", None])
    def test_token_for_an_audience_is_refused_where_none_is_configured(self, audience: object) -> None:
        """Who does not know his own name is not meant by any (RFC 7519, section 4.1.3)."""
        assert is_refused(hs256({**CLAIMS, "aud": audience}))

    @pytest.mark.parametrize("claim", ["azp", "client_id"])
    def test_audience_is_looked_for_in_another_claim_if_a_setting_says_so(self, claim: str) -> None:
        """Then that claim alone counts, and nothing of it is taken from `aud`."""
        chosen = {"JWT_AUDIENCE": "web", "JWT_AUDIENCE_CLAIM": claim}

        assert caller(hs256({**CLAIMS, claim: "web", "aud": "account"}), **chosen) == Caller("alice")
        assert is_refused(hs256({**CLAIMS, claim: "other", "aud": "web"}), **chosen)
        assert is_refused(hs256({**CLAIMS, "aud": "web"}), **chosen)

    def test_caller_comes_with_all_claims(self) -> None:
        """Policies ask for them; they are no part of what is shown of a caller."""
        headers = {"authorization": f"Bearer {hs256({**CLAIMS, 'role': ['teacher']})}"}
        found = authenticate(headers, settings(), now=NOW)

        assert found.claims["role"] == ["teacher"]
        assert "teacher" not in repr(found)


TWO = ("Bearer {0} {0}", "Bearer {0}, Bearer {0}")


class TestAuthorizationHeader:
    """The only source of a token."""

    @pytest.mark.parametrize("form", ["Bearer {0}", "bearer {0}", "BEARER  {0} "])
    def test_scheme_is_bearer_in_any_case(self, form: str) -> None:
        """As RFC 9110 says of schemes."""
        assert authenticate({"authorization": form.format(hs256(CLAIMS))}, settings(), now=NOW)

    @pytest.mark.parametrize("form", ["", "Bearer", "Bearer ", "{0}", "Basic {0}", *TWO, "Bearer\t{0}"])
    def test_anything_else_is_no_credential(self, form: str) -> None:
        """Any other form of the header, also with two tokens, is refused."""
        for headers in ({"authorization": form.format(hs256(CLAIMS))}, {}):
            with pytest.raises(UnauthenticatedError):
                authenticate(headers, settings(), now=NOW)

    def test_long_token_is_refused_unread(self) -> None:
        """8 KB is far more than a login service needs, and the limit is exact (S07)."""
        fitting = max(n for n in range(5900, 6200) if len(hs256({**CLAIMS, "x": "a" * n})) <= 8192)

        assert caller(hs256({**CLAIMS, "x": "a" * fitting})) == Caller("alice")
        assert is_refused(hs256({**CLAIMS, "x": "a" * (fitting + 1)}))

    @given(st.text(st.characters(exclude_categories=()), max_size=60))
    def test_any_text_leads_to_a_refusal(self, text: str) -> None:
        """Any text leads to 401 and to no other error."""
        with pytest.raises(ServiceError) as caught:
            authenticate({"authorization": text}, settings(), now=NOW)
        assert caught.type is UnauthenticatedError
        assert is_refused(text)
