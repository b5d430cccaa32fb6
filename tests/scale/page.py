"""The tables and plots of docs/scale.md."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from tests.bench.plots import over_time
from tests.scale.parameters import Outage
from tests.scale.sizes import (
    ARCHITECTURES,
    DAY,
    HANGING,
    HOUR,
    OUTAGES,
    SHORT_HANG,
    SLOW_APPS,
    Service,
    run,
    store_gb,
    store_shards,
    usd_a_day,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.scale.real_runs import Row

MOST_ERROR = 0.15


def tables(service: Service) -> list[str]:
    """Return the tables that follow from the measured figures."""
    return [what_to_deploy(service), outages(service), hanging(service), slow_apps(service)]


def what_to_deploy(service: Service) -> str:
    """Return the table of architectures, with what a model of an hour without an outage counts."""
    rows = []
    for it in ARCHITECTURES:
        system, figures = run(it, service, Outage())
        times, uploads = it.deployments, it.uploads / it.deployments
        calls = figures.store_calls / HOUR
        levels = (system.requests.mean, system.instances.busy.mean, system.delivery.instances.mean)
        busy = [level * times for level in levels]
        rows.append(
            (
                f"{it.uploads:,}",
                it.mode,
                times,
                it.loops or "",
                it.shards,
                f"{it.rate:,}",
                ("on" if it.read_back else "off") if it.mode == "push" else "",
                *(f"{level:,.0f}" for level in busy),
                f"{it.reserved * times:,}" if it.reserved else "",
                f"{calls * times:,.0f}",
                f"{store_gb(it.uploads, service):,.0f}",
                times * store_shards(uploads, service),
                f"{usd_a_day(it, sum(busy)):,.0f}",
            )
        )
    return table(
        "uploads a second|mode|deployments|`PULL_SHARDS`|`DELIVERY_SHARDS`|`DELIVERY_RATE`|`READ_BACK`"
        "|instances: requests|callback|timers|reserved for the callback|store: round trips a second|GB"
        "|instances of Redis|USD a day",
        rows,
    )


def outages(service: Service) -> str:
    """Return the table of what an outage of the app leaves behind in all deployments."""
    rows = []
    for it in ARCHITECTURES:
        for outage in OUTAGES:
            system, figures = run(it, service, outage)
            backlog = system.backlog.peak * it.deployments
            hours = None if figures.drained_at is None else (figures.drained_at - outage.ends) / HOUR
            rows.append(
                (
                    f"{it.uploads:,}",
                    it.mode,
                    f"{'a day' if outage.seconds == DAY else 'an hour'}, {outage.kind}",
                    f"{backlog:,.0f}",
                    f"{max(sample.age for sample in figures.samples) / HOUR:.1f} h",
                    "not" if hours is None else f"{hours:.1f} h",
                    f"{backlog * service.pending_bytes / 1e9:,.1f}",
                )
            )
    return table(
        "uploads a second|mode|outage|events waiting at most|the oldest|gone after its end"
        "|GB more in the store",
        rows,
    )


def hanging(service: Service) -> str:
    """Return the table of shares of concurrency for the callback, while the app hangs."""
    rows = []
    for it in HANGING:
        refused = run(it, service, SHORT_HANG)[1].refused / (it.uploads * SHORT_HANG.seconds)
        rows.append((f"{it.reserved:,}", f"{refused:.0%}"))
    return table("instances reserved for the callback|events refused while the app hangs", rows)


def slow_apps(service: Service) -> str:
    """Return the table of a fast and a slow app at 1,000 uploads a second."""
    rows = []
    for it in SLOW_APPS:
        system, figures = run(it, service, Outage())
        late = [sample for sample in figures.samples if sample.at > HOUR / 2]
        rows.append(
            (
                f"{it.app_ms / 1000:g} s",
                it.mode,
                it.concurrency,
                f"{system.instances.busy.mean * it.deployments:,.0f}",
                f"{max(sample.backlog for sample in late) * it.deployments:,.0f}",
                f"{max(sample.age for sample in late):.0f} s",
            )
        )
    return table(
        "app answers after|mode|`DELIVERY_CONCURRENCY`|callback instances|events waiting at most|the oldest",
        rows,
    )


def pictures(service: Service) -> dict[str, str]:
    """Draw the backlog and its age through an outage of an hour, and the backlog through one of a day."""
    thousand = [it for it in ARCHITECTURES if it.uploads == 1_000]
    note = "1,000 uploads a second; the outage begins after ten minutes"

    def lines(outage: Outage, what: str, unit: float) -> dict[str, list[tuple[float, float]]]:
        return {
            it.mode: [
                (
                    sample.at / HOUR,
                    getattr(sample, what) * (it.deployments if what == "backlog" else 1) / unit,
                )
                for sample in run(it, service, outage)[1].samples
            ]
            for it in thousand
        }

    hour, _, day = OUTAGES
    return {
        "scale-hour.svg": over_time(
            "Events that wait: the app refuses for an hour",
            note,
            lines(hour, "backlog", 1e6),
            x="h",
            y="million",
        ),
        "scale-age.svg": over_time(
            "The oldest of them: the app refuses for an hour", note, lines(hour, "age", HOUR), x="h", y="h"
        ),
        "scale-day.svg": over_time(
            "Events that wait: the app refuses for a day",
            note,
            lines(day, "backlog", 1e6),
            x="h",
            y="million",
        ),
    }


def measured_table(service: Service) -> str:
    """Return the table of the measured figures, which `service_in` reads again."""
    return table(
        "measured|", [(it.metadata["meaning"], f"{getattr(service, it.name):.4g}") for it in fields(Service)]
    )


def service_in(page: str) -> Service:
    """Read the measured figures from the page.

    Raises:
        StopIteration: there is none of that name.

    """
    lines = [line.strip("| ").rpartition(" | ") for line in page.splitlines()]
    return Service(
        **{
            it.name: next(float(value) for name, _, value in lines if name == it.metadata["meaning"])
            for it in fields(Service)
        }
    )


def real_table(rows: Sequence[Row], machine: str) -> str:
    """Return the table of real runs beside the model's, with the machine."""
    cells = [
        (row.figure, f"{row.real:.2f} s", f"{row.model:.2f} s", f"{row.model / row.real - 1:+.0%}")
        for row in rows
    ]
    return table("on this machine|really|the model|difference", [*cells, (machine, "", "", "")])


def table(head: str, rows: Sequence[Sequence[object]]) -> str:
    """Format a table in Markdown; `head` has the names of its columns, and numbers stand at the right."""
    names = head.split("|")
    rule = "|".join("--:" if number else "---" for number in range(len(names)))
    lines = [" | ".join(map(str, row)) for row in rows]
    return "\n".join([f"| {' | '.join(names)} |", f"|{rule}|", *(f"| {line} |" for line in lines)]) + "\n"


def with_tables(page: str, tables: list[str]) -> str:
    """Return the page with each table in the place of the one with the same head.

    Raises:
        ValueError: the page has no such table.

    """
    for text in tables:
        head = text.partition("\n")[0] + "\n"
        before, found, rest = page.partition(head)
        if not found:
            raise ValueError(f"The page has no table that begins {head[:60]!r}.")
        after = rest[rest.index("\n\n") + 1 :]
        page = before + text + after
    return page
