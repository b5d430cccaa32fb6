"""Check a user's token: by the settings at hand, and at the function that is deployed.

`local.operator.token_command` explains it. Of the token itself a finding shows what one check reads of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.doctor.findings import Check, CheckSkippedError, Group, fault, needed, ok, skipped
from local.doctor.function_checks import unknown_upload_id
from local.doctor.http_answers import ask, trouble_of
from local.operator.token_command import explained
from shared.config.settings import CallerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding

_THERE = "token at upload_status"


class TokenChecks:
    """The checks of one token; `clock` returns Unix seconds."""

    def __init__(self, deployment: Deployment, clock: Callable[[], float]) -> None:
        self._deployment = deployment
        self._clock = clock

    def group(self) -> Group:
        """List the check."""
        return Group("user's token", (Check("token", self._token),))

    def _token(self) -> Iterator[Finding]:
        settings = needed(CallerSettings, self._deployment.environment)
        token = self._deployment.token
        if settings.auth_mode == "anonymous":
            raise CheckSkippedError("AUTH_MODE is anonymous: no token is looked at")
        if token is None:
            raise CheckSkippedError("--token has a user's token explained, check by check")
        rows = list(explained(token, settings, now=int(self._clock())))
        failed = [row for row in rows if row.problem]
        for row in failed:
            told = f"{row.problem}: {row.said}" if row.said else row.problem
            yield fault(f"token: {row.check}", told, row.meaning)
        if not failed:
            yield ok("token", f"it passes all {len(rows)} checks")
        yield self._there(token, is_valid=not failed)

    def _there(self, token: str, *, is_valid: bool) -> Finding:
        """Read an upload that nobody has begun, with the token."""
        if self._deployment.status_url is None:
            return skipped(_THERE, "--status-url says where upload_status is")
        url = f"{self._deployment.status_url.rstrip('/')}/uploads/{unknown_upload_id(self._clock())}"
        answer = ask("GET", url, {"Authorization": f"Bearer {token.strip()}"})
        if trouble_of(answer) is not None:
            return skipped(_THERE, "the check of its URL says why it does not answer")
        if answer.problem == "store-unavailable":
            advice = (
                "Are its VPC and the store's security group right? Its log has the store's word, storeCode."
            )
            return fault(_THERE, "the function does not reach its store", advice)
        if answer.problem == ("not-found" if is_valid else "unauthenticated"):
            return ok(_THERE, "accepted, and its store answers" if is_valid else "refused there too")
        told = f"answered {answer.status}, while the settings here {'accept' if is_valid else 'refuse'} it"
        return fault(_THERE, told, "Deploy the settings JWT_… as they are here; its log has tokenProblem.")
