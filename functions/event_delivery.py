"""Timer: due deliveries, ends of unused uploads, and what the events did not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.flows.reconcile_uploads import Reconciliation
from shared.runtime import bootstrap, log
from shared.runtime.invocation import deadline_of, run_timer

if TYPE_CHECKING:
    from shared.store.endpoint import EndpointHealth

DELIVERIES_SHARE = 0.75
"""How much of its time a run delivers before it looks after uploads."""


def main_handler(_event: object, context: object) -> dict[str, object]:
    """Answer one invocation by SCF's timer."""
    return run_timer(context, lambda request_id: _work(context, request_id))


def _work(context: object, request_id: str) -> dict[str, object]:
    runtime, started = bootstrap.event_delivery(), bootstrap.now()
    deadline = deadline_of(context, started=started)
    # An app that takes nothing for days must not keep the uploads from being looked after.
    run = bootstrap.delivery_run(
        runtime, "event_delivery", deadline=started + (deadline - started) * DELIVERIES_SHARE
    )
    asks_vod = runtime.settings.read_back == "on"

    deliveries = run.run()
    # An instance whose clock is fast would use up the checks of an upload before their time.
    ahead = bootstrap.now() - runtime.store.time()
    checks = Reconciliation(
        ingester=run.deliverer.ingester,
        library=(lambda: bootstrap.vod_api(runtime)) if asks_vod else None,
        clock=lambda: bootstrap.now() - ahead,
        new_lease=bootstrap.new_lease,
        deadline=deadline - ahead,
        own_sub_app_id=runtime.settings.vod_api_sub_app_id,
    ).run()
    now = int(bootstrap.now())
    backlog = runtime.store.backlog(now=now).figures(now=now)
    health = runtime.store.endpoint_health(runtime.settings.app_webhook_url or "")
    _warn(health, request_id, now=now)
    endpoint = health.figures(now=now)
    return {"deliveries": deliveries, "checks": checks, "backlog": backlog, "endpoint": endpoint}


def _warn(health: EndpointHealth, request_id: str, *, now: int) -> None:
    """Log at every run what operators have to know: the app has refused, or been away for days."""
    if health.is_disabled:
        log.write("endpoint.disabled", request_id=request_id, level="error", since=health.disabled_since)
    elif health.is_unhealthy(now=now):
        log.write("endpoint.unhealthy", request_id=request_id, level="error", since=health.failing_since)
