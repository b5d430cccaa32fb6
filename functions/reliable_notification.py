"""Timer: VOD's reliable callback, pulled, journaled, confirmed and delivered."""

from __future__ import annotations

from shared import bootstrap
from shared.delivery_round import DeliveryRound
from shared.invocation import deadline_of, run_timer
from shared.pulling import Pulling


def main_handler(_event: object, context: object) -> dict[str, object]:
    """Answer one invocation by SCF's timer."""
    return run_timer(context, lambda _request_id: _work(deadline_of(context, started=bootstrap.now())))


def _work(deadline: float) -> dict[str, object]:
    runtime = bootstrap.reliable_notification()
    courier = bootstrap.courier(runtime, deadline=deadline)

    pulled = Pulling(
        intake=courier.intake,
        queue=bootstrap.vod_api(runtime.settings),
        clock=bootstrap.now,
        new_lease=bootstrap.new_lease,
        deadline=deadline,
    ).run()
    deliveries = DeliveryRound(courier, bootstrap.wait, bootstrap.new_lease).run()
    return {"pulled": pulled, "deliveries": deliveries}
