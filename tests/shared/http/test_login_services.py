"""Tokens in the form of the big login services, under the settings that docs/deployment.md gives for each."""

from __future__ import annotations

import re

import pytest

from local.repository import REPOSITORY
from tests.shared.http.test_authentication import CLAIMS, caller, hs256, is_refused

COGNITO, KEYCLOAK = (
    "https://cognito-idp.ap-northeast-2.amazonaws.com/pool",
    "https://sso.example.com/realms/r",
)
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


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://sso.example.com/realms/r", "typ": "Bearer", "azp": "web"},
        {"token_type": "access", "jti": "a", "user_id": 7},
        {"iss": "https://app/api/login", "sub": 42, "jti": "J"},
    ],
    ids=["lightweight token of Keycloak", "Simple JWT of Django", "numeric user id of Laravel"],
)
def test_token_without_a_user_as_text_is_refused(claims: dict[str, object]) -> None:
    """No other claim than `sub` names the user, and a number is no text."""
    assert is_refused(hs256({"exp": CLAIMS["exp"], **claims}))
