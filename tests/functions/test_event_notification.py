"""POST /{callback token}: VOD's normal callback.

tests/shared/flows tests what follows: verification, delivery, repeated and forged events;
tests/shared/vod/test_notification_hostile.py tests invalid bodies.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from standardwebhooks.webhooks import Webhook

from functions import event_notification
from local.simulator.faults import Fault
from shared.flows.ingest_event import Ingester
from shared.runtime import bootstrap
from tests.functions.deployment import CALLBACK_TOKEN, WEBHOOK_SECRET
from tests.functions.scf import REQUEST_ID
from tests.functions.vod import begin_upload, due_events, push, token_in, upload
from tests.shared.loopback_peer import HOST, HttpPeer, RawPeer, Reply, refused_port, say_nothing
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from tests.functions.conftest import Deploy, Logged, ReadStatus
    from tests.local.simulator.account import Account

SIGN_KEY = "AbCd1234EfGh5678"
NOT_A_TOKEN = "another-token-as-long-as-ours-0002"
VOD_GIVES_UP_SECONDS = 5
OUR_OWN_FAULTS = {error.__name__: Mock(side_effect=error("canary")) for error in (KeyError, MemoryError)}


def delivered(app: HttpPeer) -> list[dict[str, Any]]:
    """Read what the app got, through the library that an app would use."""
    webhook = Webhook(WEBHOOK_SECRET)
    return [dict(webhook.verify(request.body, dict(request.headers))) for request in app.received]


@pytest.mark.usefixtures("services")
def test_finished_upload_reaches_app_and_owner(vod: Account, app: HttpPeer, read_status: ReadStatus) -> None:
    """From the callback to the app's signed event and the owner's status."""
    upload_id, event = upload(vod, context="lesson 3")

    answer = push(event)

    assert (answer.status, answer.body) == (200, "")
    (told,) = delivered(app)
    assert told["type"] == "upload.completed"
    assert {
        "uploader": "alice",
        "context": "lesson 3",
        "uploadId": upload_id,
        "verified": True,
        "verdict": "attributed",
    }.items() <= told["data"].items()
    status = read_status(upload_id).json
    assert (status["state"], status["fileId"]) == ("uploaded", told["data"]["fileId"])
    assert due_events() == 0


@pytest.mark.usefixtures("services")
def test_event_that_may_not_go_out_is_answered(vod: Account, app: HttpPeer) -> None:
    """VOD gets its 200, so that it stops, for a broken seal (S24) and for an event that is held."""
    token = token_in(begin_upload(seconds_ago=60).signature)
    _, held = upload(vod)
    vod.simulator.faults.set([Fault("DescribeMediaInfos", "error")])

    assert push(uploaded(token[:-1] + ("A" if token[-1] != "A" else "Q"))).status == 200
    assert due_events() == 0
    assert push(held).status == 200
    assert due_events() == 1
    assert app.received == []


def test_answer_waits_for_nobody(
    services: dict[str, str], deploy: Deploy, vod: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to VOD is sent while VOD's API and the app still hold theirs."""
    _, event = upload(vod)
    assert event_notification.INLINE_SECONDS + 1 < VOD_GIVES_UP_SECONDS
    monkeypatch.setattr(event_notification, "INLINE_SECONDS", 0.3)
    for silent in ("VOD_API_URL", "APP_WEBHOOK_URL"):
        with HttpPeer(lambda _request: Reply(204, delay_seconds=3600)) as holding:
            deploy(**{**services, silent: holding.url})

            assert push(event if silent == "VOD_API_URL" else uploaded("console")).status == 200
    assert due_events() == 2


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/{NOT_A_TOKEN}",
        f"/{CALLBACK_TOKEN[:-1]}",
        f"/{CALLBACK_TOKEN.upper()}",
        f"/{CALLBACK_TOKEN}/{NOT_A_TOKEN}",
        f"/?{CALLBACK_TOKEN}",
        "/\u00e9\ud800\x00",
    ],
)
def test_stranger_finds_nothing(app: HttpPeer, path: str) -> None:
    """Without the token there is nothing here, whatever is sent, and nothing of it is read (S23)."""
    answers = [push(body, path=path, query={"token": CALLBACK_TOKEN}) for body in ("no JSON", uploaded())]

    assert {(answer.status, answer.json["detail"]) for answer in answers} == {(404, "There is nothing here.")}
    assert app.received == []


@pytest.mark.parametrize("path", [f"/{CALLBACK_TOKEN}", f"/stage/vod-callback/{NOT_A_TOKEN}"])
def test_two_tokens_are_valid_during_a_rotation(services: dict[str, str], deploy: Deploy, path: str) -> None:
    """The old address goes on working beside the new one, whatever path the platform puts before it."""
    deploy(**{**services, "CALLBACK_TOKENS": f"{NOT_A_TOKEN},{CALLBACK_TOKEN}"})

    assert push(uploaded("console"), path=path).status == 200


def signed(**changes: object) -> dict[str, object]:
    """Create what VOD adds when a SignKey is set, good for ten minutes."""
    expires_at = int(time.time()) + 600
    sign = hashlib.md5(f"{SIGN_KEY}{expires_at}".encode()).hexdigest()  # noqa: S324 -- the vendor's choice
    return {"Sign": sign, "T": expires_at, **changes}


def test_callback_is_signed_where_a_key_is_set(
    services: dict[str, str], deploy: Deploy, app: HttpPeer
) -> None:
    """Sign and T are read from the body or the query string; without them the answer is 404."""
    deploy(**{**services, "READ_BACK": "off", "VOD_CALLBACK_SIGN_KEY": SIGN_KEY})
    query = {name: str(value) for name, value in signed().items()}

    assert push({**uploaded("a", file_id="1"), **signed()}).status == 200
    assert push(uploaded("b", file_id="2"), query=query).status == 200
    for wrong in ({"Sign": None}, {"T": 1}):
        assert push({**uploaded(), **signed(**wrong)}).status == 404
    assert ["Sign" in event["raw"] for event in delivered(app)] == [False, False]


@pytest.mark.parametrize("failure", ["down", "silent", *OUR_OWN_FAULTS])
def test_event_that_cannot_be_journaled_gets_no_answer_in_time(
    services: dict[str, str], deploy: Deploy, logged: Logged, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """VOD repeats only what timed out, so the function waits, and logs the event for a replay (S39)."""
    event = uploaded("order-7781 \u2603")
    waited: list[float] = []
    monkeypatch.setattr(bootstrap, "wait", waited.append)
    with RawPeer(say_nothing) as hole:
        port = hole.port if failure == "silent" else refused_port()
        url = f"redis://:canary@{HOST}:{port}/0"
        deploy(**{**services, "REDIS_URL": url, "CALLBACK_HOLD_SECONDS": "30"})
        if failure in OUR_OWN_FAULTS:
            monkeypatch.setattr(Ingester, "ingest", OUR_OWN_FAULTS[failure])
        logged()
        answer = push({**event, "Sign": "1eee", "T": 1793319136})

    assert answer.status == (500 if failure in OUR_OWN_FAULTS else 503)
    assert 0 < waited[0] <= 30
    lines = logged()
    (unjournaled,) = [line for line in lines if line["event"] == "event.unjournaled"]
    assert json.loads(unjournaled["raw"]) == event
    assert (unjournaled["level"], unjournaled["requestId"]) == ("error", REQUEST_ID)
    assert [word for word in (str(port), "canary", "1eee") if word in json.dumps(lines) + answer.body] == []


@pytest.mark.parametrize("kind", ["token", "signature"])
def test_refusal_is_one_line_that_can_be_counted(
    services: dict[str, str], deploy: Deploy, logged: Logged, kind: str
) -> None:
    """It says what was wrong, and nothing of what the stranger sent (S23)."""
    deploy(**{**services, "VOD_CALLBACK_SIGN_KEY": SIGN_KEY})
    path = f"/{CALLBACK_TOKEN if kind == 'signature' else NOT_A_TOKEN}"
    answer = push({"EventType": "canary-body"}, path=path, query={"token": "canary-query", "sign": "canary"})
    (line,) = logged()

    assert answer.status == 404
    assert line.items() >= {"event": "request.refused", "status": 404, "wrong": kind}.items()
    assert [word for word in ("canary", path.strip("/")) if word in json.dumps(line)] == []
