"""Timer: due deliveries, ends of unused uploads, and what the events did not tell (design 3.6)."""

from __future__ import annotations

from shared import bootstrap
from shared.delivery_round import DeliveryRound
from shared.invocation import deadline_of, run_timer
from shared.reconciliation import Reconciliation

DELIVERIES_SHARE = 0.75
"""How much of its time a run delivers before it looks after uploads."""


def main_handler(_event: object, context: object) -> dict[str, object]:
    """Answer one invocation by SCF's timer."""
    return run_timer(context, lambda _request_id: _work(deadline_of(context, started=bootstrap.now())))


def _work(deadline: float) -> dict[str, object]:
    runtime = bootstrap.event_delivery()
    # An app that takes nothing for days must not keep the uploads from being looked after.
    started = bootstrap.now()
    courier = bootstrap.courier(runtime, deadline=started + (deadline - started) * DELIVERIES_SHARE)
    asks_vod = runtime.settings.read_back == "on"

    deliveries = DeliveryRound(courier, bootstrap.wait, bootstrap.new_lease).run()
    checks = Reconciliation(
        intake=courier.intake,
        library=(lambda: bootstrap.vod_api(runtime.settings)) if asks_vod else None,
        clock=bootstrap.now,
        new_lease=bootstrap.new_lease,
        deadline=deadline,
    ).run()
    return {"deliveries": deliveries, "checks": checks}
