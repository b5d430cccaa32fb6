"""Checks of event notification: VOD's event configuration, and the answers of the callback URL.

`local.doctor.event_configuration` compares the configuration with the wanted one.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import requests
import urllib3

from local.doctor.deployment import shown_url, token_of, without_token
from local.doctor.event_configuration import PULL, Wish, findings, wish_of
from local.doctor.findings import Check, CheckSkippedError, Group, fault, needed, ok, skipped
from local.doctor.policy_checks import applications
from local.doctor.vod_calls import EventConfiguration, VodCalls, finding_of
from shared.config.settings import VodApiSettings
from shared.errors import VodApiError
from shared.http.message import PROBLEM_TYPE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding

VOD_PATIENCE_SECONDS = 5.0
"""How long VOD waits for an answer (doc 266/33931)."""
_SIGNED_SECONDS = 600
_MOST_BYTES = 16_384
_NOT_FOUND, _OK = 404, 200
_PATH = "callback URL"


class EventChecks:
    """The checks of one deployment's event notification; `clock` returns Unix seconds."""

    def __init__(self, deployment: Deployment, clock: Callable[[], float]) -> None:
        self._deployment = deployment
        self._clock = clock
        self._wish: Wish = wish_of(deployment)
        self._present: EventConfiguration | None = None

    def group(self) -> Group:
        """List the checks in their order."""
        return Group(
            "event notification",
            (Check("event configuration", self._configuration), Check(_PATH, self._callback)),
        )

    def _configuration(self) -> Iterator[Finding]:
        calls = VodCalls(needed(VodApiSettings, self._deployment.environment))
        own, *others = applications(self._deployment.environment)
        for application in (own, *others):
            try:
                present = calls.event_configuration(application)
            except VodApiError as error:
                yield finding_of("event configuration", error, answered=calls.answered)
                continue
            if application == own:
                self._present = present
            is_own = application == own
            for finding in findings(present, wish_of(self._deployment, is_own=is_own)):
                yield finding if is_own else replace(finding, check=f"{finding.check} of {application}")

    def _callback(self) -> Iterator[Finding]:
        url = self._our_url()
        shown = shown_url(url, self._wish.tokens)
        stranger = f"{without_token(url)}/{secrets.token_urlsafe(24)}"
        started = time.monotonic()
        answer = _post(stranger, b"{}")
        seconds = time.monotonic() - started
        if isinstance(answer, str):
            advice = "See that the function is deployed and its URL is open to the Internet."
            yield fault(_PATH, f"{shown} gives no answer ({answer})", advice)
            return
        status, problem = answer
        if problem == f"{PROBLEM_TYPE_PREFIX}configuration":
            advice = "Its log names the settings that are missing or invalid where it runs."
            yield fault(_PATH, f"{shown}: the function is not configured", advice)
        elif (status, problem) != (_NOT_FOUND, f"{PROBLEM_TYPE_PREFIX}not-found"):
            advice = "The answer to a wrong token should be event_notification's own 404: is this its URL?"
            yield fault(_PATH, f"{shown} answers {status}, not as our function does", advice)
        else:
            yield ok(_PATH, f"{shown} answers, and refuses a wrong token, in {seconds * 1000:.0f} ms")
            yield from self._genuine(url, shown)

    def _genuine(self, url: str, shown: str) -> Iterator[Finding]:
        check = "event taken in"
        if not self._deployment.probe:
            yield skipped(
                check, "--probe sends an empty event with the right token, which the app hears of too"
            )
            return
        answer = _post(url, self._signed_body())
        if answer == (_OK, ""):
            yield ok(check, f"{shown} took an empty event in")
        elif isinstance(answer, str):
            advice = (
                "When it cannot be journaled, an event is left without an answer: see the store and the log."
            )
            yield fault(check, f"no answer ({answer})", advice)
        else:
            advice = "See its log; are CALLBACK_TOKENS and VOD_CALLBACK_SIGN_KEY the ones that are deployed?"
            yield fault(check, f"answered {answer[0]}", advice)

    def _our_url(self) -> str:
        """Return the callback URL to try: the wanted one, or the one VOD has if it is ours.

        Raises:
            CheckSkippedError: there is neither.

        """
        if not self._wish.tokens:
            raise CheckSkippedError("CALLBACK_TOKENS must be mended first")
        if self._wish.callback_url is not None:
            return self._wish.callback_url
        if self._present is None or self._present.mode == PULL:
            raise CheckSkippedError("--callback-url says where event_notification is")
        if not token_of(self._present.notification_url, self._wish.tokens):
            raise CheckSkippedError("VOD's is not ours; --callback-url says where event_notification is")
        return self._present.notification_url

    def _signed_body(self) -> bytes:
        if self._wish.sign_key is None:
            return b"{}"
        expires_at = int(self._clock()) + _SIGNED_SECONDS
        # VOD signs with MD5 (doc 266/57589).
        sign = hashlib.md5(f"{self._wish.sign_key}{expires_at}".encode(), usedforsecurity=False).hexdigest()
        return json.dumps({"Sign": sign, "T": expires_at}).encode()


def _post(url: str, body: bytes) -> tuple[int, str] | str:
    """Post as VOD does; return the status and the problem type, or the name of the error."""
    headers = {"Content-Type": "application/json"}
    try:
        with requests.post(
            url, data=body, headers=headers, timeout=VOD_PATIENCE_SECONDS, allow_redirects=False, stream=True
        ) as answer:
            content = answer.raw.read(_MOST_BYTES, decode_content=True)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return type(error).__name__
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    return answer.status_code, str(document.get("type", "")) if isinstance(document, dict) else ""
