"""The functions with a name service that does not answer, a dead address, and a failover of the store.

The name service answers only after a test has its results, so no clock decides.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from functions import event_notification, upload_signature, upload_status
from shared.runtime import bootstrap
from tests.cluster.valkey_server import PASSWORD, ValkeyServer
from tests.functions.deployment import CALLBACK_TOKEN
from tests.functions.scf import REQUEST_ID, Answer, event_of, read_answer
from tests.shared.loopback_peer import HOST, HttpPeer, Reply, refused_port, swallowing_port
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functions.conftest import Call, Deploy
    from tests.shared.name_service import NameService

STORE, APP, API = "store.example.test", "app.example.test", "api.example.test"
WEBHOOK = {
    "APP_WEBHOOK_URL": f"http://{APP}/hook",
    "APP_WEBHOOK_SECRETS": "whsec_" + "Y2FuYXJ5" * 4,
    "APP_WEBHOOK_ALLOW_INSECURE": "1",
}


def push(context: str = "console") -> Answer:
    """Call back as VOD does, about an upload from the console; each context makes another event."""
    event = event_of("POST", f"/{CALLBACK_TOKEN}", body=json.dumps(uploaded(context)))
    return read_answer(event_notification.main_handler(event, {"request_id": REQUEST_ID}))


def due_events() -> int:
    """Count the events that wait for the timer."""
    store = bootstrap.event_notification().store
    return len(store.due_events(now=int(time.time()) + 15, limit=100))


def test_clients_hear_503_while_the_name_of_the_store_is_not_resolved(
    call: Call, deploy: Deploy, names: NameService
) -> None:
    """A call to the store has 0.9 seconds, name resolution included; all calls share one thread."""
    deploy(REDIS_URL=f"redis://{STORE}:6379/0")
    names.is_answering.clear()

    for handler, method, path in (
        (upload_signature.main_handler, "POST", "/signature"),
        (upload_status.main_handler, "GET", "/uploads/01KAPVZ9M80000000000000000"),
    ):
        answer = call(handler, method, path)
        assert (answer.status, answer.json["type"].rpartition(":")[2]) == (503, "store-unavailable")
    assert names.asked == [STORE]


def test_event_is_left_to_the_next_push_while_the_name_of_the_store_is_not_resolved(
    deploy: Deploy, names: NameService, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer is 503, and the event is logged for a replay, as with a store that does not answer."""
    deploy(REDIS_URL=f"redis://{STORE}:6379/0", CALLBACK_HOLD_SECONDS="0")
    names.is_answering.clear()

    assert push().status == 503
    assert '"event":"event.unjournaled"' in capsys.readouterr().out


@pytest.mark.parametrize("read_back", ["on", "off"])
def test_callback_is_answered_while_no_name_is_resolved(
    deploy: Deploy, names: NameService, monkeypatch: pytest.MonkeyPatch, read_back: str
) -> None:
    """The read-back and the first delivery end with the inline time, which is shortened here."""
    monkeypatch.setattr(event_notification, "INLINE_SECONDS", 0.3)
    deploy(**WEBHOOK, READ_BACK=read_back, VOD_API_URL=f"http://{API}")
    names.is_answering.clear()

    assert push().status == 200
    assert due_events() == 1
    bootstrap.vod_api.cache_clear()


def test_event_is_delivered_to_the_second_address_of_the_app(deploy: Deploy, names: NameService) -> None:
    """The first attempt reaches the app although two of its three addresses are dead."""
    with swallowing_port() as dead, HttpPeer(lambda _request: Reply(204)) as app:
        names.places[APP] = [(HOST, refused_port()), (HOST, dead), (HOST, app.port)]
        deploy(**WEBHOOK)

        assert push().status == 200
        assert due_events() == 0
        assert [request.headers["host"] for request in app.received] == [APP]


def test_callback_after_a_failover_is_taken(
    tmp_path: Path, deploy: Deploy, names: NameService, capsys: pytest.CaptureFixture[str]
) -> None:
    """One push fails at the demoted primary, with its word in the log; the next ones are journaled."""
    settings = {"save": '""'}
    with (
        ValkeyServer(tmp_path / "a", settings) as first,
        ValkeyServer(tmp_path / "b", settings) as second,
        second.client as new_primary,
        first.client as old_primary,
    ):
        names.places[STORE] = [(HOST, first.port)]
        deploy(REDIS_URL=f"redis://:{PASSWORD}@{STORE}:6379/0", CALLBACK_HOLD_SECONDS="0")
        assert push().status == 200
        old_primary.replicaof(HOST, str(second.port))
        names.places[STORE] = [(HOST, second.port)]
        capsys.readouterr()

        assert push("during").status == 503
        (refused,) = [
            line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "status" in line
        ]
        assert (refused["event"], refused["storeCode"]) == ("request.refused", "READONLY")
        assert [push(f"after-{number}").status for number in range(6)] == [200] * 6
        assert new_primary.dbsize() > 0
