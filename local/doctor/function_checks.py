"""Checks of the two functions that users call: their URLs, a token that is none of theirs, CORS.

Nothing is issued, whatever is deployed there: the request for a signature is one that is refused in any case.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.doctor.cors_checks import cors_findings, origin_problem
from local.doctor.findings import Check, Group, Level, fault, needed, ok, skipped
from local.doctor.http_answers import ask, trouble_of
from shared.config.settings import CallerSettings
from shared.domain.upload_id import new_upload_id
from shared.http.response import cors_of
from shared.vod.context_token import base64url_encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding
    from local.doctor.http_answers import Answer

_UPLOAD_ID_BITS = 80
_FURTHER_PATHS = ("/uploads", "/health")
_TOKEN_SECONDS = 60
_KEYS_ADVICE = "Let it reach JWT_JWKS_URL: publicAccess or a NAT gateway, and the login service's firewall."


@dataclass(frozen=True)
class _Function:
    """One function: what it is asked, and the answer of one that asks for no token."""

    name: str
    option: str
    method: str
    path: str
    body: bytes
    problem_if_open: str

    @property
    def check(self) -> str:
        """The name of its check."""
        return f"{self.name} URL"


_SIGNATURE = _Function("upload_signature", "--signature-url", "POST", "/signature", b"[]", "invalid-request")


class FunctionChecks:
    """The checks of two functions; `clock` returns Unix seconds."""

    def __init__(self, deployment: Deployment, clock: Callable[[], float]) -> None:
        self._deployment = deployment
        self._clock = clock

    def group(self) -> Group:
        """List the checks in their order."""
        return Group(
            "functions",
            (Check("upload_signature URL", self._signature), Check("upload_status URL", self._status)),
        )

    def _signature(self) -> Iterator[Finding]:
        return self._examine(_SIGNATURE, self._deployment.signature_url)

    def _status(self) -> Iterator[Finding]:
        path = f"/uploads/{unknown_upload_id(self._clock())}"
        function = _Function("upload_status", "--status-url", "GET", path, b"", "not-found")
        url = self._deployment.status_url
        for finding in self._examine(function, url):
            yield finding
            if url and finding.check == function.check and finding.level is Level.OK:
                yield self._further_paths(url)

    def _further_paths(self, base: str) -> Finding:
        """Return the finding about the paths that a gateway or a domain of one's own may not know."""
        settings = needed(CallerSettings, self._deployment.environment)
        headers = {"Authorization": f"Bearer {_foreign_token(settings, now=int(self._clock()))}"}
        check = "paths of upload_status"
        for path in _FURTHER_PATHS:
            answer = ask("GET", f"{base.rstrip('/')}{path}", headers)
            if answer.problem not in ("unauthenticated", "forbidden"):
                said = f"GET {path} is answered {answer.status}, not as our function does"
                return fault(
                    check, said, "Map /uploads, /uploads/* and /health to it, and deploy this release."
                )
        return ok(check, f"{' and '.join(_FURTHER_PATHS)} reach it as well")

    def _examine(self, function: _Function, base: str | None) -> Iterator[Finding]:
        name = function.name
        settings = needed(CallerSettings, self._deployment.environment)
        if base is None:
            yield skipped(function.check, f"{function.option} says where it is")
            return
        url = f"{base.rstrip('/').removesuffix('/signature')}{function.path}"
        cors = cors_of(settings)
        headers = {
            "Content-Type": "application/json",
            **({"Origin": cors.origins[0]} if cors.origins else {}),
        }
        token = _foreign_token(settings, now=int(self._clock()))
        answer = ask(
            function.method, url, {**headers, "Authorization": f"Bearer {token}"}, body=function.body
        )
        trouble = trouble_of(answer)
        if trouble is not None:
            yield fault(function.check, *trouble)
            return
        refusal = _refusal(function, answer, is_open=settings.auth_mode == "anonymous")
        yield refusal
        if refusal.level is Level.FAULT:
            return
        problem = origin_problem(answer.headers, cors.origins[0], cors) if cors.origins else None
        if problem is not None:
            yield fault(f"CORS of {name}", f"{cors.origins[0]}: {problem[0]}", problem[1])
        else:
            yield from cors_findings(name, url, function.method, cors)


def unknown_upload_id(now: float) -> str:
    """Return the id of an upload that nobody has begun."""
    return new_upload_id(now=now, random=secrets.randbits(_UPLOAD_ID_BITS))


def _refusal(function: _Function, answer: Answer, *, is_open: bool) -> Finding:
    """Return the finding about the answer to a token that nobody has issued."""
    name, check = function.name, function.check
    expected = function.problem_if_open if is_open else "unauthenticated"
    if answer.problem == expected:
        told = "asks for no token, as AUTH_MODE says" if is_open else "refuses a wrong token"
        return ok(check, f"it answers, and {told}")
    if answer.problem == "keys-unavailable":
        return fault(check, "it cannot fetch the key set from where it runs", _KEYS_ADVICE)
    if answer.problem in ("unauthenticated", function.problem_if_open):
        told = "asks for a token, and AUTH_MODE here is anonymous" if is_open else "asks for no token"
        return fault(check, f"it {told}: its settings are others", "Deploy AUTH_MODE as it is here.")
    if answer.problem in ("method-not-allowed", "not-found"):
        advice = f"Give {function.option} the URL of {name}; a gateway must leave the path as it is."
        return fault(check, f"another function answers there ({answer.status})", advice)
    advice = f"The answer to a wrong token should be {name}'s own 401: is this its URL?"
    return fault(check, f"answers {answer.status}, not as our function does", advice)


def _foreign_token(settings: CallerSettings, *, now: int) -> str:
    """Return a token of the right form and algorithm that no key has signed: it makes the keys be fetched."""
    issuer = settings.issuers[0] if settings.issuers else settings
    algorithm = "HS256" if issuer.jwt_secrets else "RS256"
    header = {"alg": algorithm, "typ": "JWT", "kid": secrets.token_hex(8)}
    claims = {"sub": "doctor", "exp": now + _TOKEN_SECONDS, "iss": issuer.jwt_issuer}
    parts = [json.dumps(part).encode() for part in (header, claims)]
    return ".".join(map(base64url_encode, [*parts, secrets.token_bytes(32)]))
