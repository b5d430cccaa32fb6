"""The table of what a deployment carries: from measured figures, by stated rules, as the page shows it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest
import yaml

from local.deploy.serverless_file import functions_in
from local.operator.capacity import (
    TIMER_PERIOD,
    TIMER_SECONDS,
    Assumed,
    Capacity,
    Measured,
    read_measured,
    report,
)
from local.operator.capacity_command import INSTANCES, PERFORMANCE
from local.repository import REPOSITORY

MEASURED = Measured(
    signature_ms=1, event_ms=2, upload_bytes=1000, event_bytes=500, tombstone_bytes=100, resident_mb=20
)
ASSUMED = Assumed(slowdown=2, platform_ms=5, store_ms=1, vod_ms=90, webhook_ms=100, signatures=1, statuses=1)
PAGE = (REPOSITORY / "docs" / "capacity.md").read_text(encoding="utf-8")


def capacity(instances: int = 100, **changes: float) -> Capacity:
    """Return the capacity with round figures, some assumptions changed."""
    return Capacity(MEASURED, dataclasses.replace(ASSUMED, **changes), instances)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "local", "capacity", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_page_shows_what_the_command_prints() -> None:
    """The tables of docs/capacity.md are those of today's measured figures and defaults."""
    printed = run()

    assert printed.stderr == ""
    assert f"\n\n{printed.stdout}\n" in PAGE


def test_figures_are_those_of_the_performance_page() -> None:
    """Each figure is read where `make bench` has its table; the largest function is the one that counts."""
    page = (
        "## Cold start\n| `a` | 1 | 17 MB |\n| `b` | 1 | 31 MB |\n### In instructions\n| `c` | 99 MB |\n"
        "## Warm path\n| `upload_signature` | 3,892 | 0.26 (0.25\n"
        "| `event_notification` | 4,202 | 0.24 (0.23\n"
        "## Growth\n1,004 bytes an upload with its file, 1,740 bytes an event of 1.4 KB, "
        "140 bytes a delivered one.\n"
    )

    assert read_measured(page) == Measured(
        signature_ms=0.26,
        event_ms=0.24,
        upload_bytes=1004,
        event_bytes=1740,
        tombstone_bytes=140,
        resident_mb=31,
    )


@pytest.mark.parametrize("title", ["Cold start", "Warm path", "Growth"])
def test_figure_that_is_missing_is_an_error(title: str) -> None:
    """A table that was laid out anew is not read as nothing."""
    page = PERFORMANCE.read_text(encoding="utf-8").replace(f"## {title}\n", "## Another\n")

    with pytest.raises(ValueError, match=r"docs/performance\.md has no figure of the form"):
        read_measured(page)


def test_times_add_up() -> None:
    """A request: 2 ms of its own, 1 of the store, 5 of the platform; an event: 4, 5, 5, and 280 of waits."""
    assert capacity().signature_seconds == pytest.approx(0.008)
    assert capacity().push_seconds == pytest.approx(0.294)
    assert capacity().upload_seconds == pytest.approx(0.310)


def test_pushed_uploads_grow_with_the_instances() -> None:
    """What holds an instance for 0.31 s is done 323 times a second by 100."""
    assert capacity(100).pushed_uploads == pytest.approx(100 / 0.310)
    assert capacity(200).pushed_uploads == pytest.approx(200 / 0.310)
    assert capacity(100).pushed_events == pytest.approx(100 / 0.294)
    assert capacity(100).store_calls == pytest.approx(100 / 0.310 * 7)


def test_pulled_uploads_are_bound_by_the_timers() -> None:
    """More instances journal and deliver no more: the lesser of both is the limit."""
    assert capacity().pulled_events == pytest.approx(16 / (0.180 + 16 * 0.004 + 0.003) * 38 / 60)
    assert capacity(1000).pulled_uploads == capacity(100).pulled_uploads
    assert capacity(delivery_rate=9).pulled_uploads == pytest.approx(9 * 36.75 / 60)
    assert capacity(delivery_rate=9, events=4).pulled_uploads == pytest.approx(9 * 36.75 / 60 / 4)


def test_timers_deliver_what_rate_workers_and_processor_allow() -> None:
    """The rate that is set, however fast the endpoint answers; 64 at once to a slow one; 4 ms for each.

    In 12 of the 36.75 seconds both timers deliver, and shards after the first do for 13.25 more.
    """
    assert capacity(webhook_ms=1).timer_deliveries == pytest.approx(50 * 36.75 / 60)
    assert capacity(webhook_ms=3992).timer_deliveries == pytest.approx(64 / 4 * (2 * 12 + 24.75) / 60)
    assert capacity(delivery_rate=999).timer_deliveries == pytest.approx(250 * (2 * 12 + 24.75) / 60)
    sharded = capacity(delivery_rate=900, delivery_shards=4, pull_shards=2).timer_deliveries
    assert sharded == pytest.approx((900 * 36.75 + 750 * 13.25) / 60)


def test_loops_pull_together_until_no_more_calls_may_be_made() -> None:
    """Each further loop pulls as much; together they make VOD_CALLS_PER_SECOND at most."""
    one = capacity().pulled_events

    assert capacity(pull_shards=8).pulled_events == pytest.approx(8 * one)
    assert capacity(pull_shards=32).pulled_events == pytest.approx(1280 * 38 / 60)
    assert capacity(pull_shards=32, vod_calls=90).pulled_events == pytest.approx(1440 * 38 / 60)


def test_few_instances_bind_pulled_uploads_too() -> None:
    """Where signatures take all instances, uploads are bound by them and not by the timers."""
    assert capacity(1, signatures=200, statuses=200).pulled_uploads == pytest.approx(1 / 3.2)


def test_store_and_cost_follow_from_the_uploads() -> None:
    """What is kept is a day's million times the retention; charged are time, calls and bytes."""
    figures = {"usd_gbs": 0.00002, "usd_calls": 0.002, "usd_gb": 0.1, "memory_mb": 512, "traffic_kb": 20}

    assert capacity(retention_days=10).store_gb == pytest.approx(11.5)
    assert capacity(256, memory_mb=128).memory_gb == 32
    assert capacity(100, **figures).usd_million == pytest.approx(3.10 + 0.6 + 2)


def test_every_figure_is_shown_with_its_kind_and_its_option() -> None:
    """Nobody has to guess what was measured and what was assumed."""
    text = report(MEASURED, ASSUMED, list(INSTANCES))

    assert text.count(" | measured |") == len(dataclasses.fields(Measured))
    for it in dataclasses.fields(Assumed):
        assert f"`--{it.name.replace('_', '-')}` |" in text


def test_json_has_the_same_figures_for_programs() -> None:
    """What was put in, and the figures of each number of instances, unrounded."""
    printed = json.loads(run("--json", "--instances", "50", "--slowdown", "3").stdout)
    [column] = printed["capacities"]

    assert (printed["assumed"]["slowdown"], column["instances"]) == (3, 50)
    measured, assumed = Measured(**printed["measured"]), Assumed(**printed["assumed"])
    assert column["pushed_uploads"] == Capacity(measured, assumed, 50).pushed_uploads


def test_options_replace_assumptions() -> None:
    """A column for each number of instances, with the figures that were given."""
    printed = run("--instances", "1", "2", "--vod-ms", "300")

    assert "| Comes out | 1 instances | 2 instances |" in printed.stdout
    assert "| milliseconds of a call of VOD's API | 300 |" in printed.stdout


@pytest.mark.parametrize(
    "words", [["--instances", "0"], ["--instances", "x"], ["--store-ms", "0"], ["--vod-ms", "nan"]]
)
def test_number_that_is_none_is_refused(words: list[str]) -> None:
    """Wrong usage is told by the option's name."""
    printed = run(*words)

    assert printed.returncode == 2
    assert f"argument {words[0]}:" in printed.stderr


def test_timers_are_as_in_the_deployed_file() -> None:
    """Both timers have the time limit and the period that the table counts with."""
    file = yaml.safe_load((REPOSITORY / "serverless.yml").read_text(encoding="utf-8"))
    limits = {functions_in(file)[name]["timeout"] for name in ("reliable_notification", "event_delivery")}
    fields = [
        trigger["parameters"]["cronExpression"].split()
        for trigger in file["inputs"]["triggers"]
        if trigger["type"] == "timer"
    ]

    assert limits == {TIMER_SECONDS}
    assert [field[1:] for field in fields] == [["*"] * 6] * 2
    assert TIMER_PERIOD == 60
