"""Checks of event notification: VOD's event configuration, and the answers of the callback URL.

`local.doctor.event_configuration` compares the configuration with the wanted one.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from local.doctor.cors_checks import cors_findings
from local.doctor.deployment import shown_url, token_of, without_token
from local.doctor.event_configuration import PULL, Wish, findings, wish_of
from local.doctor.findings import Check, CheckSkippedError, Group, fault, needed, ok, skipped
from local.doctor.http_answers import VOD_PATIENCE_SECONDS, ask, trouble_of
from local.doctor.policy_checks import applications
from local.doctor.probe_event import ProbeEvent
from local.doctor.vod_calls import EventConfiguration, VodCalls, finding_of
from shared.config.settings import VodApiSettings
from shared.errors import VodApiError
from shared.http.response import Cors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding
    from local.doctor.http_answers import Answer

_NOT_FOUND, _OK = 404, 200
_PATH, _TAKEN = "callback URL", "event taken in"


class EventChecks:
    """The checks of one deployment's event notification; `clock` returns Unix seconds."""

    def __init__(self, deployment: Deployment, clock: Callable[[], float]) -> None:
        self._deployment = deployment
        self._clock = clock
        self._wish: Wish = wish_of(deployment)
        self._present: EventConfiguration | None = None
        self._answers = False

    def group(self) -> Group:
        """List the checks in their order."""
        return Group(
            "event notification",
            (
                Check("event configuration", self._configuration),
                Check(_PATH, self._callback),
                Check(_TAKEN, self._probe),
            ),
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
        trouble = trouble_of(answer)
        if trouble is not None:
            yield fault(_PATH, f"{shown} {trouble[0]}", trouble[1])
        elif (answer.status, answer.problem) != (_NOT_FOUND, "not-found"):
            advice = "The answer to a wrong token should be event_notification's own 404: is this its URL?"
            yield fault(_PATH, f"{shown} answers {answer.status}, not as our function does", advice)
        else:
            self._answers = True
            yield ok(_PATH, f"{shown} answers, and refuses a wrong token, in {seconds * 1000:.0f} ms")
            # No page calls it, so it allows none.
            yield from cors_findings("event_notification", stranger, "POST", Cors())

    def _probe(self) -> Iterator[Finding]:
        url = self._our_url()
        if not self._answers:
            raise CheckSkippedError("the callback URL does not answer as it should")
        if not self._deployment.probe:
            yield skipped(
                _TAKEN,
                "--probe sends an event with the right token, and looks for it in the store; with "
                "READ_BACK=off the app hears of it",
            )
            return
        now, key = self._clock(), self._wish.sign_key
        event = ProbeEvent.sealed(self._deployment.environment, now=now)
        if key is not None and _is_taken(_post(url, event.signed(secrets.token_hex(8), now=now))):
            advice = "Deploy VOD_CALLBACK_SIGN_KEY to event_notification: until then the URL alone protects."
            yield fault("SignKey where it runs", "it takes an event with a wrong Sign", advice)
        answer = _post(url, event.signed(key, now=now))
        if _is_taken(answer):
            yield ok(_TAKEN, f"{shown_url(url, self._wish.tokens)} took an event in")
            yield from event.found_again(self._deployment.environment)
        elif answer.error:
            advice = (
                "When it cannot be journaled, an event is left without an answer: see the store and the log."
            )
            yield fault(_TAKEN, f"no answer ({answer.error})", advice)
        else:
            advice = "See its log; are CALLBACK_TOKENS and VOD_CALLBACK_SIGN_KEY the ones that are deployed?"
            yield fault(_TAKEN, f"answered {answer.status}", advice)

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


def _post(url: str, body: bytes) -> Answer:
    """Post as VOD does."""
    headers = {"Content-Type": "application/json"}
    return ask("POST", url, headers, body, patience_seconds=VOD_PATIENCE_SECONDS)


def _is_taken(answer: Answer) -> bool:
    return (answer.status, answer.problem) == (_OK, "")
