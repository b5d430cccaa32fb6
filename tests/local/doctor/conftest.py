"""A stack for the doctor's tests alone, because they change the configuration of VOD and the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis
import requests

from local.stack.stack import Stack
from tests.local.doctor.patient import ORIGIN, Patient
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMERS = 2


@pytest.fixture(scope="session")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Path]]:
    """Start one stack for all of these tests, and return it with its folder."""
    folder = tmp_path_factory.mktemp("examined")
    with Stack(folder=folder, timer_seconds=1.0, overrides={"CORS_ORIGINS": ORIGIN}) as running:
        with redis.Redis.from_url(running.environment["REDIS_URL"]) as store:
            wait_until(lambda: len(store.keys("*:timer:*")) == TIMERS, "both timers to have run")
        yield running, folder


@pytest.fixture
def patient(
    examined: tuple[Stack, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Patient]:
    """Return a healthy deployment, and restore VOD and the fault dial afterwards."""
    stack, _ = examined
    for name in ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN"):
        monkeypatch.delenv(name, raising=False)
    one = Patient(stack, tmp_path, capsys)
    before = one.event_configuration()
    yield one
    requests.delete(f"{stack.url}/local/faults", timeout=10)
    one.set_event_configuration(before)


@pytest.fixture
def store(patient: Patient) -> Iterator[redis.Redis]:
    """Connect to the deployment's store, and restore its configuration afterwards."""
    names = ["appendonly", "appendfsync", "save", "maxmemory", "maxmemory-policy", "timeout", "maxclients"]
    names.append("min-replicas-to-write")
    with redis.Redis.from_url(patient.stack.environment["REDIS_URL"], decode_responses=True) as connection:
        before = {name: connection.config_get(name)[name] for name in names}
        yield connection
        for name, value in before.items():
            connection.config_set(name, value)
