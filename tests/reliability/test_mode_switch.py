"""A switch between push and pull loses and doubles nothing (R6)."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.simulator.faults import Fault
from tests.functions.deployment import deploy_here, start_anew
from tests.functions.vod import push
from tests.reliability.kept_records import journal_records
from tests.reliability.service import service_environment
from tests.shared.loopback_peer import HttpPeer, Received, Reply
from tests.shared.service import CONTEXT_KEY, Clock, Service, token_of
from tests.shared.uploads import FILE_ID, changed, new_session, uploaded
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.local.simulator.account import Account
    from tests.reliability.app_receiver import AppReceiver

pytestmark = pytest.mark.reliability

SWITCHES = ("PUSH", "PULL", "PUSH", "PULL")
SWITCHED_EVENTS, TOLD_TWICE, MINUTE_SECONDS = 1000, 20, 60


def test_switch_of_mode_loses_and_doubles_nothing(
    valkey_url: str, vod: Account, app: AppReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mode switched three times in the middle of 1,000 events: each counts once, and is told once.

    Around every switch VOD may not know itself how it had sent an event: the last ones before it
    come by both ways. Those that were pushed first are told as VOD's own as well.
    """
    settings = service_environment(valkey_url, vod_url=vod.url, webhook_url=app.url, CONTEXT_KEYS=CONTEXT_KEY)
    deploy_here(settings, monkeypatch)
    service, done = Service(valkey_url, settings, time.time), threading.Event()

    def pull() -> None:
        while not done.is_set():
            service.pulling(seconds=16).run()

    puller = threading.Thread(target=pull)
    vod.simulator.faults.set([Fault("Push", "duplicate", times=50)])
    events, size = two_events_each(SWITCHED_EVENTS // 2), SWITCHED_EVENTS // len(SWITCHES)
    with HttpPeer(push_to_the_function) as gateway:
        puller.start()
        for number, mode in enumerate(SWITCHES):
            vod.configure(mode=mode, callback_url=gateway.url)
            for event in events[max(0, number * size - TOLD_TWICE) : (number + 1) * size]:
                requests.post(f"{vod.url}/local/simulator/emit", json=event, timeout=10).raise_for_status()
        wait_until(lambda: not vod.query("SELECT body FROM pushes UNION ALL SELECT body FROM pull_queue"))
        done.set()
        puller.join()
        start_anew()

    later = Clock(time.time() + MINUTE_SECONDS)
    Service(valkey_url, settings, later, later.move).delivery_run(seconds=1000).run()
    records = journal_records(valkey_url)
    further = [record for record in records if re.search(r"\.v\d+$", record["name"])]
    assert len(records) - len(further) == len(app.ids) == SWITCHED_EVENTS
    assert 0 < len(further) <= TOLD_TWICE * (len(SWITCHES) - 1)
    assert {record["verified"] for record in further} == {"1"}
    delivered = {record["event_id"] for record in records if record["delivery"] == "delivered"}
    assert len(app.heard) == len({*app.heard})
    assert delivered <= {*app.heard}
    assert {record["origin"] for record in records} == {"push", "pull"}
    counted = Counter((record["upload_id"], record["sequence"]) for record in records)
    assert {*counted.values()} == {1}
    assert len(counted) == len(records)


def two_events_each(count: int) -> list[dict[str, Any]]:
    """Return the events of so many uploads: the upload's own, and that of its task flow's end."""
    events: list[dict[str, Any]] = []
    for number in range(count):
        token = token_of(new_session(f"user-{number % 50}", issued_at=int(time.time())))
        events += [make(token, file_id=f"{FILE_ID}{number}") for make in (uploaded, changed)]
    return events


def push_to_the_function(request: Received) -> Reply:
    """Pass a callback to the function as the platform does, and return its answer."""
    return Reply(push(request.body.decode()).status)
