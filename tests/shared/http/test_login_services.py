"""Tokens in the form of the big login services, under the settings that docs/deployment.md gives for each."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING

import jwt
import pytest

from local.repository import REPOSITORY
from shared.domain.policy import grant_for
from shared.http.authentication import authenticate
from shared.schema.signature_request import read_signature_request
from tests.keys import public_pem, rsa_key
from tests.shared.http.test_authentication import CLAIMS, NOW, caller, hs256, is_refused, settings
from tests.shared.policies import read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

COGNITO = "https://cognito-idp.ap-northeast-2.amazonaws.com/pool"
KEYCLOAK = "https://sso.example.com/realms/r"
AUTH0_AUDIENCES = ["https://api.example.com", "https://dev-x.eu.auth0.com/userinfo"]
CLERK_APP, SUPABASE = "https://app.example.com", "authenticated"
SERVICES: dict[str, tuple[str, dict[str, object], str, str]] = {
    "Amazon Cognito, access": (
        COGNITO,
        {"client_id": "app1", "token_use": "access", "cognito:groups": ["teachers"]},
        "app1",
        "client_id",
    ),
    "Amazon Cognito, ID": (COGNITO, {"aud": "app1", "token_use": "id"}, "app1", "aud"),
    "Auth0, access": (
        "https://dev-x.eu.auth0.com/",
        {"aud": AUTH0_AUDIENCES, "azp": "client", "scope": "openid upload:create"},
        AUTH0_AUDIENCES[0],
        "aud",
    ),
    "Firebase, ID": (
        "https://securetoken.google.com/my-project",
        {"aud": "my-project", "user_id": "alice"},
        "my-project",
        "aud",
    ),
    "Keycloak, access": (
        KEYCLOAK,
        {"aud": "account", "typ": "Bearer", "azp": "web", "realm_access": {"roles": ["teacher"]}},
        "web",
        "azp",
    ),
    "Keycloak, access, with an audience mapper": (
        KEYCLOAK,
        {"aud": ["web", "account"], "azp": "web"},
        "web",
        "aud",
    ),
    "Clerk, session": ("https://clerk.example.com", {"azp": CLERK_APP, "v": 2}, CLERK_APP, "azp"),
    "Supabase, access": (
        "https://ref.supabase.co/auth/v1",
        {"aud": SUPABASE, "role": SUPABASE, "is_anonymous": False},
        SUPABASE,
        "aud",
    ),
    "Microsoft Entra, access, v2": (
        "https://login.microsoftonline.com/TENANT/v2.0",
        {"aud": "6f1c", "ver": "2.0"},
        "6f1c",
        "aud",
    ),
}
"""JWT_ISSUER, the claims beside user, expiry and issuer, JWT_AUDIENCE and JWT_AUDIENCE_CLAIM."""


@pytest.mark.parametrize("service", SERVICES)
def test_token_of_a_login_service_is_accepted_by_its_settings_alone(service: str) -> None:
    """One for another app of the same login is not, nor one of another issuer."""
    issuer, claims, audience, claim = SERVICES[service]
    settings = {"JWT_ISSUER": issuer, "JWT_AUDIENCE": f"another,{audience}", "JWT_AUDIENCE_CLAIM": claim}
    token = hs256({**CLAIMS, **claims, "iss": issuer})

    assert caller(token, **settings).user_id == "alice"
    assert is_refused(token, **{**settings, "JWT_AUDIENCE": "another"})
    assert is_refused(token, **{**settings, "JWT_ISSUER": issuer.rstrip("/") + "x"})


def test_page_has_these_services_with_these_claims() -> None:
    """The table of docs/deployment.md and this file name the same services, and the same claim for each."""
    page = (REPOSITORY / "docs/deployment.md").read_text("utf-8")
    table = page.partition("| Login service, token |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if re.match(r"\| [A-Z]", line)]

    assert {row[0]: row[-1].strip("`") for row in rows} == {name: it[3] for name, it in SERVICES.items()}


KEYCLOAK_ROLE = {"realm_access": {"roles": ["teacher"]}, "scope": "openid upload:create"}
POLICIES = {
    "default": {},
    "teacher": {"claims": {"realm_access.roles": ["teacher"]}},
    "uploader": {"claims": {"scope": ["upload:create"]}},
}


def claims_of(token: str, **variables: str) -> Mapping[str, object]:
    """Return the claims of an authenticated caller."""
    return authenticate({"authorization": f"Bearer {token}"}, settings(**variables), now=NOW).claims


@pytest.mark.parametrize("policy", POLICIES)
def test_policy_names_what_a_login_service_says_of_its_users(policy: str) -> None:
    """A role of Keycloak is inside an object, a scope is one word of a text; both are read from the token."""
    policies = {name: read_policy(members) for name, members in POLICIES.items()}
    claims = claims_of(hs256({**CLAIMS, **KEYCLOAK_ROLE}))

    wanted = read_signature_request({"policy": policy})
    assert grant_for(wanted, policies, vod_sub_app_id=None, claims=claims).policy == policy


@pytest.mark.parametrize(
    ("claims", "setting", "user_id", "others"),
    [
        ({"token_type": "access", "jti": "a", "user_id": 7}, "user_id:number", "7", ["sub", "user_id"]),
        ({"token_type": "access", "jti": "a", "user_id": "7"}, "user_id", "7", ["sub", "sub:number"]),
        ({"iss": "https://app/api/login", "sub": 42, "jti": "J"}, "sub:number", "42", ["sub", "jti:x"]),
        ({"sub": "f02e", "cognito:username": "alice"}, "cognito:username", "alice", ["cognito"]),
    ],
    ids=["Simple JWT of Django", "the same with a text", "jwt-auth of Laravel", "user name of Cognito"],
)
def test_user_is_named_by_the_claim_of_the_setting(
    claims: dict[str, object], setting: str, user_id: str, others: list[str]
) -> None:
    """By another claim than `sub`, or by a number, only where the setting says so."""
    token = hs256({"exp": CLAIMS["exp"], **claims})

    assert caller(token, JWT_USER_CLAIM=setting).user_id == user_id
    assert all(is_refused(token, JWT_USER_CLAIM=other) for other in others)


@pytest.mark.parametrize("user", [None, True, 7.0, -7, 10**128, "", [7], {"id": 7}])
def test_number_that_names_no_user_is_refused(user: object) -> None:
    """Only a whole number, from 0 on and of at most 128 digits, counts as a text does."""
    token = hs256({"exp": CLAIMS["exp"], "sub": user})

    assert is_refused(token, JWT_USER_CLAIM="sub:number")


def test_each_issuer_has_its_own_keys_audience_and_user_claim() -> None:
    """A key, an audience or a user's claim of one issuer counts for no other; a third issuer is refused."""
    first = {"issuer": "https://a.test", "secrets": ["a" * 32], "audience": "web", "userClaim": "user_id"}
    second = {"issuer": "https://b.test", "publicKey": public_pem(rsa_key()), "audience": ["app", "tv"]}
    issuers = {"JWT_ISSUERS": json.dumps([first, second])}
    of_first = {"exp": CLAIMS["exp"], "user_id": "alice", "aud": "web", "iss": "https://a.test"}
    of_second = {"exp": CLAIMS["exp"], "sub": "bob", "aud": "tv", "iss": "https://b.test"}
    rs256 = partial(jwt.encode, key=rsa_key(), algorithm="RS256")

    assert caller(hs256(of_first, secret="a" * 32), **issuers).user_id == "alice"
    assert caller(rs256(of_second), **issuers).user_id == "bob"
    for wrong in (
        hs256({**of_first, "iss": "https://b.test"}, secret="a" * 32),
        hs256({**of_first, "iss": "https://c.test"}, secret="a" * 32),
        hs256({**of_first, "iss": ["https://a.test"]}, secret="a" * 32),
        hs256({**of_first, "aud": "app"}, secret="a" * 32),
        hs256({**of_first, "user_id": None, "sub": "alice"}, secret="a" * 32),
        hs256({name: value for name, value in of_first.items() if name != "iss"}, secret="a" * 32),
        rs256({**of_second, "iss": "https://a.test"}),
        rs256({**of_second, "aud": "web"}),
    ):
        assert is_refused(wrong, **issuers)


@pytest.mark.parametrize(("user", "setting"), [(7, "id:number"), ("7", "id")])
def test_one_id_of_two_login_services_is_two_users(user: object, setting: str) -> None:
    """Each where the setting gives it a beginning of its own; nobody without an id gets one by it."""
    shared = {"secrets": ["a" * 32], "userClaim": setting}
    entries = [
        {**shared, "issuer": "https://a.test"},
        {**shared, "issuer": "https://b.test", "userPrefix": "shop:"},
    ]
    issuers = {"JWT_ISSUERS": json.dumps(entries)}
    claims = {"exp": CLAIMS["exp"], "id": user}
    tokens = [hs256({**claims, "iss": f"https://{name}.test"}, secret="a" * 32) for name in ("a", "b")]

    assert [caller(token, **issuers).user_id for token in tokens] == ["7", "shop:7"]
    for nobody in ("", None, "x" * 124):
        token = hs256({**claims, "iss": "https://b.test", "id": nobody}, secret="a" * 32)
        assert is_refused(token, **issuers)


PRESETS: dict[str, tuple[dict[str, str], dict[str, object], dict[str, list[str]]]] = {
    "auth0": (
        {"tenant": "dev-x.eu.auth0.com", "audience": AUTH0_AUDIENCES[0]},
        {"aud": AUTH0_AUDIENCES[:1], "scope": "openid upload:create", "permissions": ["upload:create"]},
        {"scope": ["upload:create"], "permissions": ["upload:create"]},
    ),
    "azure": (
        {"tenant": "6f1c0000-0000-0000-0000-000000000000", "audience": "api://6f1c"},
        {"aud": "api://6f1c", "scp": "Upload.Create User.Read", "roles": ["Uploader.Write"], "ver": "2.0"},
        {"scp": ["Upload.Create"], "roles": ["Uploader.Write"]},
    ),
    "clerk": (
        {"tenant": "clerk.example.com", "audience": CLERK_APP},
        {"azp": CLERK_APP, "o": {"id": "org_1", "rol": "teacher"}, "v": 2},
        {"o.rol": ["teacher"]},
    ),
    "cognito": (
        {"tenant": "ap-northeast-2_AbCdEf", "audience": "app1"},
        {"client_id": "app1", "token_use": "access", "cognito:groups": ["teachers"]},
        {"token_use": ["access"], "cognito:groups": ["teachers"]},
    ),
    "firebase": (
        {"tenant": "my-project"},
        {"aud": "my-project", "user_id": "alice", "role": "teacher"},
        {"role": ["teacher"]},
    ),
    "keycloak": (
        {"tenant": "sso.example.com/realms/r", "audience": "web"},
        {
            **KEYCLOAK_ROLE,
            "aud": ["web", "account"],
            "azp": "web",
            "resource_access": {"web": {"roles": ["up"]}},
        },
        {"realm_access.roles": ["teacher"], "resource_access.web.roles": ["up"], "scope": ["upload:create"]},
    ),
    "supabase": (
        {"tenant": "ref"},
        {"aud": SUPABASE, "role": SUPABASE, "app_metadata": {"provider": "email", "role": "teacher"}},
        {"app_metadata.role": ["teacher"]},
    ),
}
"""What an operator writes, what the login service puts into its tokens, and a policy by it."""


@pytest.mark.parametrize("preset", PRESETS)
def test_token_and_policy_of_a_preset_pass_as_they_come(preset: str) -> None:
    """The key is given here instead of the key set, which is fetched from the login service."""
    written, claims, rules = PRESETS[preset]
    entry = {"preset": preset, **written, "publicKey": public_pem(rsa_key())}
    issuers = {"JWT_ISSUERS": json.dumps([{"issuer": "https://b.test", "secrets": "b" * 32}, entry])}
    (_, issuer) = settings(**issuers).issuers
    token = jwt.encode({**CLAIMS, **claims, "iss": issuer.jwt_issuer}, rsa_key(), algorithm="RS256")

    policies = {"default": read_policy({"claims": rules})}

    assert caller(token, **issuers).user_id == "alice"
    told = claims_of(token, **issuers)
    assert grant_for(read_signature_request({}), policies, vod_sub_app_id=None, claims=told)
    assert is_refused(token, JWT_ISSUERS=json.dumps([{**entry, "audience": "another"}]))
