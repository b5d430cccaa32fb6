"""Rules of policies that no token can meet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.deploy.claim_rules import impossible_rules

SECRET = "a secret of the login service for tests"


def told(claims: dict[str, list[Any]], **variables: str) -> list[str]:
    """Return what is said of a policy with these rules."""
    keys = {} if "JWT_ISSUERS" in variables else {"JWT_SECRETS": SECRET}
    policies = {"default": {}, "course": {"claims": claims}}
    return list(impossible_rules({**keys, "UPLOAD_POLICIES": json.dumps(policies), **variables}))


ANONYMOUS = {"JWT_SECRETS": "", "AUTH_MODE": "anonymous", "ANONYMOUS_KEY": "k" * 32}
TWO = {"JWT_ISSUERS": json.dumps([{"issuer": it, "secrets": it * 32} for it in "ab"])}


@pytest.mark.parametrize(
    ("claims", "variables", "reason"),
    [
        ({"role": ["teacher"]}, ANONYMOUS, "'role' is asked for, and with AUTH_MODE=anonymous"),
        ({"realm_access..roles": ["teacher"]}, {}, "'realm_access..roles' has a dot with no name"),
        ({"role.": ["teacher"]}, {}, "'role.' has a dot"),
        ({"exp": ["2027", True]}, {}, "'exp' is a number of seconds"),
        ({"scope": [7]}, {}, "'scope' is a text"),
        ({"iss": ["login/"]}, {"JWT_ISSUER": "login"}, "'iss' names no issuer that JWT_ISSUER"),
        ({"iss": ["c"]}, TWO, "'iss' names no issuer that JWT_ISSUER"),
        ({"aud": ["uploads"]}, {}, "'aud' is asked for, and without JWT_AUDIENCE"),
        ({"sub": [7]}, {}, "'sub' names the user"),
        ({"sub": ["a" * 129]}, {}, "'sub' names the user"),
        ({"user_id": [-1, True]}, {"JWT_USER_CLAIM": "user_id:number"}, "'user_id' names the user"),
    ],
    ids=str,
)
def test_rule_that_every_token_fails_is_named(
    claims: dict[str, list[Any]], variables: dict[str, str], reason: str
) -> None:
    """With its policy, its claim and why; the policy beside it, for everybody, is none."""
    (sentence,) = told(claims, **variables)

    assert sentence.startswith(f"The policy 'course' is for nobody: {reason}")


@pytest.mark.parametrize(
    ("claims", "variables"),
    [
        ({"realm_access.roles": ["teacher"], "scope": ["openid upload:create"]}, {}),
        ({"exp": [1_800_000_000], "iss": ["login", "other"]}, {"JWT_ISSUER": "login"}),
        ({"iss": ["anybody"], "sub": ["alice"], "role": [7, True]}, {}),
        ({"iss": ["b"]}, TWO),
        ({"aud": ["web"]}, {"JWT_AUDIENCE": "uploads"}),
        ({"user_id": [7]}, {"JWT_USER_CLAIM": "user_id:number"}),
        ({"scope": [7]}, {"JWT_SECRETS": "short"}),
    ],
    ids=str,
)
def test_rule_that_some_token_meets_is_not(claims: dict[str, list[Any]], variables: dict[str, str]) -> None:
    """What a login service can put into a token it may; and invalid settings are told of elsewhere."""
    assert told(claims, **variables) == []
