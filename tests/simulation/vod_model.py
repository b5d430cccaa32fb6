"""A model of VOD: takes files under signatures, runs task flows, pushes, queues, and answers its API late."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import formatdate
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from requests.exceptions import ConnectionError as LostConnectionError
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # the SDK has no types

from shared.vod import signature as upload_signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.instances import Platform
    from tests.simulation.scheduler import Scheduler

SECRET_ID, SECRET_KEY = "AKID-simulated", "simulated-secret-key"
PUSH_SECONDS, MOST_SENDS, HANDLE_SECONDS, BATCH = 5.0, 3, 30.0, 16
LONGEST_CLOCK_ERROR = 300
"""How far the clock of an API client may be off."""
TASK_SECONDS = 72 * 3600
"""How long a task is remembered (266/39706)."""
QUEUE_SECONDS = 4 * 86_400
LONGEST_TASK_LAG = 1500.0
"""How long a task flow is unknown at most: the functions ask for 35 minutes, and then not again."""
API_FAULTS = {
    "refused": 20,
    "lost": 20,
    "slow": 15,
    "InternalError": 25,
    "RequestLimitExceeded": 10,
    "garbled": 10,
}


class RefusedUploadError(Exception):
    """VOD does not take a file under this signature."""


@dataclass
class File:
    """A file in VOD; `token` is the source context of its signature, or of the console."""

    file_id: str
    token: str
    size: int
    created_at: float
    shown_at: float
    created: str
    flow: Flow | None = None


@dataclass
class Flow:
    """A task flow; `ending` is FINISH, ABORTED, or nothing for one that VOD forgets without a word."""

    task_id: str
    file: File
    mode: str
    started_at: float
    ends_at: float
    ending: str
    succeeds: bool
    shown_at: float

    def status(self, now: float) -> str:
        """Return where it stands."""
        return self.ending if self.ending and now >= self.ends_at else "PROCESSING"

    def is_known(self, now: float) -> bool:
        """Return whether DescribeTaskDetail has it."""
        if not self.ending and now >= self.ends_at:
            return False
        return self.shown_at <= now < self.started_at + TASK_SECONDS


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
    """How the API is at the moment, and how long a new file takes until it is shown."""

    rate: float = 0.0
    is_down: bool = False
    lag: float = 0.0
    push_loss: float = 0.0


@dataclass
class Vod:
    """The account. `post` sends a body to the callback URL and tells the status; None: no answer came."""

    scheduler: Scheduler
    platform: Platform
    count_fault: Callable[[str], None]
    post: Callable[[bytes, Callable[[int | None], None]], None]
    on_answer: Callable[[str, int], None]
    mode: str = "PUSH"
    weather: VodWeather = field(default_factory=VodWeather)
    files: dict[str, File] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    emitted: list[Emitted] = field(default_factory=list)
    calls: int = 0
    forgets_flows: bool = True

    def __post_init__(self) -> None:
        """Prepare its random numbers."""
        self.random = self.scheduler.random_of("vod")
        self._network = self.scheduler.random_of("vod api")
        self._used: set[tuple[str, str]] = set()
        self._queue: list[Emitted] = []
        self._handles = 0

    # Uploads.

    def take(self, signature: str, size: int) -> File:
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
        return self.add_file(values["sourceContext"], size, with_flow="procedure" in values, mode=mode)

    def add_file(self, token: str, size: int, *, with_flow: bool, mode: str = "Finish") -> File:
        """Add a file, by an upload or by the console, and plan its events."""
        now, random = self.scheduler.now, self.random
        number = random.randrange(10**18, 10**19)
        lag = random.choice((0.0, 1.0, 20.0)) + random.random() * self.weather.lag
        file = File(str(number), token, size, now, now + lag, iso(now))
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
            now + random.uniform(2.0, 2400.0),
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

    def _body_of(self, event: dict[str, Any]) -> bytes:
        """Return the body as VOD may write it: with a mark in front, with doubled members inside."""
        text = json.dumps(event, ensure_ascii=self.random.random() < 0.5)
        if self.random.random() < 0.1:
            text = text.replace('"FileId"', '"Definition": 1, "Definition": 2, "FileId"', 1)
        return (b"\xef\xbb\xbf" if self.random.random() < 0.05 else b"") + text.encode()

    # The API.

    def client(self, *_arguments: object) -> ApiClient:
        """Stand for `CommonClient` of the SDK."""
        return ApiClient(self)

    def call(
        self,
        action: str,
        parameters: dict[str, Any],
        timeout: float,
        on_response: Callable[[object], object],
    ) -> dict[str, Any]:
        """Answer one call as the SDK returns it, or raise what the SDK raises."""
        self.calls += 1
        self.platform.may_be_killed()
        self.scheduler.sleep(self._network.uniform(0.01, 0.1))
        fault = self._fault()
        if fault == "timeout":
            self.scheduler.sleep(timeout)
        if fault in ("refused", "timeout"):
            raise _lost()
        if fault in ("InternalError", "RequestLimitExceeded"):
            raise TencentCloudSDKException(fault, "Try again.", "id")
        signed_at = self.platform.now() - self.platform.current().clock_ahead
        if abs(signed_at - self.scheduler.now) > LONGEST_CLOCK_ERROR:
            on_response(SimpleNamespace(headers={"Date": formatdate(self.scheduler.now, usegmt=True)}))
            raise TencentCloudSDKException("AuthFailure.SignatureExpire", "The clock is off.", "id")
        response = getattr(self, f"_{action}")(parameters)
        self.platform.may_be_killed()
        wait = {"lost": timeout, "slow": self._network.uniform(0, 8)}.get(fault, 0.0)
        self.scheduler.sleep(min(wait, timeout))
        if wait >= timeout:
            raise _lost()
        if fault == "garbled":
            return self._network.choice(({}, {"Response": None}, {"Response": {"Error": {"Code": "Odd"}}}))
        # What the caller does with it must not change what VOD has.
        answered: dict[str, Any] = json.loads(json.dumps({"Response": {"RequestId": "id", **response}}))
        return answered

    def _fault(self) -> str:
        """Draw what happens to a call; nothing for most."""
        fault = ""
        if self.weather.is_down:
            fault = self._network.choice(("refused", "InternalError", "timeout"))
        elif self._network.random() < self.weather.rate:
            fault = self._network.choices(list(API_FAULTS), list(API_FAULTS.values()))[0]
        if fault:
            self.count_fault(f"api {fault}")
        return fault

    def _DescribeMediaInfos(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        files = [self.files.get(file_id) for file_id in parameters["FileIds"]]
        return {"MediaInfoSet": [media_of(file) for file in files if file and self._is_shown(file)]}

    def _SearchMedia(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        after, before = parameters["CreateTime"]["After"], parameters["CreateTime"]["Before"]
        found = [
            file for file in self.files.values() if self._is_shown(file) and after <= file.created <= before
        ]
        offset = parameters["Offset"]
        return {"MediaInfoSet": [media_of(file) for file in found[offset : offset + parameters["Limit"]]]}

    def _DescribeTaskDetail(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        flow, now = self.flows.get(parameters["TaskId"]), self.scheduler.now
        if flow is None or not flow.is_known(now):
            raise TencentCloudSDKException("ResourceNotFound", "There is no such task.", "id")
        status = flow.status(now)
        # An aborted flow says so in the status of the task only.
        told = flow_event(flow, "PROCESSING" if status == "ABORTED" else status, 100)
        return {"Status": status, "ProcedureTask": told["ProcedureStateChangeEvent"]}

    def _DescribeTasks(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        file, now = self.files.get(parameters["FileId"]), self.scheduler.now
        flow = file.flow if file else None
        if flow is None or not flow.is_known(now):
            return {"TaskSet": []}
        task = {"TaskId": flow.task_id, "TaskType": "Procedure", "SessionContext": flow.file.token}
        return {"TaskSet": [task]}

    def _PullEvents(self, _parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        for _ in range(2):
            now = self.scheduler.now
            self._queue = [it for it in self._queue if now - it.at < QUEUE_SECONDS]
            pulled = [it for it in self._queue if it.hidden_until <= now][:BATCH]
            if pulled:
                break
            self.scheduler.sleep(4.9)
        for it in pulled:
            self._handles += 1
            it.handle, it.hidden_until = f"handle-{self._handles}", self.scheduler.now + HANDLE_SECONDS
        return {"EventSet": [{**it.event, "EventHandle": it.handle} for it in pulled] or None}

    def _ConfirmEvents(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        now, handles = self.scheduler.now, set(parameters["EventHandles"])
        confirmed = [it for it in self._queue if it.handle in handles and it.hidden_until > now]
        for it in confirmed:
            it.is_taken = True
        self._queue = [it for it in self._queue if it not in confirmed]
        if len(confirmed) < len(handles):
            raise TencentCloudSDKException("InvalidParameterValue", "A handle is not valid.", "id")
        return {}

    def _is_shown(self, file: File) -> bool:
        return file.shown_at <= self.scheduler.now


class ApiClient:
    """The part of the SDK's client that `shared.vod_api` uses."""

    def __init__(self, vod: Vod) -> None:
        self._vod = vod
        self.request = self
        self.conn = self
        self._session = self
        self.hooks: dict[str, list[Callable[[object], object]]] = {"response": []}
        self.timeout = 10.0

    def call_json(self, action: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Send one call."""
        return self._vod.call(action, parameters, self.timeout, self.hooks["response"][0])


def _lost() -> TencentCloudSDKException:
    error = TencentCloudSDKException("ClientNetworkError", "The connection is lost.")
    error.__context__ = LostConnectionError()
    return error


def iso(instant: float) -> str:
    """Return an instant as VOD writes it."""
    return datetime.fromtimestamp(int(instant), tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def media_of(file: File) -> dict[str, Any]:
    """Return a file as an item of MediaInfoSet."""
    address = f"https://1500012345.vod-example.test/{file.file_id}"
    return {
        "FileId": file.file_id,
        "BasicInfo": {
            "Name": "lecture",
            "CreateTime": file.created,
            "MediaUrl": f"{address}/original.mp4",
            "CoverUrl": f"{address}/cover.png",
            "Type": "mp4",
            "SourceInfo": {"SourceType": "Upload", "SourceContext": file.token},
        },
        "MetaData": {"Size": file.size, "Duration": 10.0},
    }


def upload_event(file: File) -> dict[str, Any]:
    """Return the event of a file."""
    media = media_of(file)
    upload = {
        "FileId": file.file_id,
        "MediaBasicInfo": media["BasicInfo"],
        "MetaData": media["MetaData"],
        "ProcedureTaskId": file.flow.task_id if file.flow else "",
        "ReviewAudioVideoTaskId": "",
    }
    return {"EventType": "NewFileUpload", "FileUploadEvent": upload}


def flow_event(flow: Flow, status: str, progress: int) -> dict[str, Any]:
    """Return an event of a task flow, or what DescribeTaskDetail says of it."""
    ended = "SUCCESS" if flow.succeeds else "FAIL"
    transcode = {
        "Status": ended if status == "FINISH" else "PROCESSING",
        "ErrCodeExt": "",
        "Progress": progress,
        "Input": {"Definition": 100030},
        "Output": {"Url": "https://1500012345.vod-example.test/v.f100030.mp4"},
    }
    state = {
        "TaskId": flow.task_id,
        "Status": status,
        "FileId": flow.file.file_id,
        "MediaProcessResultSet": [{"Type": "Transcode", "TranscodeTask": transcode}],
        "SessionContext": flow.file.token,
    }
    return {"EventType": "ProcedureStateChanged", "ProcedureStateChangeEvent": state}


def key_of(event: dict[str, Any]) -> tuple[str, str, str]:
    """Return what an event is about: its type, the id of the file or task flow, and the status."""
    kind = str(event.get("EventType", ""))
    upload, state = event.get("FileUploadEvent"), event.get("ProcedureStateChangeEvent")
    if isinstance(upload, dict):
        return kind, str(upload.get("FileId")), ""
    if isinstance(state, dict):
        return kind, str(state.get("TaskId")), str(state.get("Status"))
    return kind, "", ""
