"""What to deploy at each size, and the model's runs of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, NamedTuple

from local.operator.capacity import Assumed, Measured
from tests.scale.parameters import Outage, Parameters
from tests.scale.system import Figures, System

HOUR, DAY = 3600, 86_400
BEGINS = 600
RETENTION_DAYS = 4
"""The least that RETENTION_SECONDS may be; the page counts with it and DELIVERED_RETENTION_SECONDS=0."""
STORE_LOAD, STORE_SHARD_GB = 0.5, 32
"""What a shard of the store is given at the most: of its one processor, and of memory."""
SHORT_HANG = Outage(60, 300, "hangs")
_JOBS_PER_SECOND = {SHORT_HANG.seconds: 20.0, HOUR: 1.0, DAY: 0.05}
OUTAGES = (Outage(BEGINS, HOUR), Outage(BEGINS, HOUR, "hangs"), Outage(BEGINS, DAY))


def _measured(meaning: str) -> float:
    figure: float = field(metadata={"meaning": meaning})
    return figure


@dataclass(frozen=True)
class Service:
    """What was measured for the page, in its words."""

    signature_ms: float = _measured("processor time of a signature, ms")
    event_ms: float = _measured("processor time of a pulled event until it is delivered, a half of it, ms")
    store_request_us: float = _measured("processor time of the store for a signature, µs")
    store_event_us: float = _measured("processor time of the store for a pulled event, µs")
    upload_bytes: float = _measured("bytes of an upload in the store")
    pending_bytes: float = _measured("bytes of an event that is not delivered")
    delivered_bytes: float = _measured(
        "bytes that a delivered event leaves, with what its upload keeps of it"
    )


class Architecture(NamedTuple):
    """A way to carry a load; `deployments` are stages with a sub-application of VOD and a store each.

    `loops`, `shards`, `rate` and `concurrency` are PULL_SHARDS, DELIVERY_SHARDS, DELIVERY_RATE and
    DELIVERY_CONCURRENCY of each; `reserved` is the share of concurrency of its callback, in instances.
    """

    uploads: int
    mode: Literal["push", "pull"]
    deployments: int
    loops: int
    shards: int
    rate: int
    reserved: int = 0
    read_back: bool = False
    concurrency: float = Assumed.workers
    app_ms: float = Assumed.webhook_ms

    def parameters(self, service: Service, *, outage: Outage, jobs: float) -> Parameters:
        """Return the parameters of one deployment, with so many jobs of the model a second."""
        own = (service.signature_ms, service.event_ms, service.upload_bytes, service.pending_bytes, 0, 0)
        settings = {
            "webhook_ms": self.app_ms,
            "pull_shards": max(1, self.loops),
            "delivery_rate": self.rate,
            "workers": self.concurrency,
            "delivery_shards": self.shards,
        }
        return Parameters(
            uploads=self.uploads / self.deployments,
            mode=self.mode,
            measured=Measured(*own),
            assumed=Assumed(**settings),
            instances=self.reserved,
            read_back=self.read_back,
            outage=outage,
            grain=self.uploads / self.deployments / jobs,
        )


ARCHITECTURES = (
    Architecture(10, "push", 1, 0, 1, 50, 50, read_back=True),
    Architecture(10, "pull", 1, 1, 1, 50),
    Architecture(100, "push", 1, 0, 2, 300, 350),
    Architecture(100, "pull", 1, 4, 2, 400),
    Architecture(1_000, "push", 1, 0, 16, 2_000, 3_300),
    Architecture(1_000, "pull", 2, 20, 8, 1_500),
    Architecture(10_000, "push", 10, 0, 16, 2_000, 3_300),
    Architecture(10_000, "pull", 20, 20, 8, 1_500),
)
HANGING = tuple(ARCHITECTURES[4]._replace(reserved=count) for count in (500, 1_500, 3_300))
SLOW_APPS = tuple(
    it._replace(app_ms=app_ms, concurrency=concurrency)
    for app_ms, concurrency in ((50, Assumed.workers), (2_000, 512))
    for it in ARCHITECTURES[4:6]
)


@cache
def run(it: Architecture, service: Service, outage: Outage) -> tuple[System, Figures]:
    """Run one deployment for an hour, or through an outage until what it left behind is delivered."""
    if it.deployments > 1:
        return run(it._replace(deployments=1, uploads=it.uploads // it.deployments), service, outage)
    jobs = _JOBS_PER_SECOND[outage.seconds or HOUR]
    system = System(it.parameters(service, outage=outage, jobs=jobs), even=True)
    until = outage.ends + 3 * outage.seconds if outage.seconds else HOUR
    return system, system.run(until, sample_seconds=max(10, outage.seconds / 360))


def store_gb(uploads: float, service: Service) -> float:
    """Return the GB that so many uploads a second keep in the store, each with one event."""
    each = service.upload_bytes + service.delivered_bytes
    return uploads * DAY * RETENTION_DAYS * each / 1e9


def store_shards(uploads: float, service: Service) -> int:
    """Return how many instances of Redis so many uploads a second need, by processor and by memory."""
    assumed = Assumed()
    requests = assumed.signatures + assumed.statuses
    busy = uploads * (requests * service.store_request_us + assumed.events * service.store_event_us) / 1e6
    return max(1, math.ceil(busy / STORE_LOAD), math.ceil(store_gb(uploads, service) / STORE_SHARD_GB))


def usd_a_day(it: Architecture, instances: float) -> float:
    """Return what the functions of all deployments cost a day, with so many instances at work."""
    assumed = Assumed()
    calls = it.uploads * (assumed.signatures + assumed.statuses + assumed.events * (it.mode == "push"))
    second = instances * assumed.memory_mb / 1024 * assumed.usd_gbs + calls / 10_000 * assumed.usd_calls
    return DAY * (second + it.uploads * assumed.traffic_kb / 1e6 * assumed.usd_gb)
