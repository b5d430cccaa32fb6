"""What a timer tells of the app's endpoints: figures of backlog and health, and lines that wake somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.runtime import log

if TYPE_CHECKING:
    from shared.config.settings import EventDeliverySettings
    from shared.store.endpoint import EndpointHealth
    from shared.store.journal import Store


def endpoint_figures(
    store: Store, settings: EventDeliverySettings, *, now: int, request_id: str
) -> dict[str, dict[str, object]]:
    """Return the figures, and log at every run what operators have to know.

    `endpoint` is the worst of all endpoints; `endpoints`, with APP_WEBHOOKS, has each by its name, and those
    that are no more set while deliveries to them wait.

    Raises:
        StoreUnavailableError: the store did not answer.

    """
    backlog, urls = store.backlog(now=now), settings.endpoint_urls
    health = {name: store.endpoint_health(url) for name, url in urls.items()}
    for name, it in health.items():
        _warn(it, name, request_id, now=now)
    figures = {name: it.figures(now=now) for name, it in health.items()}
    worst = {key: max(it[key] for it in figures.values()) for key in ("failingSeconds", "disabledSeconds")}
    of_each: dict[str, object] = {}
    for name in (figures.keys() | backlog.of_endpoints.keys()) - {""}:
        waiting = backlog.of_endpoints.get(name)
        counts = waiting.figures(now=now) if waiting else {}
        numbers = {key: counts.get(key, 0) for key in ("due", "overdueSeconds", "dead")}
        if name in figures or numbers["due"]:
            of_each[name] = {**figures.get(name, {}), **numbers}
        if name not in figures and numbers["due"]:
            known = {"endpoint": name, "due": numbers["due"]}
            log.write("endpoint.removed", request_id=request_id, level="error", **known)
    return {
        "backlog": dict(backlog.figures(now=now)),
        "endpoint": dict(worst),
        **({"endpoints": of_each} if of_each else {}),
    }


def _warn(health: EndpointHealth, name: str, request_id: str, *, now: int) -> None:
    """Log that the app has refused, or been away for days."""
    named = {"endpoint": name} if name else {}
    if health.is_disabled:
        since = health.disabled_since
        log.write("endpoint.disabled", request_id=request_id, level="error", since=since, **named)
    elif health.is_paused(now=now):
        since = health.failing_since
        log.write("endpoint.paused", request_id=request_id, level="error", since=since, **named)
