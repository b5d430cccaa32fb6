"""The simulation itself: it repeats, its clock is the store's, and its planted faults are still faults."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from local.repository import REPOSITORY
from tests.simulation.planted_search import ALL_PLANTED, plant
from tests.simulation.scheduler import Scheduler
from tests.simulation.virtual_store import VirtualStore, faketime_library
from tests.simulation.world import START, simulate

SEED, DAYS = 7, 0.1
SEEDS = [
    line.split()
    for line in (Path(__file__).parent / "seeds.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]
needs_faketime = pytest.mark.skipif(not faketime_library(), reason="libfaketime is not installed")


@needs_faketime
def test_store_expires_keys_when_virtual_time_moves(tmp_path: Path) -> None:
    """A key of a hundred seconds is there until virtual time has moved by a hundred."""
    scheduler = Scheduler(1, start=START)
    with VirtualStore(tmp_path, scheduler) as store, redis.Redis.from_url(store.url) as client:
        client.set("key", "1", ex=100)
        seconds = []
        for moved in (0, 99, 101):
            scheduler.now = START + moved
            store.show_now()
            seconds.append((client.time()[0], client.ttl("key")))

    assert seconds == [(START, 100), (START + 99, 1), (START + 101, -2)]


@needs_faketime
def test_one_seed_is_one_run() -> None:
    """The same seed makes the same steps, in another process with other hashes as well."""
    outcome = simulate(SEED, days=DAYS)
    program = f"from tests.simulation.world import simulate; print(simulate({SEED}, days={DAYS}).digest)"
    elsewhere = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert outcome.violation is None
    assert elsewhere.stdout.strip() == outcome.digest
    first, second = (Scheduler(seed, start=START).random_of("world").random() for seed in (SEED, SEED + 1))
    assert first != second


@needs_faketime
@pytest.mark.parametrize(("seed", "days", "steps", "features"), SEEDS)
def test_seed_that_failed_once_holds(seed: str, days: str, steps: str, features: str) -> None:
    """Each prefix that was found to break a rule keeps all of them."""
    known = features.split(",")
    assert simulate(int(seed), days=float(days), most_steps=int(steps), features=known).violation is None


@pytest.mark.parametrize("name", ALL_PLANTED)
def test_planted_fault_fits_the_code(name: str, tmp_path: Path) -> None:
    """What a planted fault changes stands in the code once."""
    plant(name, tmp_path)
