"""Timer: VOD's reliable callback, pulled, journaled, confirmed and delivered."""

from __future__ import annotations

from shared.flows.pull_events import Pulling
from shared.runtime import bootstrap
from shared.runtime.invocation import deadline_of, run_timer
from shared.runtime.shards import share_of, starter


def main_handler(event: object, context: object) -> dict[str, object]:
    """Answer an invocation by SCF's timer, or by one that it has started: each pulls from the one queue."""
    return run_timer(context, lambda request_id: _work(event, context, request_id))


def _work(event: object, context: object, request_id: str) -> dict[str, object]:
    runtime = bootstrap.reliable_notification()
    settings, deadline = runtime.settings, deadline_of(context, started=bootstrap.now())
    start = starter(settings, context)
    share = share_of(event, count=settings.pull_shards, start=start, request_id=request_id)
    run = bootstrap.delivery_run(runtime, "reliable_notification", deadline=deadline)

    pulled = Pulling(
        ingester=run.deliverer.ingester,
        queue=bootstrap.vod_api(runtime),
        clock=bootstrap.now,
        new_lease=bootstrap.new_lease,
        deadline=deadline,
    ).run()
    return {"pulled": pulled, "deliveries": run.run(), **share.figures}
