"""Timer: due deliveries, ends of unused uploads, and what the events did not tell (design 3.6)."""

from __future__ import annotations

from shared import bootstrap
from shared.delivery_round import DeliveryRound
from shared.invocation import deadline_of, run_timer
from shared.reconciliation import Reconciliation


def main_handler(_event: object, context: object) -> dict[str, object]:
    """Answer one invocation by SCF's timer."""
    return run_timer(context, lambda _request_id: _work(deadline_of(context, started=bootstrap.now())))


def _work(deadline: float) -> dict[str, object]:
    runtime = bootstrap.event_delivery()
    courier = bootstrap.courier(runtime, deadline=deadline)
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
