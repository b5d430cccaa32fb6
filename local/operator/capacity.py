"""What a deployment of so many instances carries, worked out from measured figures and stated assumptions.

An event function serves one request at a time (doc 583/9694), so a second of an instance is what everything
costs. Times are in milliseconds, sizes in bytes, rates by the second.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from functions.event_delivery import DELIVERIES_SHARE
from shared.flows.delivery_run import LEAST_SECONDS
from shared.flows.pull_events import CONFIRM_SECONDS, PULL_SECONDS
from shared.runtime.invocation import deadline_of
from shared.schema.models.settings import VodApiSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

STORE_CALLS: Mapping[str, int] = {"signature": 1, "status": 1, "push": 5, "batch": 3, "delivery": 4}
"""Round trips to the store: of a push with read-back and delivery, a pulled batch, and a timer's delivery.

Each call of VOD's API is one of them, which takes it out of the budget.
"""
READ_BACK_CALLS = 2
"""Calls of VOD's API by which an upload's event is read back: of the file, and of its tasks."""
PULLED_AT_ONCE = 16
"""Events of one call of PullEvents (doc 266/34183)."""
TIMER_SECONDS, TIMER_PERIOD = 55, 60
"""Time limit and period of both timers in `serverless.yml`."""
_MILLION = 1_000_000


def _said(kind: str, meaning: str, *, default: float) -> float:
    """Declare one figure: its kind (`measured`, `assumed`, `price`) and what it means."""
    figure: float = field(default=default, metadata={"kind": kind, "meaning": meaning})
    return figure


@dataclass(frozen=True)
class Measured:
    """The figures of docs/performance.md that the table needs."""

    signature_ms: float = field(metadata={"meaning": "processor time of a warm signature"})
    event_ms: float = field(metadata={"meaning": "processor time of a warm ingestion"})
    upload_bytes: float = field(metadata={"meaning": "bytes of an upload with its file in the store"})
    event_bytes: float = field(metadata={"meaning": "bytes of an event in the store, while it is kept whole"})
    tombstone_bytes: float = field(metadata={"meaning": "bytes of an event in the store after that"})
    resident_mb: float = field(metadata={"meaning": "memory of an instance, in MB: the largest function"})


@dataclass(frozen=True)
class Assumed:
    """What was not measured here, and is to be replaced by figures of one's own."""

    slowdown: float = _said("assumed", "times the measured processor time, at 256 MB", default=4)
    platform_ms: float = _said("assumed", "milliseconds that the platform adds to an invocation", default=5)
    store_ms: float = _said("assumed", "milliseconds of a round trip to Redis", default=1)
    vod_ms: float = _said("assumed", "milliseconds of a call of VOD's API", default=150)
    webhook_ms: float = _said("assumed", "milliseconds until the app's endpoint has answered", default=100)
    signatures: float = _said("assumed", "signatures of an upload", default=3)
    statuses: float = _said("assumed", "status requests of an upload", default=3)
    events: float = _said("assumed", "events of an upload", default=1)
    pull_shards: float = _said("assumed", "loops that pull VOD's queue, as PULL_SHARDS", default=1)
    vod_calls: float = _said(
        "assumed",
        "calls of an action of VOD's API a second, as VOD_CALLS_PER_SECOND",
        default=VodApiSettings.model_fields["vod_calls_per_second"].default,
    )
    memory_mb: float = _said("assumed", "MB of an instance, as in serverless.yml", default=256)
    retention_days: float = _said(
        "assumed", "days that the store keeps an upload, as RETENTION_SECONDS", default=7
    )
    delivered_days: float = _said(
        "assumed", "days that it keeps an event whole, as DELIVERED_RETENTION_SECONDS", default=1
    )
    delivery_rate: float = _said("assumed", "deliveries a second at most, as DELIVERY_RATE", default=50)
    workers: float = _said("assumed", "deliveries at once in a run, as DELIVERY_CONCURRENCY", default=64)
    delivery_shards: float = _said("assumed", "runs that deliver, as DELIVERY_SHARDS", default=1)
    traffic_kb: float = _said("assumed", "KB an upload to the public network", default=15)
    usd_gbs: float = _said("price", "USD for a GB-second", default=0.0000167)
    usd_calls: float = _said("price", "USD for 10,000 invocations", default=0.002)
    usd_gb: float = _said("price", "USD for a GB of traffic", default=0.12)


@dataclass(frozen=True)
class Capacity:
    """The limits of a deployment; `instances` are all that its functions may have at once."""

    measured: Measured
    assumed: Assumed
    instances: int

    @property
    def requests_seconds(self) -> float:
        """The time of instances for the requests of an upload."""
        return (self.assumed.signatures + self.assumed.statuses) * self.signature_seconds

    def own_seconds(self, processor_ms: float, store_calls: int) -> float:
        """Return the time of something with so much processor time, as measured, and round trips."""
        return (processor_ms * self.assumed.slowdown + store_calls * self.assumed.store_ms) / 1000

    def held_seconds(self, processor_ms: float, store_calls: int, waits_ms: float = 0) -> float:
        """Return the time for which such an invocation, which also waits, holds an instance."""
        return self.own_seconds(processor_ms, store_calls) + (self.assumed.platform_ms + waits_ms) / 1000

    @property
    def signature_seconds(self) -> float:
        """The time for which a signature, or a status request, holds an instance."""
        return self.held_seconds(self.measured.signature_ms, STORE_CALLS["signature"])

    @property
    def push_seconds(self) -> float:
        """The time for which a pushed event holds an instance: journal, read-back, delivery."""
        waits = READ_BACK_CALLS * self.assumed.vod_ms + self.assumed.webhook_ms
        return self.held_seconds(self.measured.event_ms, STORE_CALLS["push"], waits)

    @property
    def upload_seconds(self) -> float:
        """The time of instances for an upload whose events are pushed."""
        return self.requests_seconds + self.assumed.events * self.push_seconds

    @property
    def pushed_uploads(self) -> float:
        """Uploads a second if VOD pushes."""
        return self.instances / self.upload_seconds

    @property
    def pushed_events(self) -> float:
        """Events a second that the callback takes and delivers with all instances."""
        return self.instances / self.push_seconds

    @property
    def pulled_events(self) -> float:
        """Events a second that the loops journal: each pulls, journals a batch, confirms it, and repeats.

        All loops together make no more calls than the deployment may.
        """
        journal = self.own_seconds(PULLED_AT_ONCE * self.measured.event_ms, STORE_CALLS["batch"])
        batch = 2 * self.assumed.vod_ms / 1000 + journal
        working = _timer_deadline() - PULL_SECONDS - CONFIRM_SECONDS
        batches = min(self.assumed.pull_shards / batch, self.assumed.vod_calls)
        return PULLED_AT_ONCE * batches * working / TIMER_PERIOD

    @property
    def timer_deliveries(self) -> float:
        """Pulled events a second that the timers deliver to one endpoint.

        What bounds a run is how many it sends at once, or its processor; all together, the rate that is set.
        The pulling timer delivers in the time that pulling leaves when the queue is long; half a minute after
        it the other begins, so that both deliver then. Pulled events are VOD's own word, and are not read
        back.
        """
        own = self.own_seconds(self.measured.event_ms, STORE_CALLS["delivery"])
        at_once = self.assumed.workers / (own + self.assumed.webhook_ms / 1000)
        processor = self.own_seconds(self.measured.event_ms, 0)
        most, of_a_run = self.assumed.delivery_rate, min(at_once, 1 / processor)
        after_pulling = PULL_SECONDS + CONFIRM_SECONDS - LEAST_SECONDS
        delivering = _timer_deadline() * DELIVERIES_SHARE - LEAST_SECONDS
        # The first shard looks after uploads in the rest of its time.
        others = _timer_deadline() - LEAST_SECONDS - delivering
        pullers, runs = self.assumed.pull_shards, self.assumed.delivery_shards
        working = ((pullers + runs, after_pulling), (runs, delivering - after_pulling), (runs - 1, others))
        delivered = sum(min(most, count * of_a_run) * seconds for count, seconds in working)
        return delivered / TIMER_PERIOD

    @property
    def pulled_uploads(self) -> float:
        """Uploads a second if events are pulled: what is delivered, or else what is signed, is the limit."""
        events = min(self.pulled_events, self.timer_deliveries) / self.assumed.events
        return min(events, self.instances / self.requests_seconds)

    @property
    def store_calls(self) -> float:
        """Round trips to the store a second at `pushed_uploads`."""
        requests = self.assumed.signatures * STORE_CALLS["signature"]
        requests += self.assumed.statuses * STORE_CALLS["status"]
        return self.pushed_uploads * (requests + self.assumed.events * STORE_CALLS["push"])

    @property
    def store_gb(self) -> float:
        """GB of the store for a million uploads a day."""
        of_event = (
            self.measured.event_bytes * self.assumed.delivered_days
            + self.measured.tombstone_bytes * self.assumed.retention_days
        )
        kept = self.measured.upload_bytes * self.assumed.retention_days + self.assumed.events * of_event
        return kept * _MILLION / 1e9

    @property
    def memory_gb(self) -> float:
        """GB that the instances have together."""
        return self.instances * self.assumed.memory_mb / 1024

    @property
    def usd_million(self) -> float:
        """USD for the functions' part of a million uploads."""
        assumed = self.assumed
        calls = _MILLION * (assumed.signatures + assumed.statuses + assumed.events)
        gbs = _MILLION * self.upload_seconds * assumed.memory_mb / 1024
        traffic = _MILLION * assumed.traffic_kb / 1e6
        return gbs * assumed.usd_gbs + calls / 10_000 * assumed.usd_calls + traffic * assumed.usd_gb


def read_measured(page: str) -> Measured:
    """Read the figures from the text of docs/performance.md.

    Raises:
        ValueError: the page has no such figure where it is looked for.

    """
    cold = page.partition("## Cold start")[2].partition("\n### ")[0]
    warm = page.partition("## Warm path")[2].partition("\n## ")[0]
    growth = page.partition("## Growth")[2].partition("\n## ")[0]
    return Measured(
        signature_ms=_number(r"^\| `upload_signature` \| [\d,]+ \| ([\d.]+) \(", warm),
        event_ms=_number(r"^\| `event_notification` \| [\d,]+ \| ([\d.]+) \(", warm),
        upload_bytes=_number(r"([\d,]+) bytes an upload with its file", growth),
        event_bytes=_number(r"([\d,]+) bytes an event of", growth),
        tombstone_bytes=_number(r"([\d,]+) bytes a delivered one", growth),
        resident_mb=max(_numbers(r"\| (\d+) MB \|$", cold)),
    )


FIGURES = (
    *("pushed_uploads", "pulled_uploads", "pushed_events", "pulled_events", "timer_deliveries"),
    *("store_calls", "memory_gb", "store_gb", "usd_million"),
)
"""The properties of `Capacity` in a document for programs."""


def document(measured: Measured, assumed: Assumed, instances: list[int]) -> dict[str, object]:
    """Return what was put in, and what comes out for each number of instances, for programs."""
    capacities = [Capacity(measured, assumed, count) for count in instances]
    return {
        "measured": asdict(measured),
        "assumed": asdict(assumed),
        "capacities": [
            {"instances": it.instances, **{name: getattr(it, name) for name in FIGURES}} for it in capacities
        ],
    }


def report(measured: Measured, assumed: Assumed, instances: list[int]) -> str:
    """Format what was put in and what comes out, as two tables in Markdown."""
    given = [
        *(
            f"| {it.metadata['meaning']} | {getattr(measured, it.name):.4g} | measured |"
            for it in fields(measured)
        ),
        *(
            f"| {it.metadata['meaning']} | {_plain(getattr(assumed, it.name))} | {it.metadata['kind']}, "
            f"`--{it.name.replace('_', '-')}` |"
            for it in fields(assumed)
        ),
    ]
    capacities = [Capacity(measured, assumed, count) for count in instances]
    rows = {
        "uploads a second, events pushed": [f"{it.pushed_uploads:,.0f}" for it in capacities],
        "uploads a second, events pulled": [f"{it.pulled_uploads:,.1f}" for it in capacities],
        "events a second, pushed, if all instances take them": [
            f"{it.pushed_events:,.0f}" for it in capacities
        ],
        "events a second, pulled and journaled": [f"{it.pulled_events:,.0f}" for it in capacities],
        "deliveries a second by the timers, to one endpoint": [
            f"{it.timer_deliveries:,.1f}" for it in capacities
        ],
        "round trips to the store a second, at the first row": [
            f"{it.store_calls:,.0f}" for it in capacities
        ],
        "connections to the store": [f"{it.instances:,}" for it in capacities],
        "GB of memory of the instances": [f"{it.memory_gb:,.1f}" for it in capacities],
        "GB in the store, a million uploads a day": [f"{it.store_gb:,.1f}" for it in capacities],
        "USD for the functions, a million uploads": [f"{it.usd_million:,.2f}" for it in capacities],
    }
    heads = " | ".join(f"{count:,} instances" for count in instances)
    return "\n".join(
        [
            "| Put in | | |",
            "|---|--:|---|",
            *given,
            "",
            f"| Comes out | {heads} |",
            f"|---|{'--:|' * len(instances)}",
            *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()),
            "",
        ]
    )


def _timer_deadline() -> float:
    return deadline_of({"time_limit_in_ms": TIMER_SECONDS * 1000}, started=0)


def _plain(number: float) -> str:
    return f"{number:.7f}".rstrip("0").rstrip(".")


def _number(pattern: str, text: str) -> float:
    return _numbers(pattern, text)[0]


def _numbers(pattern: str, text: str) -> list[float]:
    if found := re.findall(pattern, text, re.MULTILINE):
        return [float(number.replace(",", "")) for number in found]
    message = f"docs/performance.md has no figure of the form {pattern}"
    raise ValueError(message)
