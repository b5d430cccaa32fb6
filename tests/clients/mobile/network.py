"""The phone's way to VOD in tests: every host of VOD is one simulator, and what is asked is written down."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter

from local.simulator.storage_operation import operation_name

if TYPE_CHECKING:
    from collections.abc import Callable


class Asked(NamedTuple):
    """One request: its action or storage operation, its URL and Host header, and the members of its body."""

    name: str
    url: str
    host: str
    members: dict[str, Any]


class Network(HTTPAdapter):
    """Sends requests for any host to one address; http and https are one, as the simulator is behind both.

    `lose_reply` drops answers on their way back; `before` is called with a name before that request leaves.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self.before: Callable[[str], None] = lambda _name: None
        self._url = url
        self._lost: list[str] = []
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The names of what was asked, in order."""
        return [asked.name for asked in self.asked]

    def called(self, name: str) -> list[Asked]:
        """Return the requests of one name, in order."""
        return [asked for asked in self.asked if asked.name == name]

    def session(self) -> requests.Session:
        """Return a session of this network alone, whatever proxies the environment names."""
        session = requests.Session()
        session.trust_env = False
        session.mount("http://", self)
        session.mount("https://", self)
        return session

    def lose_reply(self, *names: str) -> None:
        """Have the next answers to these requests be lost, one for each name given."""
        self._lost += names

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401  # of requests
        """Send one request, under the name of its host, to the simulator."""
        url = urlsplit(str(request.url))
        name = _name_of(request)
        self.before(name)
        request.headers.setdefault("Host", url.netloc)
        is_json = request.headers.get("Content-Type") == "application/json"
        members = json.loads(cast("bytes", request.body)) if is_json else {}
        with self._lock:
            self.asked.append(Asked(name, str(request.url), str(request.headers["Host"]), members))
        request.url = f"{self._url}{url.path or '/'}" + (f"?{url.query}" if url.query else "")
        answer = super().send(request, **options)
        if name in self._lost:
            self._lost.remove(name)
            raise requests.ConnectionError(f"the reply to {name} is lost")
        return answer


def _name_of(request: requests.PreparedRequest) -> str:
    """Return the action or the storage's operation, as counters and faults name it."""
    url = urlsplit(str(request.url))
    query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    if "Action" in query:
        return query["Action"]
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    return operation_name(str(request.method), url.path, query, headers)
