"""A service whose functions may die at any moment, with a clock that the tests move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

from tests.reliability.app_receiver import AppReceiver
from tests.reliability.many_uploads import VodLibrary
from tests.reliability.moved_time import SharedClock
from tests.reliability.service import MovedAccount, Service, service_environment
from tests.reliability.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.stack.embedded_store import EmbeddedStore


@pytest.fixture(scope="module")
def running_service(valkey: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start one service for the tests of a file: VOD in pull mode, an app that accepts everything."""
    folder = tmp_path_factory.mktemp("service")
    clock = SharedClock(folder / "clock")
    with (
        MovedAccount(folder / "vod", clock) as account,
        AppReceiver() as app,
        redis.Redis.from_url(valkey.url, decode_responses=True) as store,
    ):
        settings = service_environment(valkey.url, vod_url=account.url, webhook_url=app.url)
        with WorkerProcess(
            settings, clock_file=folder / "clock", log_file=folder / "functions.log"
        ) as worker:
            library = VodLibrary(account)
            yield Service(account, library, app, clock, store, worker, settings)


@pytest.fixture
def service(running_service: Service) -> Service:
    """Return the service with an empty store, an empty queue and an app without webhooks."""
    running_service.store.flushall()
    running_service.library.finish_uploads({})
    running_service.app.webhooks.clear()
    return running_service
