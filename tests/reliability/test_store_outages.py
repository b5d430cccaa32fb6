"""The store is stopped, killed, frozen, black-holed or slow: no wrong answer is given, nothing is lost."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, get_args

import pytest

from local.stack.stack import Stack
from tests.cluster.valkey_server import ValkeyServer
from tests.reliability.crash_points import CrashPoint
from tests.reliability.outages import Outage, Site, outage
from tests.reliability.service import timer_of
from tests.reliability.tcp_proxy import TcpProxy
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.reliability.service import Service

pytestmark = pytest.mark.reliability

OUTAGES: tuple[Outage, ...] = get_args(Outage)
HANDLE_SECONDS = 31
EVENTS = 20


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
def site(proxy: TcpProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a stack on that store, whose VOD pushes only on request."""
    folder, simulator = tmp_path_factory.mktemp("site"), {"upload_complete_event": False}
    with Stack(folder=folder, redis_url=proxy.url, timer_seconds=1.0, simulator=simulator) as stack:
        yield Site(stack, folder)


@pytest.mark.parametrize("kind", [kind for kind in OUTAGES if kind != "black hole"])
def test_clients_hear_503_and_the_callback_hears_nothing(
    site: Site, store: ValkeyServer, proxy: TcpProxy, small_media: Path, kind: Outage
) -> None:
    """503 while the store is away; VOD's send times out, and the next one is taken by the same processes.

    Nothing brings the store back before the clients are answered, so nobody waits for it; that it takes
    less than a second is the sum of the time-outs (`test_call_takes_less_than_a_second`).
    """
    upload = site.upload(small_media)
    status = "GET", f"/uploads/{upload.upload_id}"
    assert site.ask(*status) == 200
    instances, timeouts, sends = site.instances(), site.pushes("Timeout"), site.pushes()

    with outage(kind, store, proxy):
        site.push(upload)
        assert [site.ask(*request) for request in (("POST", "/signature"), status) * 2] == [503] * 4
        wait_until(lambda: site.pushes("Timeout") == timeouts + 1)
    wait_until(lambda: site.ask("POST", "/signature") == 200)
    wait_until(lambda: len(site.heard(upload)) == 1)

    assert site.pushes() == sends + 2
    assert site.instances() >= instances
    (told,) = site.heard(upload)
    assert (told["data"]["verified"], told["data"]["sequence"]) == (True, 1)


@pytest.mark.parametrize("kind", OUTAGES)
def test_puller_confirms_nothing(
    service: Service, store: ValkeyServer, proxy: TcpProxy, kind: Outage
) -> None:
    """Events pulled while the store was away come again, and are then taken in by the same process."""
    uploads = service.finished_uploads(EVENTS)
    service.account.emit(*(upload.event for upload in uploads))
    confirmed = service.account.counters().get("ConfirmEvents", 0)
    between = CrashPoint("Instance.invoke", "before", 2, signal.SIGSTOP)

    with outage(kind, store, proxy):
        pulls = [timer_of("reliable_notification")] * 2
        service.worker.stop_at(between, pulls, REDIS_URL=proxy.url)
        assert service.library.queue_length() == EVENTS
        assert service.account.counters().get("ConfirmEvents", 0) == confirmed
    service.clock.advance(HANDLE_SECONDS)
    during, afterwards = service.worker.resume().results

    assert during == {"error": "store-unavailable"}
    assert (afterwards["pulled"]["confirmed"], service.library.queue_length()) == (EVENTS, 0)
    assert service.app.ids.keys() == {("upload.completed", upload.upload_id) for upload in uploads}
    assert all(len(ids) == 1 for ids in service.app.ids.values())
