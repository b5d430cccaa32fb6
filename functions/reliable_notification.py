"""Timer: VOD's reliable callback, pulled, journaled, confirmed and delivered."""

from __future__ import annotations

from shared.flows.pull_events import Pulling
from shared.runtime import bootstrap
from shared.runtime.invocation import deadline_of, run_timer


def main_handler(_event: object, context: object) -> dict[str, object]:
    """Answer one invocation by SCF's timer."""
    return run_timer(context, lambda _request_id: _work(deadline_of(context, started=bootstrap.now())))


def _work(deadline: float) -> dict[str, object]:
    runtime = bootstrap.reliable_notification()
    deliverer = bootstrap.deliverer(runtime, deadline=deadline)

    pulled = Pulling(
        ingester=deliverer.ingester,
        queue=bootstrap.vod_api(runtime.settings),
        clock=bootstrap.now,
        new_lease=bootstrap.new_lease,
        deadline=deadline,
    ).run()
    deliveries = deliverer.run("reliable_notification")
    return {"pulled": pulled, "deliveries": deliveries}
