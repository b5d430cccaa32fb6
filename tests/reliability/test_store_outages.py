"""The store is stopped, killed, frozen, black-holed or slow: no wrong answer is given, nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import redis

from local.stack.stack import Stack
from shared.errors import NotFoundError, StoreUnavailableError
from shared.flows.ingest_event import LEASE_SECONDS
from shared.store.connection import StoreScope
from shared.store.journal import Store
from tests.cluster.valkey_server import ValkeyServer
from tests.reliability.crash_points import CrashPoint
from tests.reliability.outages import Outage, Site, outage
from tests.reliability.service import SENDS_PER_EVENT, timer_of
from tests.reliability.tcp_proxy import TcpProxy
from tests.reliability.worker_process import wait_until_stopped
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.reliability.service import Service

pytestmark = pytest.mark.reliability

OUTAGES: tuple[Outage, ...] = ("stopped", "killed", "frozen", "black hole", "slow")
ANSWER_SECONDS = 1.2
"""The second that a client waits at most, plus a margin for a busy machine."""
RECOVERY_SECONDS = 5.0
HANDLE_SECONDS = 31
EVENTS = 20
SCOPE = StoreScope("test", 3600)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """Start a store that the tests may damage."""
    with ValkeyServer(tmp_path_factory.mktemp("store"), {"appendonly": "yes", "save": '""'}) as store:
        yield store


@pytest.fixture(scope="module")
def proxy(store: ValkeyServer) -> Iterator[TcpProxy]:
    """Return a proxy in front of that store."""
    with TcpProxy(store.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def site(store: ValkeyServer, proxy: TcpProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a stack on that store, whose VOD pushes only on request."""
    folder = tmp_path_factory.mktemp("site")
    with Stack(
        folder=folder,
        redis_url=proxy.url,
        timer_seconds=1.0,
        simulator={"upload_complete_event": False},
    ) as stack:
        yield Site(stack, store, proxy, folder)


@pytest.mark.parametrize("kind", [kind for kind in OUTAGES if kind != "black hole"])
def test_clients_hear_503_and_the_callback_hears_nothing(site: Site, small_media: Path, kind: Outage) -> None:
    """503 within a second; VOD's send times out and the next one is taken, by the same processes."""
    upload = site.upload(small_media)
    assert site.ask("GET", f"/uploads/{upload.upload_id}")[0] == 200
    instances, timeouts, sends = site.instances(), site.pushes("Timeout"), site.pushes()

    with outage(kind, site.store, site.proxy):
        pushed_at = time.monotonic()
        site.push(upload)
        asked = [
            site.ask(*request)
            for _ in range(2)
            for request in (("POST", "/signature"), ("GET", f"/uploads/{upload.upload_id}"))
        ]
        wait_until(lambda: site.pushes("Timeout") == timeouts + 1)
    returned_at = time.monotonic()
    wait_until(lambda: site.ask("POST", "/signature")[0] == 200)
    signed_after = time.monotonic() - returned_at
    wait_until(lambda: len(site.heard(upload)) == 1)
    heard_at = time.monotonic()

    assert [status for status, _ in asked] == [503] * 4
    assert max(seconds for _, seconds in asked) < ANSWER_SECONDS
    assert site.pushes() == sends + 2
    assert signed_after < RECOVERY_SECONDS
    # What the store took, and could not say so any more, is under the lease of the function that tried.
    assert heard_at - max(returned_at, pushed_at + LEASE_SECONDS) < RECOVERY_SECONDS
    assert site.instances() >= instances
    (told,) = site.heard(upload)
    assert (told["data"]["verified"], told["data"]["sequence"]) == (True, 1)


def test_push_that_was_lost_is_found(site: Site, small_media: Path) -> None:
    """All three sends failed: it is in the log, and reconciliation finds the file and tells the app."""
    upload = site.upload(small_media)
    timeouts, logged = site.pushes("Timeout"), len(site.log_lines("event.unjournaled"))

    with outage("killed", site.store, site.proxy):
        site.push(upload)
        wait_until(lambda: site.pushes("Timeout") == timeouts + SENDS_PER_EVENT, seconds=30)
        wait_until(lambda: len(site.log_lines("event.unjournaled")) == logged + SENDS_PER_EVENT)
    assert site.heard(upload) == []
    lines = site.log_lines("event.unjournaled")[logged:]
    assert [upload.file_id in line["raw"] for line in lines] == [True] * SENDS_PER_EVENT

    make_check_due(site, upload.upload_id)
    wait_until(lambda: len(site.heard(upload)) == 1)

    (told,) = site.heard(upload)
    assert told["type"] == "upload.completed"
    assert (told["data"]["reconciled"], told["data"]["verified"]) == (True, True)


@pytest.mark.parametrize("kind", OUTAGES)
def test_puller_confirms_nothing(
    service: Service, store: ValkeyServer, proxy: TcpProxy, kind: Outage
) -> None:
    """Events pulled while the store was away come again, and are then taken in by the same process."""
    uploads = service.finished_uploads(EVENTS)
    service.queue([upload.event for upload in uploads])
    confirmed = service.account.counters().get("ConfirmEvents", 0)
    between = CrashPoint("Instance.invoke", "before", 2, signal.SIGSTOP)
    pull = timer_of("reliable_notification")

    with outage(kind, store, proxy):
        process = service.worker.begin([pull, pull], point=between, REDIS_URL=proxy.url)
        wait_until_stopped(process)
        assert service.library.queue_length() == EVENTS
        assert service.account.counters().get("ConfirmEvents", 0) == confirmed
    service.clock.advance(HANDLE_SECONDS)
    os.kill(process, signal.SIGCONT)
    during, afterwards = service.worker.end().results

    assert during == {"error": "store-unavailable"}
    assert (afterwards["pulled"]["confirmed"], service.library.queue_length()) == (EVENTS, 0)
    assert service.app.ids.keys() == {("upload.completed", upload.upload_id) for upload in uploads}
    assert all(len(ids) == 1 for ids in service.app.ids.values())


@pytest.mark.parametrize("swallowed_share", [0.0, 1.0])
def test_slow_store_is_given_up_within_a_second_on_a_new_connection_too(
    valkey_url: str, swallowed_share: float
) -> None:
    """A connection costs one reply more than a request: both may take their time, and then it is enough."""
    direct, upload_id = Store(valkey_url, SCOPE), "01KAPVZ9M80000000000000000"
    # The script is known to the store from now on.
    with suppress(NotFoundError):
        direct.cancel_upload("alice", upload_id, now=1)
    with TcpProxy(valkey_url) as proxy:
        proxy.delay_seconds, proxy.swallowed_share, proxy.only_after = 0.35, swallowed_share, b"EVALSHA"
        before = time.monotonic()
        with pytest.raises(StoreUnavailableError if swallowed_share else NotFoundError):
            Store(proxy.url, SCOPE).cancel_upload("alice", upload_id, now=1)
        assert time.monotonic() - before < ANSWER_SECONDS


def make_check_due(site: Site, upload_id: str) -> None:
    """Bring an upload's check forward to now."""
    with redis.Redis.from_url(site.store.url, decode_responses=True) as client:
        indexes = [key for key in client.scan_iter("vuf:*:checks") if client.zscore(key, upload_id)]
        assert len(indexes) == 1
        client.zadd(indexes[0], {upload_id: int(time.time())})
