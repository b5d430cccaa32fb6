"""One run of a timer for the endpoints of APP_WEBHOOKS: events are handed on, then delivered to each."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.errors import FirstFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.flows.deliver_events import Deliverer
    from shared.flows.delivery_run import DeliveryRun, Workers
    from shared.flows.fan_out import FanOut

FAN_OUT_SHARE = 0.5
"""How much of its time a run hands on: read-backs that VOD answers slowly must not stop deliveries."""


class EndpointRuns(NamedTuple):
    """A run for each endpoint, after the one that hands events on.

    An endpoint has the workers and the pace of its own run: none delays another. `workers` run them at the
    same time.
    """

    fan_out: DeliveryRun
    to_endpoints: tuple[DeliveryRun, ...]
    workers: Workers[dict[str, int]]

    @property
    def deliverer(self) -> Deliverer:
        """What hands events on."""
        return self.fan_out.deliverer

    def run(self) -> dict[str, int]:
        """Deliver until nothing is due or the time is up; return the number of deliveries by outcome.

        `fannedOut` are the events that were handed on.

        Raises:
            StoreUnavailableError: the store did not answer; what was not finished stays due.

        """
        first_failure = FirstFailure()
        figures = Counter(_figures_of(self.fan_out, first_failure))
        fanned_out = figures.pop("delivered", 0)
        for run in self.to_endpoints:
            self.workers.begin(partial(_figures_of, run, first_failure))
        while self.workers.busy:
            for ended in self.workers.ended(1.0):
                figures.update(ended)
        first_failure.raise_again()
        return {**figures, **({"fannedOut": fanned_out} if fanned_out else {})}


def _figures_of(run: DeliveryRun, first_failure: FirstFailure) -> dict[str, int]:
    with first_failure:
        return run.run()
    return {}


def endpoint_runs(  # noqa: PLR0913 -- so many runs need as many parts
    deliverer: Deliverer,
    fan_out: FanOut,
    new_run: Callable[..., DeliveryRun],
    new_workers: Callable[[int], Workers[Any]],
    *,
    concurrency: int,
    timer: str,
) -> EndpointRuns:
    """Return one run of a timer for all endpoints, each of which has an equal part of the workers.

    `new_run` takes what the runs differ in, `new_workers` the number of calls at the same time.
    """
    now, deadline, count = deliverer.clock(), deliverer.deadline, len(fan_out.webhooks)
    hands_on = deliverer._replace(
        deadline=now + (deadline - now) * FAN_OUT_SHARE, fan_out=fan_out._replace(first_attempts=False)
    )
    runs = [
        new_run(
            deliverer=fan_out.deliverer_to(endpoint, deliverer, deadline=deadline),
            workers=new_workers(max(1, concurrency // count)),
            rate=endpoint.rate,
            endpoint=endpoint.name,
        )
        for endpoint in fan_out.webhooks
    ]
    first = new_run(deliverer=hands_on, workers=new_workers(concurrency), rate=0, timer=timer)
    return EndpointRuns(first, tuple(runs), new_workers(count))
