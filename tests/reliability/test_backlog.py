"""A backlog in VOD's queue is drained whatever fails on the way, and a switch of mode costs nothing (R6)."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tencentcloud.vod.v20180717 import models  # type: ignore[import-untyped]  # no stubs exist

from functions import event_notification
from local.simulator import SimulatorSettings, create_simulator
from local.simulator.database import Database
from local.simulator.faults import Fault, FaultDial
from local.simulator.pull_queue import BATCH, PullQueue
from shared.errors import ServiceError
from shared.flows.deliver_events import LEAST_SECONDS
from shared.store.connection import StoreScope
from tests.functions import scf
from tests.functions.deployment import CALLBACK_TOKEN, start_anew
from tests.local.simulator.account import SECRET_ID, SECRET_KEY, Account
from tests.reliability.app_receiver import AppReceiver
from tests.reliability.kept_records import journal_records, members
from tests.reliability.service import service_environment, timer_of
from tests.reliability.troubled_vod import Notes, Trouble, WatchedQueue, WatchedStore, subject_of
from tests.shared.loopback_peer import HttpPeer, Received, Reply
from tests.shared.service import CONTEXT_KEY, STAGE, Clock, Service, token_of
from tests.shared.uploads import FILE_ID, changed, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.reliability.service import Service as WholeService

pytestmark = pytest.mark.reliability

BACKLOG, SEED = 10_000, 20_261_122
FAILING_SHARE, SMALL_FAILING_SHARE, FROZEN_SHARE = 0.05, 0.2, 0.005
POISON_EVERY = 100
TICK_SECONDS, RUN_SECONDS = 60, 53
SAMPLE = 200
"""How many of the 10,000 are delivered over real HTTP; the others are counted as due."""


@pytest.fixture
def app() -> Iterator[AppReceiver]:
    """Run an app that accepts every event."""
    with AppReceiver() as receiver:
        yield receiver


def test_backlog_is_drained_although_calls_fail(valkey_url: str, app: AppReceiver, tmp_path: Path) -> None:
    """10,000 events, 5 % failing calls, 1 % poison: none is lost, and none confirmed before it was safe.

    The simulator's queue is asked without HTTP in between, and a tick of the timer is a moved minute.
    That no confirmation comes too early or too late is checked at each one by `WatchedQueue`.
    """
    clock, notes = Clock(), Notes()
    trouble = Trouble(random.Random(SEED), clock, FAILING_SHARE, FROZEN_SHARE)  # noqa: S311  # to be repeatable is the point
    events = backlog(BACKLOG)
    queue_up(tmp_path, events, clock)
    service = Service(valkey_url, {"APP_WEBHOOK_URL": app.url}, clock, clock.move)
    store = WatchedStore(valkey_url, StoreScope(STAGE, 604_800), trouble=trouble, notes=notes)
    database = Database(tmp_path / "simulator.sqlite3")
    queue = WatchedQueue(PullQueue(database, clock, 0.0, FaultDial()), 1500012345, trouble, notes, clock)

    runs = failed_runs = 0
    while database.row("SELECT 1 FROM pull_queue") is not None:
        runs += 1
        run = service.pulling(queue, seconds=RUN_SECONDS)
        try:
            replace(run, ingester=replace(run.ingester, store=store)).run()
        except ServiceError:
            failed_runs += 1
        clock.move(TICK_SECONDS)
    queue.close()
    database.close()

    poison = {subject_of(event) for event in events[::POISON_EVERY]}
    sound = {subject_of(event) for event in events} - poison
    assert trouble.injected > BACKLOG * FAILING_SHARE / 2
    assert trouble.frozen > BACKLOG * FROZEN_SHARE / 2
    assert notes.pulled_again > BATCH
    assert failed_runs > runs / 2
    assert notes.most_pulled == BATCH
    assert (notes.journaled, notes.parked) == (sound, poison)
    assert {*notes.confirmed} <= sound | poison
    assert len(members(valkey_url, "parked")) == len(poison)
    assert_all_are_due_once(service, app, valkey_url, sound)


def assert_all_are_due_once(service: Service, app: AppReceiver, redis_url: str, sound: set[str]) -> None:
    """Assert that each event is stored and due once; a sample of them is delivered."""
    records = journal_records(redis_url)
    assert len(records) == len({record["event_id"] for record in records}) == len(sound)
    assert len(members(redis_url, "due")) == len(sound)

    figures = service.delivery_run(seconds=SAMPLE / 10 + LEAST_SECONDS).run()

    heard = [webhook.webhook_id for webhook in app.webhooks]
    assert figures["delivered"] == len(heard) == len(set(heard)) >= SAMPLE
    assert len(members(redis_url, "due")) == len(sound) - len(heard)
    assert {webhook.body["data"]["sequence"] for webhook in app.webhooks} == {1}


def test_backlog_is_drained_by_the_function_itself(service: WholeService) -> None:
    """500 events over VOD's HTTP API into the function, whose calls fail now and then: all are delivered."""
    events = backlog(500)
    service.queue(events)
    calls = ("PullEvents", "ConfirmEvents")
    service.account.simulator.faults.set(
        [Fault(call, "error", probability=SMALL_FAILING_SHARE) for call in calls], seed=SEED
    )

    runs = errors = 0
    while service.library.queue_length() or service.waiting("due"):
        runs += 1
        [figures] = service.worker.live([timer_of("reliable_notification")], CONTEXT_KEYS=CONTEXT_KEY).results
        errors += "error" in figures
        service.clock.advance(TICK_SECONDS)
        assert runs < 60

    service.account.simulator.faults.set([])
    assert errors >= 5
    poison = {subject_of(event) for event in events[::POISON_EVERY]}
    heard = [(webhook.body["data"]["fileId"], webhook.webhook_id) for webhook in service.app.webhooks]
    assert {file_id for file_id, _ in heard} == {subject_of(event) for event in events} - poison
    assert len(heard) == len({webhook_id for _, webhook_id in heard}) == len(events) - len(poison)
    assert service.waiting("parked") == len(poison)
    assert {record["sequence"] for record in service.records("upload")} == {"1"}


SWITCHES = ("PUSH", "PULL", "PUSH", "PULL")
SWITCHED_EVENTS, TOLD_TWICE = 1000, 20


def test_switch_of_mode_loses_and_doubles_nothing(
    valkey_url: str, app: AppReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mode switched three times in the middle of 1,000 events: each counts once, and is told once.

    Around every switch VOD may not know itself how it had sent an event: the last ones before it
    come by both ways.
    """
    events = two_events_each(SWITCHED_EVENTS // 2)
    with HttpPeer(push_to_the_function) as gateway, Account(tmp_path / "vod", mode="PUSH") as vod:
        vod.simulator.faults.set([Fault("Push", "duplicate", times=50)])
        settings = service_environment(
            valkey_url, vod_url=vod.url, webhook_url=app.url, CONTEXT_KEYS=CONTEXT_KEY
        )
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        start_anew()
        service = Service(valkey_url, settings, time.time)
        done = threading.Event()
        puller = threading.Thread(target=pull_until, args=(service, done))
        puller.start()

        size = SWITCHED_EVENTS // len(SWITCHES)
        for number, mode in enumerate(SWITCHES):
            switch(vod, mode, gateway.url)
            for event in events[max(0, number * size - TOLD_TWICE) : (number + 1) * size]:
                requests.post(f"{vod.url}/local/simulator/emit", json=event, timeout=10).raise_for_status()
        wait_for_empty_queues(vod)
        done.set()
        puller.join()
        start_anew()

    later = Clock(time.time() + TICK_SECONDS)
    Service(valkey_url, settings, later, later.move).delivery_run(seconds=1000).run()
    heard = [webhook.webhook_id for webhook in app.webhooks]
    records = journal_records(valkey_url)
    assert len(heard) == len(set(heard)) == len(records) == SWITCHED_EVENTS
    assert {record["delivery"] for record in records} == {"delivered"}
    assert {len(ids) for ids in app.ids.values()} == {1}
    assert {record["origin"] for record in records} == {"push", "pull"}
    by_upload: dict[str, list[str]] = {}
    for record in records:
        by_upload.setdefault(record["upload_id"], []).append(record["sequence"])
    assert {tuple(sorted(sequences)) for sequences in by_upload.values()} == {("1", "2")}


def backlog(count: int) -> list[dict[str, Any]]:
    """Return the events of so many uploads; every hundredth is nested too deep to be parsed."""
    return [
        {"EventType": f"Poison{number}", "Nested": nested(100)}
        if number % POISON_EVERY == 0
        else uploaded(token_of(new_session(f"user-{number % 500}")), file_id=f"{FILE_ID}{number}")
        for number in range(count)
    ]


def nested(depth: int) -> list[object]:
    """Return a list nested beyond what our parsers accept."""
    return [nested(depth - 1)] if depth else []


def two_events_each(count: int) -> list[dict[str, Any]]:
    """Return the events of so many uploads: the upload's own, and that of its task flow's end."""
    sessions = [new_session(f"user-{number % 50}", issued_at=int(time.time())) for number in range(count)]
    pairs = [
        (uploaded(token_of(session), file_id=file_id), changed(token_of(session), file_id=file_id))
        for session, file_id in ((session, f"{FILE_ID}{number}") for number, session in enumerate(sessions))
    ]
    return [event for pair in pairs for event in pair]


def queue_up(folder: Path, events: Sequence[dict[str, Any]], clock: Clock) -> None:
    """Queue events in a simulated VOD for the reliable callback."""
    settings = SimulatorSettings(folder, SECRET_ID, SECRET_KEY, mode="PULL")

    async def emit() -> None:
        simulator = create_simulator(settings, clock=clock)
        await simulator.start()
        for event in events:
            await simulator.emit(event)
        await simulator.stop()

    asyncio.run(emit())


def push_to_the_function(request: Received) -> Reply:
    """Pass a callback to the function as the platform does, and return its answer."""
    event = scf.event_of("POST", f"/{CALLBACK_TOKEN}", body=request.body.decode())
    answer = scf.read_answer(event_notification.main_handler(event, {"request_id": scf.REQUEST_ID}))
    return Reply(answer.status)


def pull_until(service: Service, done: threading.Event) -> None:
    """Run the puller repeatedly until `done` is set."""
    while not done.is_set():
        service.pulling(seconds=16).run()


def switch(vod: Account, mode: str, callback_url: str) -> None:
    """Change the mode as the console does, by the server API."""
    wanted = models.ModifyEventConfigRequest()
    wanted.Mode, wanted.NotificationUrl = mode, callback_url
    vod.api().ModifyEventConfig(wanted)


def wait_for_empty_queues(vod: Account) -> None:
    """Return once VOD has nothing left to push or to be pulled."""
    deadline = time.monotonic() + 60
    database = Database(vod.settings.folder / "simulator.sqlite3")
    while any(database.row(f"SELECT 1 FROM {queue}") for queue in ("pushes", "pull_queue")):  # noqa: S608  # two fixed names
        assert time.monotonic() < deadline, "VOD did not get rid of its events"
        time.sleep(0.05)
    database.close()
