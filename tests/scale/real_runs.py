"""The model beside the local stack, whose app and VOD answer after set times.

What a call takes of its own is measured on the same stack just before and after, one at a time, so that other
load on the machine weighs on both; everything else the model has to foretell.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import requests

from local.operator.capacity import PULLED_AT_ONCE, READ_BACK_CALLS, Assumed, Measured
from local.repository import REPOSITORY
from local.stack.stack import Stack
from tests.bench.invocations import NO_LIMITS
from tests.bench.load import sealed_token
from tests.scale.parameters import Outage, Parameters, Timers
from tests.scale.system import System
from tests.shared.loopback_peer import HttpPeer, Received, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from typing_extensions import Self

SAMPLE = (REPOSITORY / "tests" / "samples" / "vod" / "v3" / "NewFileUpload.json").read_text("utf-8")
VOD_MS, APP_MS = 100.0, 300.0
INSTANCES = 6
"""As many as the stack has at the most."""
PAUSE = 1.0
WARMING = 8 * INSTANCES
RATE = 5
PUSHES = ((6.0, 50), (30.0, 150))
"""Callbacks a second and how many: at half of what the instances take, and at more than twice that."""
REFUSED, REFUSING_SECONDS = 70, 4.5
QUEUED = 160


@dataclass(frozen=True)
class Row:
    """One figure of a real run, and what the model says."""

    figure: str
    real: float
    model: float

    @property
    def error(self) -> float:
        """By which share of the real figure the model is wrong."""
        return abs(self.model - self.real) / self.real


def event_of(file_id: str, token: str) -> dict[str, Any]:
    """Return VOD's sample of an upload's event, about another file."""
    event: dict[str, Any] = json.loads(SAMPLE)
    upload = event["FileUploadEvent"]
    upload["FileId"] = file_id
    upload["MediaBasicInfo"]["SourceInfo"] = {"SourceType": "Upload", "SourceContext": token}
    return {**event, "FileUploadEvent": {**upload, "ProcedureTaskId": "", "ReviewAudioVideoTaskId": ""}}


@dataclass
class World:
    """An app and a VOD that answer after set times; `delivered` are the instants of the first acceptances."""

    app_seconds: float = APP_MS / 1000
    vod_seconds: float = VOD_MS / 1000
    media: dict[str, str] = field(default_factory=dict)
    queue: deque[dict[str, object]] = field(default_factory=deque)
    pulls: list[float] = field(default_factory=list)
    delivered: dict[str, float] = field(default_factory=dict)
    confirmed: int = 0
    refuses_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def app(self, request: Received) -> Reply:
        """Accept an event after a while, or refuse it at once."""
        now = time.monotonic()
        if now < self.refuses_until:
            return Reply(503)
        self.delivered.setdefault(request.headers["webhook-id"], now + self.app_seconds)
        return Reply(204, delay_seconds=self.app_seconds)

    def vod(self, request: Received) -> Reply:
        """Answer as the server API: with files that are known, and with the next events of the queue."""
        body = json.loads(request.body)
        members: dict[str, list[dict[str, object]]] = {"TaskSet": [], "EventSet": []}
        if request.headers["x-tc-action"] == "PullEvents":
            with self.lock:
                batch = [self.queue.popleft() for _ in range(min(PULLED_AT_ONCE, len(self.queue)))]
            members["EventSet"] = batch
            if batch:
                self.pulls.append(time.monotonic())
        with self.lock:
            self.confirmed += len(body.get("EventHandles", ()))
        media = []
        for file_id in body.get("FileIds", ()):
            upload = event_of(file_id, self.media[file_id])["FileUploadEvent"]
            media.append(
                {"FileId": file_id, "BasicInfo": upload["MediaBasicInfo"], "MetaData": upload["MetaData"]}
            )
        reply = json.dumps({"Response": {**members, "MediaInfoSet": media, "RequestId": "1"}}).encode()
        return Reply(200, reply, {"Content-Type": "application/json"}, delay_seconds=self.vod_seconds)


class LocalRuns:
    """One local stack between the two, with everything that a run needs."""

    def __init__(self, folder: Path, world: World, **settings: str) -> None:
        """Prepare; `settings` are environment variables of the functions."""
        self.world = world
        self._parts = contextlib.ExitStack()
        self._folder, self._settings = folder, settings
        self.began = 0.0
        self._numbers = iter(range(5_576_678_000_000_000_000, 5_576_679_000_000_000_000))

    def __enter__(self) -> Self:
        """Start the app, VOD and the stack."""
        vod, app = (self._parts.enter_context(HttpPeer(it)) for it in (self.world.vod, self.world.app))
        overrides = {**NO_LIMITS, "VOD_API_URL": vod.url, "APP_WEBHOOK_URL": app.url, **self._settings}
        stack = Stack(folder=self._folder, overrides=overrides, timer_seconds=PAUSE)
        self.stack = self._parts.enter_context(stack)
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop them."""
        self._parts.close()

    def push(self, count: int, *, rate: float, refused_seconds: float = 0) -> list[float]:
        """Send so many events at equal distances, whatever the others wait for; return the waits.

        The app refuses them for the first seconds.
        """
        bodies = [json.dumps(self._event()) for _ in range(count)]
        self.began = began = time.monotonic() + 0.1
        self.world.refuses_until = began + refused_seconds

        def send(number: int) -> float:
            due = began + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            requests.post(
                str(self.stack.info["callbackUrl"]), data=bodies[number], timeout=60
            ).raise_for_status()
            return time.monotonic() - due

        with ThreadPoolExecutor(min(count, 200)) as senders:
            return list(senders.map(send, range(count)))

    def one_by_one(self) -> tuple[float, float]:
        """Push a few events, each after the last was answered; return the mean of the seconds.

        The second figure is for how long the functions had them, by their log: the gateway holds no instance.
        """
        answers = [self.push(1, rate=1)[0] for _ in range(10)]
        log = (self._folder / "functions.log").read_text(encoding="utf-8").splitlines()
        lines = [json.loads(line) for line in log if '"event.journaled"' in line]
        held = [line["durations_total"] / 1000 for line in lines[-len(answers) :]]
        return statistics.fmean(answers), statistics.fmean(held)

    def journaling(self) -> float:
        """Pull a few batches; return the seconds that an event took beside VOD's calls."""
        seconds = self.queue(5 * PULLED_AT_ONCE)[0] / 4
        return max(0.0, seconds - 2 * VOD_MS / 1000) / PULLED_AT_ONCE

    def refuse(self, count: int, *, seconds: float) -> float:
        """Push events to an app that refuses them all; return the seconds to the last delivery."""
        self.world.delivered.clear()
        self.push(count, rate=count / seconds, refused_seconds=seconds)
        self.wait_for(count)
        return max(self.world.delivered.values()) - self.began

    def queue(self, count: int) -> tuple[float, float]:
        """Queue events; return the seconds from the first pull to the last, and to the last delivery."""
        self.world.delivered.clear()
        self.pull(count)
        self.wait_for(count)
        first, last = self.world.pulls[0], self.world.pulls[-1]
        return last - first, max(self.world.delivered.values()) - first

    def pull(self, count: int) -> None:
        """Queue events, and wait until they are confirmed."""
        self.world.pulls.clear()
        self.world.confirmed = 0
        events = ({**self._event(), "EventHandle": str(number)} for number in range(count))
        with self.world.lock:
            self.world.queue.extend(events)
        while self.world.confirmed < count:
            time.sleep(0.02)

    def wait_for(self, count: int) -> None:
        """Wait until the app has accepted so many events."""
        while len(self.world.delivered) < count:
            time.sleep(0.02)
        time.sleep(self.world.app_seconds)

    def _event(self) -> dict[str, object]:
        number = next(self._numbers)
        token = sealed_token(self.stack.environment, number)
        self.world.media[str(number)] = token
        return event_of(str(number), token)


def compare(folder: Path) -> list[Row]:
    """Run the stack, and the model with what one call took there; return each figure of both."""
    with LocalRuns(folder, World(), READ_BACK="on", DELIVERY_RATE=str(RATE)) as runs:
        runs.push(WARMING, rate=4 * INSTANCES)
        runs.queue(PULLED_AT_ONCE)
        answers, answered = [runs.one_by_one()], []
        for rate, count in PUSHES:
            answered.append(statistics.fmean(runs.push(count, rate=rate)))
            answers.append(runs.one_by_one())
        own = [runs.journaling()]
        refused = runs.refuse(REFUSED, seconds=REFUSING_SECONDS)
        pulled, delivered = runs.queue(QUEUED)
        own.append(runs.journaling())
    own_ms, held_ms = statistics.fmean(own) * 1000, answers[-1][1] * 1000
    rows = [
        _answers_row(rate, count, real, around, own_ms)
        for (rate, count), real, around in zip(PUSHES, answered, pairwise(answers), strict=True)
    ]
    outage = Outage(0, REFUSING_SECONDS)
    given = replace(parameters(own_ms, held_ms), outage=outage, uploads=REFUSED / REFUSING_SECONDS)
    late = System(given, even=True).run(300, uploads_until=REFUSING_SECONDS).delivered_at
    given = replace(parameters(own_ms, held_ms), uploads=1e6, mode="pull")
    figures = System(given, even=True).run(300, uploads_until=(QUEUED - 0.5) / 1e6)
    first, last = figures.pulls[0], figures.pulls[-1]
    return [
        *rows,
        Row(f"{REFUSED} refused events: delivered after", refused, late),
        Row(f"{QUEUED} queued events: pulled after", pulled, last - first),
        Row(f"{QUEUED} queued events: delivered after", delivered, figures.delivered_at - first),
    ]


def _answers_row(
    rate: float, count: int, real: float, around: Sequence[tuple[float, float]], own_ms: float
) -> Row:
    answer, held = (statistics.fmean(column) for column in zip(*around, strict=True))
    system = System(replace(parameters(own_ms, held * 1000), uploads=rate), even=True)
    waits = system.run(300, uploads_until=(count - 0.5) / rate).answers
    return Row(f"{rate:.0f} callbacks a second: mean answer", real, statistics.fmean(waits) + answer - held)


def parameters(own_ms: float, held_ms: float) -> Parameters:
    """Return the local stack's parameters: what a pulled event takes, and a callback in all."""
    no_bytes = {"upload_bytes": 0.0, "event_bytes": 0.0, "tombstone_bytes": 0.0}
    measured = Measured(signature_ms=0, event_ms=own_ms, resident_mb=0, **no_bytes)
    other_ms = held_ms - own_ms - READ_BACK_CALLS * VOD_MS - APP_MS
    waits = {"vod_ms": VOD_MS, "webhook_ms": APP_MS, "store_ms": 0, "platform_ms": other_ms}
    return Parameters(
        uploads=1,
        mode="push",
        measured=measured,
        assumed=Assumed(slowdown=1, signatures=0, statuses=0, delivery_rate=RATE, **waits),
        instances=INSTANCES,
        timers=replace(Timers.deployed(), period=0, pause=PAUSE, poll=0),
        waits=True,
    )
