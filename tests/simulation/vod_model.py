"""A model of VOD: takes files under signatures, runs task flows, pushes its events or queues them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.vod import signature as upload_signature
from tests.simulation.vod_attributes import AttributesTasks
from tests.simulation.vod_messages import (
    ARCHIVE,
    NO_DIGESTS,
    STANDARD,
    File,
    Flow,
    flow_event,
    iso,
    key_of,
    upload_event,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.simulation.scheduler import Scheduler

SECRET_ID, SECRET_KEY = "AKID-simulated", "simulated-secret-key"
PUSH_SECONDS, MOST_SENDS, HANDLE_SECONDS, BATCH = 5.0, 3, 30.0, 16
QUEUE_SECONDS = 4 * 86_400
LONGEST_FLOWS = (600.0, 2400.0, 14_400.0)
"""How long a task flow takes at most: some end before, some after VOD was last asked about a pushed event."""
ARCHIVED = 0.3
"""The share of files of a storage class of which VOD forbids none."""
LONGEST_TASK_LAG = 1500.0
"""How long a task flow is unknown at most: the functions ask for 35 minutes, and then not again."""


class RefusedUploadError(Exception):
    """VOD does not take a file under this signature."""


@dataclass
class Emitted:
    """One event that VOD emitted; `is_taken`: answered in time, or confirmed."""

    event: dict[str, Any]
    key: tuple[str, str, str]
    at: float
    is_taken: bool = False
    sends: int = 0
    handle: str = ""
    hidden_until: float = 0.0


@dataclass
class VodWeather:
    """How the API is at the moment. A new file is shown after one of these seconds, and a part of the lag."""

    rate: float = 0.0
    is_down: bool = False
    lag: float = 0.0
    shown_after: tuple[float, ...] = (0.0, 1.0, 20.0)
    push_loss: float = 0.0


@dataclass
class Vod:
    """The account. `post` sends a body to the callback URL and tells the status; None: no answer came."""

    scheduler: Scheduler
    count_fault: Callable[[str], None]
    post: Callable[[bytes, Callable[[int | None], None]], None]
    on_answer: Callable[[str, int], None]
    mode: str = "PUSH"
    weather: VodWeather = field(default_factory=VodWeather)
    files: dict[str, File] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    emitted: list[Emitted] = field(default_factory=list)
    forgets_flows: bool = True
    has_archive: bool = False

    def __post_init__(self) -> None:
        """Prepare its random numbers."""
        self.random = self.scheduler.random_of("vod")
        self._network = self.scheduler.random_of("vod pushes")
        self._classes = self.scheduler.random_of("vod classes")
        self.attributes = AttributesTasks(self.scheduler, self._emit)
        self._used: set[tuple[str, str]] = set()
        self._queue: list[Emitted] = []
        self._handles = 0

    # Uploads.

    def take(self, signature: str, size: int, digests: Mapping[str, str] = NO_DIGESTS) -> File:
        """Take a file under a signature.

        Raises:
            RefusedUploadError: it is not ours, has expired or was used.

        """
        decoded = upload_signature.decode(signature)
        values = decoded.values
        if not upload_signature.is_signed_with(decoded, SECRET_KEY):
            raise RefusedUploadError("signature")
        if int(values["expireTime"]) <= self.scheduler.now:
            raise RefusedUploadError("expired")
        nonce = (values["currentTimeStamp"], values["random"])
        if values.get("oneTimeValid") == "1" and nonce in self._used:
            raise RefusedUploadError("used")
        self._used.add(nonce)
        mode = values.get("taskNotifyMode", "Finish")
        file = self.add_file(values["sourceContext"], size, with_flow="procedure" in values, mode=mode)
        file.digests = digests
        return file

    def add_file(self, token: str, size: int, *, with_flow: bool, mode: str = "Finish") -> File:
        """Add a file, by an upload or by the console, and plan its events."""
        now, random = self.scheduler.now, self.random
        number = random.randrange(10**18, 10**19)
        lag = random.choice(self.weather.shown_after) + random.random() * self.weather.lag
        file = File(str(number), token, size, now, now + lag, iso(now))
        if self.has_archive:
            file.storage_class = ARCHIVE if self._classes.random() < ARCHIVED else STANDARD
            file.names_class = self._classes.random() < 0.5
        self.files[file.file_id] = file
        self.scheduler.trace(f"file {file.file_id}")
        told_at = now + random.uniform(0.5, 8.0)
        if with_flow:
            self._start_flow(file, mode)
        self.scheduler.at(told_at, lambda: self._emit(upload_event(file)))
        return file

    def _start_flow(self, file: File, mode: str) -> None:
        now, random = self.scheduler.now, self.random
        task_id = f"1500012345-Procedure-{random.getrandbits(128):032x}t0"
        endings = ["FINISH"] * 16 + ["ABORTED"] * 2 + [""] * (2 * self.forgets_flows)
        ending = random.choice(endings)
        flow = Flow(
            task_id,
            file,
            mode,
            now,
            now + random.uniform(2.0, random.choice(LONGEST_FLOWS)),
            ending,
            random.random() < 0.8,
            now + random.random() * min(self.weather.lag, LONGEST_TASK_LAG),
        )
        file.flow = self.flows[task_id] = flow
        if mode == "Change":
            middle = now + (flow.ends_at - now) * random.random()
            self.scheduler.at(middle, lambda: self._emit(flow_event(flow, "PROCESSING", 40)))
        # That an aborted flow ends is told to who asks (266/39438).
        if mode != "None" and ending == "FINISH":
            self.scheduler.at(flow.ends_at, lambda: self._emit(flow_event(flow, ending, 100)))

    # Events.

    def _emit(self, event: dict[str, Any]) -> None:
        emitted = Emitted(event, key_of(event), self.scheduler.now)
        self.emitted.append(emitted)
        if self.mode == "PULL":
            self._queue.append(emitted)
        else:
            self._send(emitted)

    def _send(self, emitted: Emitted) -> None:
        emitted.sends += 1
        if self._network.random() < self.weather.push_loss:
            self.count_fault("push lost")
            self._send_again(emitted)
            return
        sent_at = self.scheduler.now
        answers: list[int | None] = []

        def on_answer(status: int | None) -> None:
            in_time = self.scheduler.now - sent_at < PUSH_SECONDS
            if in_time:
                answers.append(status)
            if in_time and status is not None:
                # Whatever the answer says, VOD sends no more (266/33931).
                emitted.is_taken = True
                self.on_answer(emitted.key[0], status)

        self.post(self._body_of(emitted.event), on_answer)
        # Only a time-out makes VOD send again (266/33931).
        self.scheduler.after(
            PUSH_SECONDS, lambda: self._send_again(emitted) if answers in ([], [None]) else None
        )

    def _send_again(self, emitted: Emitted) -> None:
        if emitted.sends < MOST_SENDS:
            self.scheduler.after(self.random.uniform(5, 300), lambda: self._send(emitted))

    def pull(self) -> list[Emitted]:
        """Return up to so many events of the queue as one call gets, and hide them for a while."""
        now = self.scheduler.now
        self._queue = [it for it in self._queue if now - it.at < QUEUE_SECONDS]
        pulled = [it for it in self._queue if it.hidden_until <= now][:BATCH]
        for it in pulled:
            self._handles += 1
            it.handle, it.hidden_until = f"handle-{self._handles}", now + HANDLE_SECONDS
        return pulled

    def confirm(self, handles: set[str]) -> bool:
        """Take events off the queue; return whether all handles were valid."""
        now = self.scheduler.now
        confirmed = [it for it in self._queue if it.handle in handles and it.hidden_until > now]
        for it in confirmed:
            it.is_taken = True
        self._queue = [it for it in self._queue if it not in confirmed]
        return len(confirmed) == len(handles)

    def _body_of(self, event: dict[str, Any]) -> bytes:
        """Return the body as VOD may write it: with a mark in front, with doubled members inside."""
        text = json.dumps(event, ensure_ascii=self.random.random() < 0.5)
        if self.random.random() < 0.1:
            text = text.replace('"FileId"', '"Definition": 1, "Definition": 2, "FileId"', 1)
        return (b"\xef\xbb\xbf" if self.random.random() < 0.05 else b"") + text.encode()
