"""Checks of the app's endpoint: reachable, accepts a signed event, refuses a wrong signature."""

from __future__ import annotations

import json
import secrets
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.doctor.findings import Check, Group, fault, needed, ok, skipped, warning
from local.operator.signature_inspection import iso_time
from shared.config.settings import WebhookSettings
from shared.deadline import Deadline
from shared.http.outbound import RefusedAddressError, reason_of, resolve
from shared.http.webhook import AppWebhook
from shared.tcp import ResolutionTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding

TEST_EVENT = "doctor.ping"
"""The type of the test event; apps ignore types that they do not know."""
_ATTEMPT_SECONDS = 5.0
_CLIENT_ERRORS = range(400, 500)


class WebhookChecks:
    """The checks of the app's endpoint; `clock` returns Unix seconds."""

    def __init__(self, deployment: Deployment, clock: Callable[[], float]) -> None:
        self._deployment = deployment
        self._clock = clock

    def group(self) -> Group:
        """List the checks in their order."""
        return Group("app's webhook", (Check("address", self._address), Check("test event", self._events)))

    def _address(self) -> Iterator[Finding]:
        endpoints = self._endpoints()
        if not endpoints:
            yield ok("address", "APP_WEBHOOK_URL is off")
        for name, settings in endpoints.items():
            yield self._address_of(f"address {name}".strip(), settings)

    def _endpoints(self) -> Mapping[str, WebhookSettings]:
        """Return the settings of each endpoint by its name; a single one has none."""
        settings = needed(WebhookSettings, self._deployment.environment)
        single = {} if settings.app_webhook_url is None else {"": settings}
        return {it.name: it.settings for it in settings.endpoints} or single

    def _address_of(self, check: str, settings: WebhookSettings) -> Finding:
        host = str(urlsplit(str(settings.app_webhook_url)).hostname)
        deadline = Deadline(_ATTEMPT_SECONDS)
        try:
            resolve(host, 443, deadline, allow_private=settings.app_webhook_allow_insecure)
        except ResolutionTimeoutError as error:
            return fault(check, reason_of(error), "Does the name service of this machine answer?")
        except RefusedAddressError as error:
            advice = "The functions refuse such an address too: name a public host in APP_WEBHOOK_URL."
            return fault(check, error.detail, advice)
        return ok(check, f"{host} is a name that the functions will connect to")

    def _events(self) -> Iterator[Finding]:
        endpoints = self._endpoints()
        if not endpoints:
            yield skipped("test event", "APP_WEBHOOK_URL is off")
            return
        if not self._deployment.probe:
            yield skipped("test event", f"--probe sends {TEST_EVENT} twice, once with a wrong signature")
            return
        for name, settings in endpoints.items():
            yield from self._events_of(f" {name}".rstrip(), settings)

    def _events_of(self, named: str, settings: WebhookSettings) -> Iterator[Finding]:
        now = int(self._clock())
        event_id = f"evt_{secrets.token_hex(16)}"
        event = {"id": event_id, "type": TEST_EVENT, "timestamp": iso_time(now), "data": {}, "raw": {}}
        send = partial(
            AppWebhook.send,
            body=json.dumps(event).encode(),
            event_id=event_id,
            now=now,
            timeout_seconds=_ATTEMPT_SECONDS,
        )
        forged = type(settings)(**{**vars(settings), "app_webhook_secrets": (secrets.token_bytes(32),)})
        signed = send(AppWebhook(settings))
        if signed.delivered:
            yield ok(f"test event{named}", f"taken ({signed.problem})")
        else:
            advice = "See the app's log: does it know APP_WEBHOOK_SECRETS, and answer any type with 2xx?"
            yield fault(f"test event{named}", f"not taken: {signed.problem}", advice)
        if signed.status == 0:
            yield skipped(f"wrong signature{named}", "the endpoint does not answer")
            return
        refused = send(AppWebhook(forged))
        if refused.delivered:
            advice = (
                "Anybody can send the app events: it must check webhook-signature, as docs/events.md shows."
            )
            yield fault(f"wrong signature{named}", f"taken ({refused.problem}): it does not verify", advice)
        elif refused.status in _CLIENT_ERRORS:
            yield ok(f"wrong signature{named}", f"refused ({refused.problem})")
        else:
            yield warning(
                f"wrong signature{named}",
                refused.problem,
                "It should be refused with a status of 400 or 401.",
            )
