"""Several issuers in one deployment: which presets there are, and what is wrong with an entry."""

from __future__ import annotations

import json
import re

import pytest

from local.repository import REPOSITORY
from shared.config.issuers import PRESETS
from shared.config.settings import CallerSettings, UploadSignatureSettings, load_settings
from shared.errors import ConfigurationError
from tests.functions.deployment import environment

SECRET = "a secret of a login service for tests"
KEYS = "https://login.example.test/keys"
LOGIN = {"issuer": "https://login.example.test", "jwksUrl": KEYS}
TENANTS = {
    "auth0": "dev-x.eu.auth0.com",
    "azure": "6f1c0000-0000-0000-0000-000000000000",
    "clerk": "clerk.example.com",
    "cognito": "ap-northeast-2_AbCdEf",
    "firebase": "my-project",
    "keycloak": "sso.example.com/realms/r",
    "supabase": "ref",
}
GOOGLE = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
MICROSOFT = f"https://login.microsoftonline.com/{TENANTS['azure']}"
FILLED_IN = {
    "auth0": ("https://dev-x.eu.auth0.com/", "https://dev-x.eu.auth0.com/.well-known/jwks.json", "aud"),
    "azure": (f"{MICROSOFT}/v2.0", f"{MICROSOFT}/discovery/v2.0/keys", "aud"),
    "clerk": ("https://clerk.example.com", "https://clerk.example.com/.well-known/jwks.json", "azp"),
    "cognito": (
        "https://cognito-idp.ap-northeast-2.amazonaws.com/ap-northeast-2_AbCdEf",
        "https://cognito-idp.ap-northeast-2.amazonaws.com/ap-northeast-2_AbCdEf/.well-known/jwks.json",
        "client_id",
    ),
    "firebase": ("https://securetoken.google.com/my-project", GOOGLE, "aud"),
    "keycloak": (
        "https://sso.example.com/realms/r",
        "https://sso.example.com/realms/r/protocol/openid-connect/certs",
        "azp",
    ),
    "supabase": (
        "https://ref.supabase.co/auth/v1",
        "https://ref.supabase.co/auth/v1/.well-known/jwks.json",
        "aud",
    ),
}


def read(*entries: object, **variables: str) -> tuple[CallerSettings, ...]:
    """Load the settings of callers with these issuers."""
    return load_settings(CallerSettings, {"JWT_ISSUERS": json.dumps(entries), **variables}).issuers


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_fills_in_what_the_login_service_documents(preset: str) -> None:
    """Issuer, key set and the claim of the audience; whoever knows the tenant knows the rest."""
    (issuer,) = read({"preset": preset, "tenant": TENANTS[preset], "audience": ["web", "app"]})

    assert (issuer.jwt_issuer, issuer.jwt_jwks_url, issuer.jwt_audience_claim) == FILLED_IN[preset]
    assert issuer.jwt_audience == ("web", "app")
    assert issuer.issuers == ()


@pytest.mark.parametrize(("preset", "audience"), [("firebase", "my-project"), ("supabase", "authenticated")])
def test_preset_knows_the_audience_where_the_login_service_has_one(preset: str, audience: str) -> None:
    """It is the project, or the word that stands in every token of the service."""
    assert read({"preset": preset, "tenant": TENANTS[preset]})[0].jwt_audience == (audience,)


def test_members_of_an_entry_come_before_its_preset_and_the_settings_beside_it() -> None:
    """A project that signs with HS256 gives its secret, and needs no key set then."""
    supabase = {"preset": "supabase", "tenant": "ref", "secrets": [SECRET], "userClaim": "user_id"}
    first, second = read(supabase, LOGIN, JWT_AUDIENCE="app", JWT_USER_CLAIM="uid")

    assert (first.jwt_secrets, first.jwt_jwks_url, first.jwt_audience) == (
        (SECRET,),
        None,
        ("authenticated",),
    )
    assert (second.jwt_secrets, second.jwt_jwks_url, second.jwt_audience) == ((), KEYS, ("app",))
    assert (first.jwt_user_claim, second.jwt_user_claim) == ("user_id", "uid")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"issuers": "x"}, "there is no member 'issuers'"),
        ({"issuer": ""}, "issuer must be a text, or a list of texts"),
        ({"issuer": 7}, "issuer must be a text, or a list of texts"),
        ({**LOGIN, "audience": []}, "audience must be a text, or a list of texts"),
        ({"issuer": ["https://a", "https://b"]}, "issuer must be one text"),
        ({**LOGIN, "audience": ["a,b"]}, "audience must have no comma"),
        ({"jwksUrl": KEYS}, "needs an issuer, or a preset with a tenant"),
        ({"preset": "okta", "tenant": "x"}, "there is no preset of this name: there are auth0, azure, clerk"),
        ({"preset": "auth0"}, "needs the tenant of its preset, without https://"),
        ({"preset": "auth0", "tenant": "a b"}, "needs the tenant of its preset, without https://"),
        (
            {"preset": "auth0", "tenant": "dev-x"},
            "needs the tenant of its preset, without https://, such as dev-",
        ),
        ({"preset": "auth0", "tenant": "dev-x.auth0.com/"}, "needs the tenant of its preset"),
        (
            {"preset": "azure", "tenant": "common"},
            "needs the tenant of its preset, without https://, such as the",
        ),
        ({"preset": "azure", "tenant": "contoso.onmicrosoft.com"}, "needs the tenant of its preset"),
        ({"preset": "cognito", "tenant": "AbCdEf"}, "needs the tenant of its preset"),
        ({"preset": "keycloak", "tenant": "sso.example.com"}, "needs the tenant of its preset"),
        ({"preset": "supabase", "tenant": "ref.supabase.co"}, "needs the tenant of its preset"),
        (
            {"preset": "auth0", "tenant": "dev-x.auth0.com"},
            "needs an audience: the tokens of its preset name one",
        ),
        ({"preset": "azure", "tenant": TENANTS["azure"]}, "needs an audience"),
        ({"preset": "cognito", "tenant": "a_B", "audienceClaim": "aud"}, "needs an audience"),
        ({"preset": "clerk", "tenant": "a.example"}, "JWT_AUDIENCE_CLAIM: needs JWT_AUDIENCE"),
        ({"issuer": "x"}, "JWT_JWKS_URL: set exactly one of"),
        ({**LOGIN, "secrets": SECRET}, "JWT_JWKS_URL: set exactly one of"),
        ({**LOGIN, "jwksUrl": "http://login.example.test"}, "JWT_JWKS_URL: must be an https URL"),
        ({"issuer": "x", "secrets": ["short"]}, "JWT_SECRETS.0: String should have at least 32"),
    ],
    ids=str,
)
def test_entry_that_cannot_work_is_refused_by_its_number(entry: dict[str, object], told: str) -> None:
    """Before a deployment, with all that is wrong in the others, and without a value."""
    with pytest.raises(ConfigurationError) as caught:
        read({**LOGIN, "issuer": "first"}, entry, {**LOGIN, "issuer": "first"})

    assert f"JWT_ISSUERS.1: {told}" in str(caught.value)
    assert "JWT_ISSUERS.2: has the issuer of another entry" in str(caught.value)
    assert "short" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[7]", json.dumps([LOGIN] * 9)])
def test_text_that_is_no_list_of_issuers_is_refused(text: str) -> None:
    """At most eight objects in a JSON list."""
    with pytest.raises(ConfigurationError, match="JWT_ISSUERS"):
        load_settings(CallerSettings, {"JWT_ISSUERS": text})


def test_key_of_an_issuer_serves_nothing_else() -> None:
    """As that of a single one."""
    variables = {**environment("redis://host"), "JWT_SECRETS": "", "CONTEXT_KEYS": SECRET}
    variables["JWT_ISSUERS"] = json.dumps([{"issuer": "x", "secrets": [SECRET]}])

    with pytest.raises(ConfigurationError, match="JWT_SECRETS: has a key that CONTEXT_KEYS has too"):
        load_settings(UploadSignatureSettings, variables)


def test_page_explains_every_preset() -> None:
    """The table of docs/deployment.md names what there is."""
    page = (REPOSITORY / "docs/deployment.md").read_text("utf-8")
    table = page.partition("| Preset | `tenant` |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(PRESETS)
