"""A backlog in VOD's queue is drained whatever fails on the way, and a switch of mode costs nothing (R6)."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from functions import event_notification
from local.simulator.database import Database
from local.simulator.faults import Fault, FaultDial
from local.simulator.pull_queue import PullQueue
from shared.errors import ServiceError
from shared.store.connection import StoreScope
from tests.functions import scf
from tests.functions.deployment import CALLBACK_TOKEN, start_anew
from tests.reliability.kept_records import assert_due_once_each, journal_records, members
from tests.reliability.many_uploads import poison
from tests.reliability.service import service_environment
from tests.reliability.troubled_vod import Trouble, WatchedQueue, WatchedStore, subject_of
from tests.shared.loopback_peer import HttpPeer, Received, Reply
from tests.shared.service import CONTEXT_KEY, STAGE, Clock, Service, token_of
from tests.shared.uploads import FILE_ID, changed, new_session, uploaded
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.simulator.account import Account
    from tests.reliability.app_receiver import AppReceiver

pytestmark = pytest.mark.reliability

BACKLOG, SEED = 10_000, 20_261_122
FAILING_SHARE, FROZEN_SHARE = 0.05, 0.005
POISON_EVERY = 100
TICK_SECONDS, RUN_SECONDS = 60, 53


@pytest.mark.usefixtures("patient_store")
def test_backlog_is_drained_although_calls_fail(valkey_url: str, app: AppReceiver, tmp_path: Path) -> None:
    """10,000 events, 5 % failing calls, 1 % poison: none is lost, and none confirmed before it was safe.

    The simulator's queue is asked without HTTP in between, and a tick of the timer is a moved minute.
    That no confirmation comes too early or too late is checked at each one by `WatchedQueue`.
    """
    clock = Clock()
    trouble = Trouble(random.Random(SEED), clock, FAILING_SHARE, FROZEN_SHARE)  # noqa: S311  # to be repeatable is the point
    service = Service(valkey_url, {"APP_WEBHOOK_URL": app.url}, clock, clock.move)
    store = WatchedStore(valkey_url, StoreScope(STAGE, 604_800))
    store.trouble = trouble
    events = [
        uploaded(token_of(new_session(f"user-{number % 500}")), file_id=f"{FILE_ID}{number}")
        if number % POISON_EVERY
        else poison(number)
        for number in range(BACKLOG)
    ]
    with closing(Database(tmp_path / "vod.sqlite3")) as database:
        insert = "INSERT INTO pull_queue (body, raised_at) VALUES (?, ?)"
        with database.transaction():
            for event in events:
                database.change(insert, json.dumps(event), clock())
        queue = WatchedQueue(PullQueue(database, clock, 0.0, FaultDial()), trouble)
        while database.row("SELECT 1 FROM pull_queue") is not None:
            run = service.pulling(queue, seconds=RUN_SECONDS)
            with suppress(ServiceError):
                replace(run, ingester=replace(run.ingester, store=store)).run()
            clock.move(TICK_SECONDS)

    poisoned = {subject_of(event) for event in events[::POISON_EVERY]}
    assert trouble.injected > BACKLOG * FAILING_SHARE / 2
    assert trouble.frozen > BACKLOG * FROZEN_SHARE / 2
    assert trouble.parked == poisoned
    assert trouble.journaled == {subject_of(event) for event in events} - poisoned
    assert len(members(valkey_url, "parked")) == len(poisoned)
    assert len(assert_due_once_each(service, app)) == BACKLOG - len(poisoned)
    assert {told["sequence"] for told in app.told} == {1}


SWITCHES = ("PUSH", "PULL", "PUSH", "PULL")
SWITCHED_EVENTS, TOLD_TWICE = 1000, 20


def test_switch_of_mode_loses_and_doubles_nothing(
    valkey_url: str, vod: Account, app: AppReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mode switched three times in the middle of 1,000 events: each counts once, and is told once.

    Around every switch VOD may not know itself how it had sent an event: the last ones before it
    come by both ways. Those that were pushed first are told as VOD's own as well.
    """
    settings = service_environment(valkey_url, vod_url=vod.url, webhook_url=app.url, CONTEXT_KEYS=CONTEXT_KEY)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    start_anew()
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

    later = Clock(time.time() + TICK_SECONDS)
    Service(valkey_url, settings, later, later.move).delivery_run(seconds=1000).run()
    records = journal_records(valkey_url)
    further = [record for record in records if ".v" in record["name"]]
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
    event = scf.event_of("POST", f"/{CALLBACK_TOKEN}", body=request.body.decode())
    answer = scf.read_answer(event_notification.main_handler(event, {"request_id": scf.REQUEST_ID}))
    return Reply(answer.status)
