"""Checks of the journal: timers, overdue, dead, parked and quarantined events, and the endpoint's health.

To retry or replay events, see `python -m local events`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.doctor.findings import Check, CheckSkippedError, Group, fault, needed, ok, warning
from local.doctor.store_probe import StoreProbe
from local.operator.signature_inspection import iso_time
from shared.config.settings import EndpointSettings, StoreSettings
from shared.domain.event_status import EventStatus
from shared.errors import StoreUnavailableError
from shared.store.connection import StoreScope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding
    from shared.store.endpoint import EndpointHealth

_TIMERS = ("reliable_notification", "event_delivery")
_UNREAD = "the store cannot be read: its own checks say why"
_LATE_SECONDS = 180
"""Three runs of a timer that fires every minute."""
_GIVEN_UP = {
    EventStatus.DEAD: ("were given up after the last attempt", "retry"),
    EventStatus.PARKED: ("could not be taken in", "list"),
    EventStatus.QUARANTINED: ("claim to be ours and are not", "list"),
}


class BacklogChecks:
    """The checks of the journal; `clock` returns Unix seconds."""

    def __init__(self, deployment: Deployment, clock: Callable[[], float]) -> None:
        self._deployment = deployment
        self._clock = clock

    def group(self) -> Group:
        """List the checks in their order."""
        return Group(
            "events",
            (
                Check("timers", self._timers),
                Check("backlog", self._backlog),
                Check("endpoint", self._endpoint),
            ),
        )

    def _probe(self) -> StoreProbe:
        settings = needed(StoreSettings, self._deployment.environment)
        return StoreProbe(settings.redis_url, StoreScope(settings.stage, settings.retention_seconds))

    def _timers(self) -> Iterator[Finding]:
        probe, now = self._probe(), int(self._clock())
        for timer in _TIMERS:
            check = f"timer of {timer}"
            try:
                last = probe.last_run(timer)
            except StoreUnavailableError:
                raise CheckSkippedError(_UNREAD) from None
            if last is None:
                told = f"no run of it is known in this store, stage {probe.stage}"
                advice = (
                    "See that its trigger is enabled, and that REDIS_URL and STAGE are the function's own."
                )
                yield fault(check, told, f"{advice} A new deployment has run after a minute.")
            elif now - last > _LATE_SECONDS:
                advice = (
                    "See that its trigger is enabled, and what its log says: a run may fail at its start."
                )
                yield fault(check, f"its last run was {now - last} s ago", advice)
            else:
                yield ok(check, "it has run within three minutes")

    def _backlog(self) -> Iterator[Finding]:
        now = int(self._clock())
        try:
            backlog = self._probe().backlog(now=now)
        except StoreUnavailableError:
            raise CheckSkippedError(_UNREAD) from None
        counts = backlog.figures(now=now)
        due, late = counts["due"], counts["overdueSeconds"]
        if late > _LATE_SECONDS:
            yield fault(
                "due",
                f"{due} wait, the oldest should have been seen to {late} s ago",
                "See that the timer of event_delivery fires, and what its log says.",
            )
        else:
            yield ok("due", f"{due} wait, none is late")
        for status, (meaning, action) in _GIVEN_UP.items():
            if count := counts[status.value]:
                command = f"python -m local events {action} --state {status.value}"
                yield warning(status.value, f"{count} {meaning}", f"See why, then: {command}")
            else:
                yield ok(status.value, "none")

    def _endpoint(self) -> Iterator[Finding]:
        settings, now = needed(EndpointSettings, self._deployment.environment), int(self._clock())
        if not settings.has_endpoint:
            yield ok("endpoint", "APP_WEBHOOK_URL is off: events are kept and go nowhere")
            return
        try:
            probe, urls = self._probe(), settings.endpoint_urls
            health = {name: probe.endpoint_health(url) for name, url in urls.items()}
            waiting = probe.backlog(now=now).of_endpoints
        except StoreUnavailableError:
            raise CheckSkippedError(_UNREAD) from None
        for name, it in health.items():
            yield from self._of_endpoint(f"endpoint {name}".strip(), it, now=now)
        for name in sorted(waiting.keys() - urls.keys()):
            if due := waiting[name].due:
                advice = "Set it again in APP_WEBHOOKS, or send their events to all: events list --state due"
                yield fault(f"endpoint {name}", f"{due} wait for it, and it is not set any more", advice)

    def _of_endpoint(self, check: str, health: EndpointHealth, *, now: int) -> Iterator[Finding]:
        if health.disabled_since is not None:
            yield fault(
                check,
                f"the app asked to be left alone (410) at {iso_time(health.disabled_since)}: its events wait",
                "When it should hear again: python -m local events endpoint --enable",
            )
        elif health.failing_since is not None:
            told = f"no delivery has succeeded since {iso_time(health.failing_since)}"
            grade = fault if health.is_paused(now=now) else warning
            yield grade(check, told, "Talk to the app's people; --probe shows what it answers.")
        elif health.delivered_at is not None:
            yield ok(check, f"the last delivery succeeded at {iso_time(health.delivered_at)}")
        else:
            yield ok(check, "nothing has been delivered to it so far")
