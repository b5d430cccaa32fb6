"""Rules of policies that no token can meet: one with such a rule is a policy for nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.deploy.mobile_policies import policies_in
from shared.config.settings import CallerSettings, load_settings
from shared.errors import ConfigurationError
from shared.http.token_claims import is_user_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TIMES = frozenset({"exp", "nbf", "iat"})
_TEXTS = frozenset({"iss", "jti", "scope", "scp"})


def impossible_rules(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each rule that every token fails that these settings accept.

    Settings that are invalid have faults of their own, and are not looked at.
    """
    try:
        callers = load_settings(CallerSettings, variables)
    except ConfigurationError:
        return
    for policy, rules in policies_in(variables).items():
        for claim, values in rules.claims.items():
            if reason := _reason(claim, values, callers):
                yield f"The policy {policy!r} is for nobody: {claim!r} {reason}."


def _reason(claim: str, values: tuple[str | int, ...], callers: CallerSettings) -> str:
    issuers = callers.issuers or (callers,)
    known = {issuer.jwt_issuer for issuer in issuers}
    has_number = any(type(value) is int for value in values)
    has_text = any(isinstance(value, str) for value in values)
    can_name = any(_can_name(claim, value, issuer) for issuer in issuers for value in values)
    has_audience = any(issuer.jwt_audience for issuer in issuers)
    reasons = {
        "is asked for, and with AUTH_MODE=anonymous there are no claims": callers.auth_mode == "anonymous",
        "has a dot with no name beside it": "" in claim.split("."),
        "is a number of seconds, and no value of the rule is one": claim in _TIMES and not has_number,
        "is a text, and no value of the rule is one": claim in _TEXTS and not has_text,
        "names no issuer that JWT_ISSUER or JWT_ISSUERS accepts": (
            claim == "iss" and None not in known and known.isdisjoint(values)
        ),
        "is asked for, and without JWT_AUDIENCE a token that has it is refused": (
            claim == "aud" and not has_audience
        ),
        "names the user, and no value of the rule can": not can_name,
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _can_name(claim: str, value: str | int, issuer: CallerSettings) -> bool:
    """Return whether a value can be in a claim, which may be the one that names the user."""
    name = issuer.jwt_user_claim.removesuffix(":number")
    if claim != name:
        return True
    if isinstance(value, str):
        return is_user_id(value)
    return type(value) is int and value >= 0 and name != issuer.jwt_user_claim
