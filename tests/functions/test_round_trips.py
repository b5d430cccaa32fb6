"""How many round trips to the store a warm invocation makes: each costs as much as all its other work."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from functions import event_notification
from shared.vod.signature import decode
from tests.functions.deployment import CALLBACK_TOKEN
from tests.shared.loopback_peer import HOST, RawPeer
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.functions.conftest import Call, Deploy, ReadStatus, Sign


class Line:
    """A relay to the store that counts the round trips, and can be cut."""

    def __init__(self, port: int) -> None:
        """Relay to a port of this machine."""
        self._port = port
        self.sent = 0
        self.connections: list[socket.socket] = []

    def speak(self, connection: socket.socket) -> None:
        """Forward everything; clients wait for each answer, so each piece is one round trip."""
        self.connections.append(connection)
        with socket.create_connection((HOST, self._port)) as store:
            while piece := connection.recv(1 << 20):
                self.sent += 1
                store.sendall(piece)
                connection.sendall(store.recv(1 << 20))

    def since(self, before: int) -> int:
        """Return the number of round trips since then."""
        return self.sent - before


@pytest.fixture
def line(valkey_url: str, deploy: Deploy) -> Iterator[Line]:
    """Deploy with a relay to the one Valkey."""
    parts = urlsplit(valkey_url)
    line = Line(int(parts.port or 0))
    with RawPeer(line.speak) as peer:
        deploy(REDIS_URL=f"redis://:{parts.password}@{HOST}:{peer.port}/0")
        yield line


def push(call: Call, signature: str, file_id: str) -> None:
    """Call back about the file of a signature."""
    event = uploaded(decode(signature).values["sourceContext"], file_id=file_id)
    answer = call(event_notification.main_handler, "POST", f"/{CALLBACK_TOKEN}", body=event, user=None)
    assert answer.status == 200


def test_warm_invocation_goes_to_the_store_once(
    line: Line, sign: Sign, read_status: ReadStatus, call: Call
) -> None:
    """A signature, its renewal, a status, an ingestion, a cancellation: one round trip each."""
    first = sign().json
    push(call, first["signature"], "1")
    read_status(first["uploadId"], method="DELETE", user="bob")
    second = sign({"context": "lesson 3"}).json
    sign({"uploadId": second["uploadId"]})
    trips = {}
    asks: dict[str, Callable[[], object]] = {
        "signature": sign,
        "renewal": lambda: sign({"uploadId": second["uploadId"]}),
        "status": lambda: read_status(second["uploadId"]),
        "cancellation": lambda: read_status(second["uploadId"], method="DELETE"),
        "ingestion": lambda: push(call, second["signature"], "2"),
    }
    for name, ask in asks.items():
        before = line.sent
        ask()
        trips[name] = line.since(before)

    assert trips == dict.fromkeys(trips, 1)
    assert len(line.connections) == 3, "one for each function"


def test_refused_request_does_not_go_to_the_store(line: Line, sign: Sign) -> None:
    """A request without a token makes no round trip."""
    sign()
    before = line.sent

    assert sign(user=None).status == 401
    assert sign({"storageRegion": "somewhere"}).status == 422
    assert line.since(before) == 0


def test_connection_that_broke_costs_no_request(line: Line, sign: Sign) -> None:
    """The line is cut between two invocations, as a frozen instance finds it: the next one succeeds."""
    sign()
    line.connections[0].shutdown(socket.SHUT_RDWR)

    assert sign().status == 200
    assert len(line.connections) == 2
