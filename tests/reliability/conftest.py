"""A service whose functions may die at any moment, with a clock that the tests move."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from tests.local.simulator.account import Account, MovableClock
from tests.reliability.app_receiver import AppReceiver
from tests.reliability.many_uploads import VodLibrary
from tests.reliability.moved_time import SharedClock
from tests.reliability.service import Service, service_environment
from tests.reliability.worker import Worker
from tests.waiting import wait_long_for_the_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.stack.embedded_store import EmbeddedStore


@pytest.fixture
def patient_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call to the store take long on a busy machine; how long it may take is tested elsewhere."""
    wait_long_for_the_store(monkeypatch)


@pytest.fixture
def app() -> Iterator[AppReceiver]:
    """Run an app that accepts every event."""
    with AppReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def running_service(valkey: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start one service for the tests of a file: VOD in pull mode, an app that accepts everything."""
    folder = tmp_path_factory.mktemp("service")
    clock = SharedClock(folder / "clock")
    account = Account(folder / "vod", mode="PULL", pull_wait_seconds=0.05)
    account.clock = cast("MovableClock", clock)
    with account, AppReceiver() as app:
        settings = service_environment(valkey.url, vod_url=account.url, webhook_url=app.url)
        with Worker(settings, clock_file=clock.file, log_file=folder / "functions.log") as worker:
            yield Service(account, VodLibrary(account), app, clock, worker, settings)


@pytest.fixture
def service(running_service: Service, valkey_url: str) -> Service:
    """Return the service with an empty store, an empty queue and an app without webhooks."""
    assert valkey_url == running_service.redis_url
    running_service.library.finish_uploads({})
    running_service.app.received.clear()
    return running_service
