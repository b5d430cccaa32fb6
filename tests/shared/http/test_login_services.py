"""Tokens in the form of the big login services, under the settings that docs/deployment.md gives for each."""

from __future__ import annotations

import re

import pytest

from local.repository import REPOSITORY
from shared.domain.policy import grant_for
from shared.schema.signature_request import read_signature_request
from tests.shared.http.test_authentication import CLAIMS, caller, hs256, is_refused
from tests.shared.policies import read_policy

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


@pytest.mark.parametrize("policy", POLICIES)
def test_policy_names_what_a_login_service_says_of_its_users(policy: str) -> None:
    """A role of Keycloak is inside an object, a scope is one word of a text; both are read from the token."""
    policies = {name: read_policy(members) for name, members in POLICIES.items()}
    claims = caller(hs256({**CLAIMS, **KEYCLOAK_ROLE})).claims

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
