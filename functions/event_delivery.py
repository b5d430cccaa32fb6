"""Timer: due deliveries, proofs of bytes, ends of unused uploads, and what the events did not tell."""

from __future__ import annotations

from shared.errors import FirstFailure
from shared.flows.reconcile_uploads import Reconciliation
from shared.runtime import bootstrap
from shared.runtime.endpoint_figures import endpoint_figures
from shared.runtime.invocation import deadline_of, run_timer
from shared.runtime.shards import share_of, starter

DELIVERIES_SHARE = 0.75
"""How much of its time a run delivers before it looks after uploads."""
PROOFS_SHARE = 0.25
"""How much of what is left then it has files proven."""
CHECKS_SHARE = 0.9
"""Until when it looks after uploads; the rest is for files beyond their policies."""


def main_handler(event: object, context: object) -> dict[str, object]:
    """Answer an invocation by SCF's timer, or by one that it has started, which delivers and does no more."""
    return run_timer(context, lambda request_id: _work(event, context, request_id))


def _work(event: object, context: object, request_id: str) -> dict[str, object]:
    runtime, started = bootstrap.event_delivery(), bootstrap.now()
    settings, deadline = runtime.settings, deadline_of(context, started=started)
    start = starter(settings, context)
    share = share_of(event, count=settings.delivery_shards, start=start, request_id=request_id)
    if not share.has(0):
        return {"deliveries": bootstrap.delivery_run(runtime, deadline=deadline, has=share.has).run()}
    # An app that takes nothing for days must not keep the uploads from being looked after.
    run = bootstrap.delivery_run(
        runtime,
        "event_delivery",
        deadline=started + (deadline - started) * DELIVERIES_SHARE,
        has=share.has,
    )
    asks_vod = settings.read_back == "on"

    figures, first_failure = dict[str, object](), FirstFailure()
    with first_failure:
        figures["deliveries"] = run.run()
    # An instance whose clock is fast would use up the checks of an upload before their time.
    ahead = bootstrap.now() - runtime.store.time()
    delivered, ingester = bootstrap.now(), run.deliverer.ingester

    def clock() -> float:
        return bootstrap.now() - ahead

    if asks_vod:
        proofs_end = delivered + (deadline - delivered) * PROOFS_SHARE
        proofs = bootstrap.proofs(runtime, ingester, clock=clock, deadline=proofs_end - ahead)
        with first_failure:
            figures["proofs"] = proofs.run()
    checks = Reconciliation(
        ingester=ingester,
        library=(lambda: bootstrap.vod_api(runtime)) if asks_vod else None,
        clock=clock,
        new_lease=bootstrap.new_lease,
        deadline=started + (deadline - started) * CHECKS_SHARE - ahead,
        own_sub_app_id=settings.vod_api_sub_app_id,
    )
    with first_failure:
        figures["checks"] = checks.run()
    now = int(bootstrap.now())
    if runtime.store.due_enforcements(now=now):
        enforcement = bootstrap.limit_enforcement(
            runtime, ingester, clock=clock, deadline=deadline - ahead, request_id=request_id
        )
        with first_failure:
            figures["enforcement"] = enforcement.run()
    first_failure.raise_again()
    figures |= endpoint_figures(runtime.store, settings, now=now, request_id=request_id)
    return {**figures, **share.figures}
