"""How many round trips to the store a warm invocation makes: each costs as much as all its other work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from functions import upload_signature, upload_status
from tests.functions.vod import push, token_in
from tests.shared.loopback_peer import HOST, RawPeer, refused_port, relay_to, say_nothing
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.functions.conftest import Call, Deploy, ReadStatus, Sign
    from tests.shared.name_service import NameService

UPLOAD = "01KAPVZ9M80000000000000000"


@dataclass
class Line:
    """A relay to the store; a client waits for each reply, so each piece of requests is one round trip."""

    peer: RawPeer
    heard: list[bytes]

    def trips(self, ask: Callable[[], object]) -> int:
        """Return how often something was sent to the store."""
        before = len(self.heard)
        ask()
        return len(self.heard) - before


@pytest.fixture
def line(valkey_url: str, deploy: Deploy) -> Iterator[Line]:
    """Deploy behind a line to the one Valkey."""
    parts, heard = urlsplit(valkey_url), list[bytes]()
    with RawPeer(relay_to(int(parts.port or 0), heard)) as peer:
        deploy(REDIS_URL=f"redis://:{parts.password}@{HOST}:{peer.port}/0")
        yield Line(peer, heard)


def test_warm_invocation_goes_to_the_store_once(
    line: Line, call: Call, sign: Sign, read_status: ReadStatus
) -> None:
    """A signature, its renewal, a status, a list, an ingested event, a cancellation: one round trip each."""
    first = sign().json
    push(uploaded(token_in(first["signature"]), file_id="1"))
    read_status(first["uploadId"], method="DELETE", user="bob")
    second = sign({"context": "lesson 3"}).json
    sign({"uploadId": second["uploadId"]})
    call(upload_status.main_handler, "GET", "/uploads")
    key = '"key"'
    asks: dict[str, Callable[[], object]] = {
        "signature": sign,
        "signature under a key": lambda: sign(idempotency_key=key),
        "repeated signature": lambda: sign(idempotency_key=key),
        "renewal": lambda: sign({"uploadId": second["uploadId"]}),
        "status": lambda: read_status(second["uploadId"]),
        "list": lambda: call(upload_status.main_handler, "GET", "/uploads"),
        "cancellation": lambda: read_status(second["uploadId"], method="DELETE"),
        "event": lambda: push(uploaded(token_in(second["signature"]), file_id="2")),
        "its copy": lambda: push(uploaded(token_in(second["signature"]), file_id="2")),
    }

    assert {name: line.trips(ask) for name, ask in asks.items()} == dict.fromkeys(asks, 1)
    assert len(line.peer.connections) == 3, "one for each function"


def test_refused_request_does_not_go_to_the_store(line: Line, sign: Sign) -> None:
    """A request without a token, or one that is refused anyway, makes no round trip."""
    sign()

    assert line.trips(lambda: sign(user=None)) == line.trips(lambda: sign({"policy": "nosuch"})) == 0


@pytest.mark.parametrize("way", ["silent", "refused", "no address"])
def test_unreachable_store_is_503(
    call: Call, deploy: Deploy, names: NameService, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    """The client gets 503 and Retry-After; neither the answer nor the log has the store's address (S17)."""
    names.is_answering.clear()
    with RawPeer(say_nothing) as hole:
        place = {
            "silent": f"{HOST}:{hole.port}",
            "refused": f"{HOST}:{refused_port()}",
            "no address": "store.example.test:6379",
        }[way]
        deploy(REDIS_URL=f"redis://:canary-of-the-store@{place}/0")
        answers = [
            call(handler, method, path)
            for handler, method, path in (
                (upload_signature.main_handler, "POST", "/signature"),
                (upload_status.main_handler, "GET", f"/uploads/{UPLOAD}"),
                (upload_status.main_handler, "DELETE", f"/uploads/{UPLOAD}"),
            )
        ]

    told = "".join(answer.body for answer in answers) + capsys.readouterr().out
    words = {(answer.status, answer.json["type"].rpartition(":")[2]) for answer in answers}
    assert words == {(503, "store-unavailable")}
    assert [word for word in ("canary-of-the-store", *place.split(":")) if word in told] == []
    assert len(names.asked) == (way == "no address"), "one for all calls"
