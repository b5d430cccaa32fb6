"""The engine against what queueing theory knows exactly, and the stations' own rules."""

from __future__ import annotations

import math
import random
import statistics
from typing import TYPE_CHECKING

import pytest

from tests.scale.engine import Level, Simulation, Station

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = 30_000


def times_in_system(
    rate: float, service: Callable[[random.Random], float], *, servers: int = 1, seed: int = 1
) -> tuple[Station, list[float]]:
    """Send a Poisson stream through a station; return it and how long each job was there."""
    simulation, draw = Simulation(), random.Random(seed)  # noqa: S311  # of a model
    station, times = Station(simulation, servers), list[float]()

    def arrive() -> None:
        began = simulation.now
        station.submit(1, lambda: service(draw), lambda: times.append(simulation.now - began))
        if len(times) < JOBS:
            simulation.after(draw.expovariate(rate), arrive)

    simulation.after(0, arrive)
    simulation.run(math.inf)
    return station, times


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_memoryless_service_waits_as_in_theory(load: float) -> None:
    """M/M/1: the mean time in the system is 1 / (service rate - arrival rate)."""
    _, times = times_in_system(load, lambda draw: draw.expovariate(1))

    assert statistics.fmean(times) == pytest.approx(1 / (1 - load), rel=0.04)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_constant_service_waits_half_as_long(load: float) -> None:
    """M/D/1 (Pollaczek and Khinchine): the mean wait is load / (2 (1 - load)) services."""
    _, times = times_in_system(load, lambda _: 1)

    assert statistics.fmean(times) - 1 == pytest.approx(load / (2 * (1 - load)), rel=0.04)


def test_several_servers_wait_as_erlang_says() -> None:
    """M/M/c, c = 4 at a load of 0.6: Erlang C gives the share of jobs that wait, and so the mean."""
    servers, offered = 4, 2.4
    last = offered**servers / math.factorial(servers) / (1 - offered / servers)
    waiting = last / (sum(offered**n / math.factorial(n) for n in range(servers)) + last)
    _, times = times_in_system(offered, lambda draw: draw.expovariate(1), servers=servers)

    assert statistics.fmean(times) == pytest.approx(1 + waiting / (servers - offered), rel=0.04)


def test_number_in_the_system_is_the_rate_times_the_time() -> None:
    """Little's law, exactly: over a whole run both count the same area."""
    station, times = times_in_system(0.7, lambda draw: draw.uniform(0, 2))
    passed = station._simulation.now  # noqa: SLF001  # when the last job had gone

    assert station.busy.mean + station.waiting.mean == pytest.approx(sum(times) / passed)


def test_same_seed_gives_the_same_run() -> None:
    """Nothing else decides, not even the order of what happens at the same instant."""
    runs = [times_in_system(0.7, lambda draw: draw.expovariate(1), seed=seed)[1] for seed in (3, 3, 4)]

    assert runs[0] == runs[1] != runs[2]


def test_heavy_job_takes_all_servers_for_as_many_turns() -> None:
    """A job of 10 at 4 servers of a second each takes all of them for 2.5 s; the next one waits for it."""
    simulation, ended = Simulation(), list[float]()
    station = Station(simulation, 4)
    for weight in (10, 4):
        station.submit(weight, lambda: 1.0, lambda: ended.append(simulation.now))
    simulation.run(math.inf)

    assert ended == [2.5, 3.5]
    assert station.busy.peak == 4


def test_run_stops_at_its_end_or_when_told() -> None:
    """What is planned for later does not happen, and can happen in a further run."""
    simulation, seen = Simulation(), list[float]()
    for instant in (1, 2, 3, 4):
        simulation.at(instant, lambda: seen.append(simulation.now))
    simulation.at(2, simulation.end)
    simulation.run(3)
    assert simulation.now == 2
    simulation.run(3.5)

    assert (seen, simulation.now) == ([1, 2, 3], 3.5)


def test_level_is_averaged_over_time() -> None:
    """One that was 3 for a second and 1 for three has a mean of 1.5."""
    simulation = Simulation()
    level = Level(simulation)
    assert level.mean == 0
    level.add(3)
    simulation.at(1, lambda: level.add(-2))
    simulation.run(4)

    assert (level.mean, level.peak) == (1.5, 3)
