"""Checks of the VOD server API: clock skew, credentials, permissions, sub-applications."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests

from local.deploy.mobile_policies import policies_in
from local.doctor.findings import Check, CheckSkippedError, Group, fault, needed, ok, warning
from local.doctor.policy_checks import PolicyChecks, applications
from local.doctor.vod_calls import (
    CALL_SECONDS,
    VodCalls,
    finding_of,
    is_auth_failure,
    is_no_answer,
    is_unauthorized,
)
from shared.config.settings import VodApiSettings
from shared.errors import VodApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding

MOST_SKEW_SECONDS = 300
"""With a larger skew the API refuses every call: AuthFailure.SignatureExpire (TC3-HMAC-SHA256)."""
_SOME_SKEW_SECONDS = 60
_NOBODY = "0"
_TRIALS: tuple[tuple[str, dict[str, object]], ...] = (
    ("DescribeMediaInfos", {"FileIds": [_NOBODY], "Filters": ["basicInfo"]}),
    ("SearchMedia", {"Offset": 0, "Limit": 1, "Filters": ["basicInfo"]}),
    ("DescribeTaskDetail", {"TaskId": _NOBODY}),
    ("DescribeTasks", {"FileId": _NOBODY, "Limit": 1}),
    ("DescribeFileAttributes", {"FileId": _NOBODY}),
    ("ConfirmEvents", {"EventHandles": [_NOBODY]}),
)
"""Calls that the functions make and that change nothing; not PullEvents, which hides events for 30 s."""
_MEASURES: Mapping[str, tuple[str, dict[str, object]]] = {
    "forbid": ("ForbidMediaDistribution", {"FileIds": [_NOBODY], "Operation": "forbid"}),
    "delete": ("DeleteMedia", {"FileId": _NOBODY}),
}
"""Calls about a file that does not exist, as `onViolation` of the policies needs them."""
_EXPECTED = ("InvalidParameter", "ResourceNotFound", "FailedOperation")
_AUTH_ADVICE = {
    "AuthFailure.SignatureExpire": "Set this machine's clock.",
    "AuthFailure.SecretIdNotFound": "There is no such id, or it is disabled: take a pair of the console.",
    "AuthFailure.SignatureFailure": "The key does not belong to the id: copy both anew.",
    "AuthFailure.TokenFailure": "Credentials of a role live for hours only: take fresh ones.",
}


class ApiChecks:
    """The checks of the server API; `clock` returns Unix seconds."""

    def __init__(self, deployment: Deployment, clock: Callable[[], float]) -> None:
        self._deployment = deployment
        self._clock = clock
        self._made: VodCalls | None = None

    def group(self) -> Group:
        """List the checks in their order."""
        policies = PolicyChecks(self._deployment, self._calls)
        return Group(
            "VOD API",
            (
                Check("clock", self._skew),
                Check("credentials", self._credentials),
                Check("rights", self._rights),
                Check("sub-application", self._sub_applications),
                Check("storage regions", policies.storage_regions),
                Check("procedures", policies.procedures),
            ),
        )

    def _calls(self) -> VodCalls:
        if self._made is None:
            self._made = VodCalls(needed(VodApiSettings, self._deployment.environment))
        return self._made

    def _skew(self) -> Iterator[Finding]:
        url = needed(VodApiSettings, self._deployment.environment).vod_api_url
        before = self._clock()
        try:
            # Any answer has a Date, that to an unsigned call too.
            with requests.get(url, timeout=CALL_SECONDS, allow_redirects=False, stream=True) as answer:
                date = answer.headers.get("Date", "")
            # Date is cut to whole seconds, so the actual time is half a second later on average.
            there = parsedate_to_datetime(date).timestamp() + 0.5
        except requests.RequestException as error:
            raise CheckSkippedError(f"the VOD API does not answer ({type(error).__name__})") from None
        except (ValueError, TypeError):
            raise CheckSkippedError("the VOD API's answer has no readable Date") from None
        skew = (before + self._clock()) / 2 - there
        told = f"this machine's is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the API's"
        advice = "Set it, and let NTP keep it: signatures and API calls carry the time."
        if abs(skew) >= MOST_SKEW_SECONDS:
            yield fault("clock", told, advice)
        elif abs(skew) > _SOME_SKEW_SECONDS:
            yield warning("clock", told, advice)
        else:
            yield ok("clock", "this machine's agrees with the API's")

    def _credentials(self) -> Iterator[Finding]:
        settings, calls = needed(VodApiSettings, self._deployment.environment), self._calls()
        whose = "the role's" if settings.api_credentials[2] else "the long-term pair's"
        code = calls.code_of(*_TRIALS[0])
        if is_no_answer(code):
            advice = "See whether VOD_API_URL is right, and whether this machine reaches the Internet."
            yield fault("credentials", f"the VOD API does not answer ({code})", advice)
        elif is_auth_failure(code):
            advice = _AUTH_ADVICE.get(code, "Take a valid pair of the account's console.")
            yield fault("credentials", f"the API refuses {whose} ({code})", advice)
        else:
            yield ok("credentials", f"the API knows {whose}")

    def _rights(self) -> Iterator[Finding]:
        settings = needed(VodApiSettings, self._deployment.environment)
        refusals = list(_refusals(self._trial_codes()))
        yield from refusals
        if not settings.api_credentials[2] and self._deployment.origin != "local stack":
            yield warning(
                "rights",
                "tried with the long-term pair, while the deployed functions call with their role",
                "To try the role, set its TENCENTCLOUD_SECRETID, _SECRETKEY and _SESSIONTOKEN and run this.",
            )
        elif not refusals:
            yield ok("rights", "everything the functions call is allowed; PullEvents is not tried")

    def _trial_codes(self) -> dict[str, str]:
        """Return the error code of each trial call, an empty string for success."""
        calls = self._calls()
        trials = dict(_TRIALS)
        policies = policies_in(self._deployment.environment).values()
        measures = {policy.on_violation for policy in policies} - {"report"}
        # A further file of an upload is forbidden under either.
        trials |= [_MEASURES[measure] for measure in sorted(measures | ({"forbid"} if measures else set()))]
        codes = {action: calls.code_of(action, parameters) for action, parameters in trials.items()}
        useless = next((code for code in codes.values() if is_no_answer(code) or is_auth_failure(code)), None)
        if useless:
            raise CheckSkippedError(f"the VOD API was of no use ({useless})")
        return codes

    def _sub_applications(self) -> Iterator[Finding]:
        calls = self._calls()
        for application in applications(self._deployment.environment):
            name = f"{application}" if application else "the main application"
            try:
                calls.open_regions(application)
            except VodApiError as error:
                if error.vod_code.startswith(_EXPECTED):
                    yield fault(
                        "sub-application",
                        f"VOD refuses {name} ({error.vod_code})",
                        "Name applications of this account in VOD_SUB_APP_ID and the policies' vodSubAppId; "
                        "accounts opened after 2023-12-25 must name even the main one.",
                    )
                else:
                    yield finding_of("sub-application", error, answered=calls.answered)
            else:
                yield ok("sub-application", f"{name} is one of this account's")


def _refusals(codes: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the findings about trial calls that lack permission or were refused unexpectedly."""
    # A trial names objects that do not exist; a code that says so means that the call is allowed.
    refused = {action: code for action, code in codes.items() if code and not code.startswith(_EXPECTED)}
    if forbidden := [f"vod:{action}" for action, code in refused.items() if is_unauthorized(code)]:
        advice = "Add them to the role of the function that makes them: docs/security.md tells which."
        yield fault("rights", f"these calls are not allowed: {', '.join(forbidden)}", advice)
    if odd := [f"{action} ({code})" for action, code in refused.items() if not is_unauthorized(code)]:
        yield warning(
            "rights", f"these calls were refused: {', '.join(odd)}", "Look the codes up, run again."
        )
