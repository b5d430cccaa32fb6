"""The app: an HTTP endpoint that is slow, down, gone or forgetful, and does its work once per webhook-id."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from shared.deadline import Deadline
    from shared.tcp import Address
    from tests.simulation.scheduler import Scheduler

SECRET = b"the webhook secret of a simulated app."
URL = "http://127.0.0.1:8080/hook"
FAULTS = {
    "refused": 10,  # nobody listens
    "failed": 25,  # 500, the event is not taken
    "later": 5,  # 503 with Retry-After
    "slow": 15,  # taken, and answered in time or not
    "lost": 25,  # taken, and never answered
    "cut": 10,  # taken, and the answer ends behind its status
    "interim": 20,  # taken; 1xx answers come first
    "drip": 10,  # taken, and answered byte by byte
    "redirect": 5,
}
DRIP_SECONDS = 4.0
"""Between two bytes; less than the time-out of any wait."""
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
TOLERANCE_SECONDS = 300
"""How old or early a webhook may be (Standard Webhooks)."""


@dataclass
class Receipt:
    """One event as the app knows it: first content, time of receipt, and how often it came."""

    event: dict[str, Any]
    first_at: float
    copies: int = 1


class Answer(NamedTuple):
    """What comes after so many seconds: nothing if the connection then ends; byte by byte if it drips."""

    wait: float
    content: bytes
    drips: bool = False


@dataclass
class AppWeather:
    """How the app is at the moment."""

    rate: float = 0.0
    is_down: bool = False
    is_gone: bool = False
    only: str = ""
    """The one fault that happens; empty for all. `mute`: nothing is taken, and never an answer comes."""


@dataclass
class App:
    """The app's endpoint; `on_event` hears of every copy that it takes."""

    scheduler: Scheduler
    count_fault: Callable[[str], None]
    may_be_killed: Callable[[], None]
    on_event: Callable[[dict[str, Any]], None]
    weather: AppWeather = field(default_factory=AppWeather)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    always_sends_interim: bool = False
    secret: bytes = SECRET
    part: str = "app"

    def __post_init__(self) -> None:
        """Prepare its random numbers."""
        self.random = self.scheduler.random_of(self.part)

    def connect(self, _addresses: Sequence[Address], deadline: Deadline) -> AppSocket:
        """Stand for `shared.tcp.connect`."""
        self.may_be_killed()
        self.scheduler.sleep(self.random.uniform(0.001, 0.05))
        if self.weather.is_down:
            self.count_fault("app down")
            if self.random.random() < 0.2:
                self.scheduler.sleep(deadline.left())
                raise TimeoutError
            raise ConnectionRefusedError
        return AppSocket(self)

    def answer(self, request: bytes) -> Answer:
        """Take a request or not, and return the answer."""
        fault = ""
        if self.weather.is_gone:
            fault = "gone"
        elif self.random.random() < self.weather.rate:
            fault = self.weather.only or self.random.choices(list(FAULTS), list(FAULTS.values()))[0]
        if fault:
            self.count_fault(f"app {fault}")
        refused = {
            "refused": b"",
            "mute": b"",
            "failed": b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
            "later": b"HTTP/1.1 503 Later\r\nRetry-After: 900\r\nContent-Length: 0\r\n\r\n",
            "gone": b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
            "redirect": b"HTTP/1.1 307 There\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
        }
        if fault in refused:
            return Answer(60.0 if fault == "mute" else self.random.uniform(0.0, 0.3), refused[fault])
        if not self._takes(request):
            return Answer(0.01, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        taken = b"HTTP/1.1 204 No Content\r\n\r\n"
        if self.always_sends_interim or fault == "interim":
            taken = INTERIM + taken
        if fault == "slow":
            return Answer(self.random.uniform(0.5, 20.0), taken)
        if fault == "lost":
            return Answer(self.random.uniform(0.0, 20.0), b"")
        if fault == "cut":
            return Answer(0.05, taken[:-4])
        return Answer(self.random.uniform(0.005, 0.2), taken, drips=fault == "drip")

    def _takes(self, request: bytes) -> bool:
        """Check the signature as a receiver should, and take the event."""
        head, _, body = request.partition(b"\r\n\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
        raw_headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        event_id, sent_at = headers["webhook-id"], int(headers["webhook-timestamp"])
        signed = f"{raw_headers['webhook-id']}.{sent_at}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(self.secret, signed, hashlib.sha256).digest()).decode()
        if expected not in raw_headers["webhook-signature"].split():
            return False
        if abs(sent_at - self.scheduler.now) > TOLERANCE_SECONDS:
            return False
        event = json.loads(body)
        known = self.receipts.get(event_id)
        if known is None:
            self.receipts[event_id] = Receipt(event, self.scheduler.now)
        else:
            known.copies += 1
        self.scheduler.trace(f"{self.part} {event['type']} {event_id}")
        self.on_event(event)
        return True


class AppSocket:
    """The part of a socket that `shared.http.outbound` uses."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._request = bytearray()
        self._answer: Answer | None = None
        self._seconds = 15.0

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def settimeout(self, seconds: float) -> None:
        """Keep the longest wait."""
        self._seconds = seconds

    def send(self, content: bytes) -> int:
        """Take a part of the request."""
        self._request += content
        return len(content)

    def recv_into(self, buffer: bytearray) -> int:
        """Receive a part of the answer; nothing at its end."""
        if self._answer is None:
            self._answer = self._app.answer(bytes(self._request))
            self._wait(self._answer.wait)
            if not self._answer.content:
                raise ConnectionResetError
        elif self._answer.drips:
            self._wait(DRIP_SECONDS)
        most = 1 if self._answer.drips else len(buffer)
        part, rest = self._answer.content[:most], self._answer.content[most:]
        self._answer = self._answer._replace(content=rest)
        buffer[: len(part)] = part
        return len(part)

    def _wait(self, seconds: float) -> None:
        self._app.scheduler.sleep(min(seconds, self._seconds))
        self._app.may_be_killed()
        if seconds >= self._seconds:
            raise TimeoutError
