"""The model against the steady-state arithmetic, against itself at other grains, and in outages."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from local.operator.capacity import Assumed, Measured
from tests.scale.pace import FAILURES, Pace
from tests.scale.parameters import FAILING_SECONDS, Outage, Parameters
from tests.scale.system import System

MEASURED = Measured(
    signature_ms=0.5, event_ms=0.6, upload_bytes=1000, event_bytes=1500, tombstone_bytes=140, resident_mb=30
)
PUSH = Parameters(
    uploads=40,
    mode="push",
    measured=MEASURED,
    assumed=Assumed(delivery_rate=100),
    instances=200,
)
PULL = replace(PUSH, mode="pull", assumed=Assumed(delivery_rate=100, pull_shards=2))
OUTAGE = Outage(120, 600)


def test_instances_and_store_calls_are_those_of_the_capacity() -> None:
    """Pushed: what all invocations of an upload take together, times the uploads a second."""
    system = System(PUSH)
    figures = system.run(600)

    busy = system.instances.busy.mean + system.requests.mean
    assert busy == pytest.approx(40 * PUSH.capacity.upload_seconds, rel=0.03)
    assert figures.store_calls / 600 == pytest.approx(busy * PUSH.capacity.store_calls / 200, rel=0.03)
    assert (figures.refused, figures.dead) == (0, 0)


@pytest.mark.parametrize("loops", [1, 8])
def test_long_queue_is_pulled_as_fast_as_the_capacity_says(loops: int) -> None:
    """One loop, and several, each in the time of its runs."""
    given = replace(PULL, uploads=500, assumed=Assumed(pull_shards=loops), grain=8)
    figures = System(given, even=True).run(900)

    assert 16 * len(figures.pulls) / 900 == pytest.approx(given.capacity.pulled_events, rel=0.05)


def test_all_loops_together_make_no_more_calls_than_are_set() -> None:
    """However many loops there are, pulls begin an eightieth of a second apart."""
    given = replace(PULL, uploads=10_000, assumed=Assumed(pull_shards=64), grain=16)
    pulls = System(given, even=True).run(60).pulls

    assert min(later - earlier for earlier, later in pairwise(pulls)) == pytest.approx(1 / 80)


@pytest.mark.parametrize("given", [PUSH, PULL], ids=lambda it: it.mode)
def test_grain_changes_little(given: Parameters) -> None:
    """A job that stands for many uploads gives the backlog and the time to drain of as many jobs."""
    figures = []
    for grain in (1, 20):
        system = System(replace(given, outage=OUTAGE, grain=grain), even=True)
        figures.append((system.run(10_000).drained_at, system.backlog.peak))

    assert figures[1] == pytest.approx(figures[0], rel=0.03)


def test_same_seed_gives_the_same_run() -> None:
    """The figures in the documents can be compared."""
    runs = [System(replace(PUSH, grain=10, outage=OUTAGE), seed=seed).run(3600) for seed in (1, 1, 2)]

    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("given", [PUSH, PULL], ids=lambda it: it.mode)
def test_outage_holds_up_what_came_in_it_and_no_more(given: Parameters) -> None:
    """Nothing is lost, and the backlog ends."""
    system = System(replace(given, outage=OUTAGE, grain=4))
    figures = system.run(10_000)

    assert figures.drained_at is not None
    assert system.backlog.peak <= 1.1 * 40 * (OUTAGE.seconds + 60)
    assert (figures.refused, figures.dead) == (0, 0)
    assert figures.delivered + system.backlog.value == pytest.approx(40 * figures.drained_at, rel=0.05)


def test_hanging_app_takes_instances_until_callbacks_are_refused() -> None:
    """An inline attempt holds an instance for three seconds: 40 a second need 120, for a minute."""
    hanging = replace(PUSH, outage=Outage(0, 300, "hangs"))
    first_minute, few, enough = (
        System(replace(hanging, instances=count)).run(seconds).refused
        for count, seconds in ((60, FAILING_SECONDS), (60, 299), (160, 299))
    )

    assert first_minute / (FAILING_SECONDS * 40) == pytest.approx(0.5, abs=0.05)
    assert few / (299 * 40) == pytest.approx(0.1, abs=0.02)
    assert enough == 0


def test_callbacks_read_back_no_more_than_calls_are_set() -> None:
    """Of 200 pushed uploads a second all but 80 find the calls used up, and are for the timer."""
    answers = System(replace(PUSH, uploads=200, instances=500)).run(29).answers

    assert sum(seconds > 0.3 for seconds in answers) / 29 == pytest.approx(80, rel=0.06)


def test_endpoint_that_fails_is_probed_and_then_given_twice_as_much_each_second() -> None:
    """One a second after ten failures; then 2, 4, 8 up to the rate."""
    pace = Pace(100)
    for _ in range(FAILURES):
        assert not pace.is_probing
        pace.note(0, 1, delivered=False)
    pace.take(0, 1, slowest=0)
    assert (pace.is_probing, pace.next_at) == (True, 1)

    gaps = []
    for second in range(10, 20):
        pace.note(second, 1, delivered=True)
        pace.take(second, 1, slowest=0)
        gaps.append(round(1 / (pace.next_at - second)))
    assert gaps == [2, 4, 8, 16, 32, 64, 100, 100, 100, 100]


@pytest.mark.parametrize("rate", [10, 100])
def test_timers_deliver_as_many_as_the_capacity_says(rate: float) -> None:
    """A long queue of due events is delivered at the set rate, in the time of the runs."""
    given = replace(PULL, uploads=200, assumed=Assumed(delivery_rate=rate, pull_shards=8), grain=4)
    figures = System(given, even=True).run(930)

    assert figures.delivered / 900 == pytest.approx(given.capacity.timer_deliveries, rel=0.06)
