"""The issuers of JWT_ISSUERS: several login services, each with keys of its own; some are known by a name.

[{"preset": "auth0", "tenant": "dev-x.eu.auth0.com", "audience": ["https://api.example.com"]},
 {"issuer": "https://login.example.com", "publicKey": "-----BEGIN PUBLIC KEY-----…"}]
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

_Settings = TypeVar("_Settings")

_WELL_KNOWN = "{issuer}/.well-known/jwks.json"
PRESETS: Mapping[str, Mapping[str, str]] = {
    "auth0": {"issuer": "https://{tenant}/", "jwksUrl": "https://{tenant}/.well-known/jwks.json"},
    "azure": {
        "issuer": "https://login.microsoftonline.com/{tenant}/v2.0",
        "jwksUrl": "https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys",
    },
    "clerk": {"issuer": "https://{tenant}", "jwksUrl": _WELL_KNOWN, "audienceClaim": "azp"},
    "cognito": {
        "issuer": "https://cognito-idp.{region}.amazonaws.com/{tenant}",
        "jwksUrl": _WELL_KNOWN,
        "audienceClaim": "client_id",
    },
    "firebase": {
        "issuer": "https://securetoken.google.com/{tenant}",
        "jwksUrl": "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
        "audience": "{tenant}",
    },
    "keycloak": {
        "issuer": "https://{tenant}",
        "jwksUrl": "{issuer}/protocol/openid-connect/certs",
        "audienceClaim": "azp",
    },
    "supabase": {
        "issuer": "https://{tenant}.supabase.co/auth/v1",
        "jwksUrl": _WELL_KNOWN,
        "audience": "authenticated",
    },
}
"""What the login services document of their tokens; docs/deployment.md says what `tenant` is for each.

`{region}` is what stands before the underscore of a Cognito pool's id.
"""
_VARIABLES = {
    "issuer": "JWT_ISSUER",
    "jwksUrl": "JWT_JWKS_URL",
    "publicKey": "JWT_PUBLIC_KEY",
    "secrets": "JWT_SECRETS",
    "audience": "JWT_AUDIENCE",
    "audienceClaim": "JWT_AUDIENCE_CLAIM",
    "userClaim": "JWT_USER_CLAIM",
    "userPrefix": "JWT_USER_PREFIX",
}
_KEYS = ("jwksUrl", "publicKey", "secrets")
_DOMAIN = r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_TENANTS = {
    "auth0": (_DOMAIN, "dev-x.eu.auth0.com"),
    "azure": (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "the directory's id"),
    "clerk": (_DOMAIN, "clerk.example.com"),
    "cognito": (r"[a-z0-9-]+_[A-Za-z0-9]+", "ap-northeast-2_AbCdEf"),
    "firebase": (r"[a-z0-9][a-z0-9.:-]*", "the project's id"),
    "keycloak": (r"[A-Za-z0-9][A-Za-z0-9.:-]*(/[A-Za-z0-9._~%-]+)+", "sso.example.com/realms/r"),
    "supabase": (r"[A-Za-z0-9-]+", "the project's reference"),
}
"""The form of the tenant of each preset, without which no token's issuer can be it; and an example."""


def read_issuers(
    entries: Sequence[Mapping[str, object]], read: Callable[[dict[str, str]], _Settings]
) -> tuple[tuple[_Settings, ...], list[tuple[int, str]]]:
    """Return the settings of each issuer, and what is wrong by the number of the entry.

    `read` makes settings of variables, by the names that they have where there is one issuer.
    """
    issuers: dict[str, _Settings] = {}
    found = []
    for number, entry in enumerate(entries):
        try:
            variables = _variables_of(entry)
            settings = _with_audience(read(variables), is_needed="preset" in entry)
            issuers[_new(variables["JWT_ISSUER"], issuers)] = settings
        except (ValueError, ConfigurationError) as error:  # noqa: PERF203 -- eight entries at most
            found.append((number, str(error).removesuffix(".")))
    return tuple(issuers.values()), found


def _with_audience(settings: _Settings, *, is_needed: bool) -> _Settings:
    if is_needed and not vars(settings)["jwt_audience"]:
        raise ValueError("needs an audience: the tokens of its preset name one")
    return settings


def _new(issuer: str, known: Collection[str]) -> str:
    if issuer in known:
        raise ValueError("has the issuer of another entry")
    return issuer


def _variables_of(entry: Mapping[str, object]) -> dict[str, str]:
    if unknown := sorted(entry.keys() - _VARIABLES.keys() - {"preset", "tenant"}):
        raise ValueError(f"there is no member {unknown[0][:40]!r}")
    members = {name: _text_of(name, value) for name, value in entry.items()}
    members = {**_preset_of(members), **members}
    if "issuer" not in members:
        raise ValueError("needs an issuer, or a preset with a tenant")
    return {variable: members[name] for name, variable in _VARIABLES.items() if name in members}


def _text_of(name: str, value: object) -> str:
    entries = value if isinstance(value, list) else [value]
    texts = [it for it in entries if isinstance(it, str) and it]
    if not texts or len(texts) < len(entries):
        raise ValueError(f"{name} must be a text, or a list of texts")
    if name not in ("audience", "secrets") and len(texts) > 1:
        raise ValueError(f"{name} must be one text")
    if any("," in it for it in texts):
        raise ValueError(f"{name} must have no comma")
    return ",".join(texts)


def _preset_of(members: Mapping[str, str]) -> dict[str, str]:
    if "preset" not in members:
        return {}
    preset, tenant = PRESETS.get(members["preset"]), members.get("tenant", "")
    if preset is None:
        raise ValueError(f"there is no preset of this name: there are {', '.join(PRESETS)}")
    form, example = _TENANTS[members["preset"]]
    if not re.fullmatch(form, tenant):
        raise ValueError(f"needs the tenant of its preset, without https://, such as {example}")
    issuer = preset["issuer"].format(tenant=tenant, region=tenant.partition("_")[0])
    own_keys = not members.keys().isdisjoint(_KEYS)
    return {
        name: text.format(tenant=tenant, issuer=issuer, region=tenant.partition("_")[0])
        for name, text in preset.items()
        if not (own_keys and name in _KEYS)
    }
