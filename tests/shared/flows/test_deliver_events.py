from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from standardwebhooks.webhooks import Webhook

from shared.config.settings import EventDeliverySettings, load_settings
from shared.domain.app_event import PUSH
from shared.domain.ingested_event import IngestedEvent, Source
from shared.errors import StoreUnavailableError
from shared.flows.deliver_events import DISABLED_SECONDS, Deliverer
from shared.flows.ingest_event import Ingester
from shared.http.webhook import AppWebhook
from shared.store.connection import StoreScope
from shared.store.journal import Store
from shared.vod.context_token import UploadContext, seal
from tests.shared.loopback_peer import HOST, HttpPeer, Reply, refused_port
from tests.shared.uploads import changed, new_session, notification_of, uploaded
from tests.shared.vod_records import Records

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "a" * 32
SECRET = "whsec_" + "AAAA" * 8
FAR = 2**33


@pytest.fixture
def app() -> Iterator[HttpPeer]:
    """Run an app that accepts every event."""
    with HttpPeer(lambda _request: Reply(204)) as peer:
        yield peer


class Vod(Records):
    """VOD's records of every file; without a token every query fails."""

    def __init__(self, token: str | None) -> None:
        """Use one token for all files."""
        super().__init__(failing={"media_info", "procedure_task"} if token is None else set())
        self.kept = defaultdict(lambda: token or "")
        self.run(changed(token or ""))

    def media_info(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object] | None:
        """Return a file's information."""
        assert file_id
        assert sub_app_id is None
        assert self.kept[file_id] is not None
        return super().media_info(file_id, sub_app_id=sub_app_id, timeout_seconds=timeout_seconds)


@pytest.fixture
def token() -> str:
    """Seal the token of an upload."""
    session = new_session(issued_at=int(time.time()))
    return seal(UploadContext(session.upload_id, "alice", "lesson 3"), keys=(KEY,), stage="test")


def deliverer_to(url: str, valkey_url: str, token: str | None, *, seconds: float = 3.0) -> Deliverer:
    """Return a deliverer that has so many seconds."""
    environment = {
        "REDIS_URL": valkey_url,
        "STAGE": "test",
        "CONTEXT_KEYS": KEY,
        "VOD_SECRET_ID": "AKIDexample0000",
        "VOD_SECRET_KEY": "example-secret-key",
        "APP_WEBHOOK_URL": url,
        "APP_WEBHOOK_SECRETS": SECRET,
        "APP_WEBHOOK_ALLOW_INSECURE": "1",
    }
    settings = load_settings(EventDeliverySettings, environment)
    return Deliverer(
        ingester=Ingester(Store(valkey_url, StoreScope("test", 7200)), settings),
        read_back=lambda: Vod(token),
        webhook=AppWebhook(settings) if url != "off" else None,
        clock=time.time,
        jitter=lambda: 0.0,
        wait=time.sleep,
        new_lease=lambda: "l",
        deadline=time.time() + seconds,
    )


def ingest(deliverer: Deliverer, event: dict[str, object], *, seconds_ago: int = 0) -> IngestedEvent:
    """Ingest a pushed event."""
    source = Source(PUSH, int(time.time()) - seconds_ago, lease="l")
    return deliverer.ingester.ingest(notification_of(event), source)


def due_in(deliverer: Deliverer) -> float | None:
    """Return in how many seconds the only event is due; None if it is not due at all."""
    now = int(time.time())
    for seconds in (0, 5, 10, 60, 300, 360, 3600, FAR):
        if deliverer.ingester.store.due_events(now=now + seconds + 1, limit=10):
            return seconds
    return None


def test_genuine_event_is_verified_and_delivered_once(app: HttpPeer, valkey_url: str, token: str) -> None:
    """In one invocation VOD confirms the file and the app gets the signed event; no work remains."""
    deliverer = deliverer_to(app.url, valkey_url, token)
    ingested = ingest(deliverer, uploaded(token))

    assert deliverer.deliver(ingested) == "delivered"

    (received,) = app.received
    event = Webhook(SECRET).verify(received.body, dict(received.headers))
    assert event["type"] == "upload.completed"
    assert event["data"]["uploader"] == "alice"
    assert event["data"]["verified"] is True
    assert event["id"] == received.headers["webhook-id"] == ingested.event.event_id
    assert due_in(deliverer) is None


def test_foreign_event_is_delivered_as_what_it_is(app: HttpPeer, valkey_url: str) -> None:
    """An upload from the console needs no read-back: there is nothing it claims."""
    deliverer = deliverer_to(app.url, valkey_url, None)

    assert deliverer.deliver(ingest(deliverer, uploaded("order-7781"))) == "delivered"

    assert json.loads(app.received[0].body)["data"]["verdict"] == "unattributed"


def test_duplicate_is_not_delivered_again(app: HttpPeer, valkey_url: str, token: str) -> None:
    """The second copy of an event has nothing to do."""
    deliverer = deliverer_to(app.url, valkey_url, token)
    deliverer.deliver(ingest(deliverer, uploaded(token)))

    assert deliverer.deliver(ingest(deliverer, uploaded(token))) == "duplicate"
    assert len(app.received) == 1


def test_forged_event_is_not_delivered(app: HttpPeer, valkey_url: str, token: str) -> None:
    """VOD knows the file under another token, or not at all: nobody hears of it."""
    deliverer = deliverer_to(app.url, valkey_url, "somebody else's")

    assert deliverer.deliver(ingest(deliverer, uploaded(token))) == "quarantined"
    assert deliverer.deliver(ingest(deliverer, uploaded(token + "x"))) == "recorded"
    assert app.received == []
    assert due_in(deliverer) is None


def test_event_is_held_and_due_again_while_vod_cannot_be_asked(
    app: HttpPeer, valkey_url: str, token: str
) -> None:
    """The app hears nothing that is not verified; the event waits for the timer."""
    deliverer = deliverer_to(app.url, valkey_url, None)

    assert deliverer.deliver(ingest(deliverer, uploaded(token))) == "held"

    assert app.received == []
    assert due_in(deliverer) == 5


@pytest.mark.parametrize("status", [301, 400, 500, 503])
def test_event_that_the_app_refuses_is_due_again(
    app: HttpPeer, valkey_url: str, token: str, status: int
) -> None:
    """A failed attempt is followed by another one after five seconds."""
    app.answer = lambda _request: Reply(status, headers={"Location": app.url})
    deliverer = deliverer_to(app.url, valkey_url, token)

    assert deliverer.deliver(ingest(deliverer, uploaded(token))) == "due"

    assert len(app.received) == 1
    assert due_in(deliverer) == 5


def test_app_that_is_down_gets_the_event_later(valkey_url: str, token: str) -> None:
    """Nobody listening is a failed attempt like any other."""
    deliverer = deliverer_to(f"http://{HOST}:{refused_port()}", valkey_url, token)

    assert deliverer.deliver(ingest(deliverer, uploaded(token))) == "due"
    assert due_in(deliverer) == 5


def test_app_that_is_slow_is_left_when_the_time_is_over(valkey_url: str, token: str) -> None:
    """An attempt ends with the function's time, and counts as failed."""
    with HttpPeer(lambda _request: Reply(204, delay_seconds=9)) as slow:
        deliverer = deliverer_to(slow.url, valkey_url, token, seconds=0.5)
        started = time.monotonic()
        assert deliverer.deliver(ingest(deliverer, uploaded(token))) == "due"

    assert time.monotonic() - started < 2.0


def test_wish_of_the_app_to_wait_is_granted(app: HttpPeer, valkey_url: str, token: str) -> None:
    """Retry-After lengthens the wait (F45)."""
    app.answer = lambda _request: Reply(503, headers={"Retry-After": "60"})
    deliverer = deliverer_to(app.url, valkey_url, token)

    deliverer.deliver(ingest(deliverer, uploaded(token)))

    assert due_in(deliverer) == 60


def test_endpoint_that_is_gone_is_left_alone(app: HttpPeer, valkey_url: str, token: str) -> None:
    """After a 410 nothing is sent and nothing is lost; every hour the endpoint's state is checked (F45)."""
    app.answer = lambda _request: Reply(410)
    deliverer = deliverer_to(app.url, valkey_url, token)
    second_file = uploaded(token, file_id="5576678020099999999")

    assert deliverer.deliver(ingest(deliverer, uploaded(token))) == "due"
    assert deliverer.deliver(ingest(deliverer, changed(token))) == "due"
    assert deliverer.deliver(ingest(deliverer, second_file)) == "due"

    assert len(app.received) == 1
    assert due_in(deliverer) == DISABLED_SECONDS


def test_last_attempt_makes_a_dead_letter(app: HttpPeer, valkey_url: str, token: str) -> None:
    """After the last of the attempts an event is dead, whether the app or VOD was the reason."""
    app.answer = lambda _request: Reply(500)
    deliverer = deliverer_to(app.url, valkey_url, token)
    refused = replace(ingest(deliverer, uploaded(token)), attempts=9)
    unverified = deliverer_to(app.url, valkey_url, None)
    held = replace(ingest(unverified, uploaded(token, file_id="1")), attempts=9)

    assert deliverer.deliver(refused) == "dead"
    assert unverified.deliver(held) == "dead"
    assert due_in(deliverer) is None


def test_event_goes_nowhere_where_no_webhook_is_set_up(valkey_url: str, token: str) -> None:
    """With the webhook off the event is verified and kept."""
    deliverer = deliverer_to("off", valkey_url, token)

    assert deliverer.deliver(ingest(deliverer, uploaded(token))) == "kept"


def test_result_of_who_lost_the_lease_is_void(app: HttpPeer, valkey_url: str, token: str) -> None:
    """An attempt that took too long is not written over its heir's (F29)."""
    deliverer = deliverer_to(app.url, valkey_url, token)
    verified = ingest(deliverer, {"EventType": "FileDeleted"}, seconds_ago=30)
    held = ingest(deliverer, uploaded(token), seconds_ago=30)
    now = int(time.time())
    for at in deliverer.ingester.store.due_events(now=now, limit=10):
        deliverer.ingester.store.take(at, endpoint="", now=now, lease="heir", lease_ends_at=now + 30)

    assert deliverer.deliver(verified) == "lost"
    assert deliverer.deliver(held) == "lost"
    assert len(app.received) == 1


def test_failure_of_the_store_leaves_the_event_due(
    app: HttpPeer, valkey_url: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the store fails after the journal, nothing is raised: the lease ends, and the timer tries."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise StoreUnavailableError("The store did not answer.")

    deliverer, cut_off = deliverer_to(app.url, valkey_url, token), deliverer_to(app.url, valkey_url, None)
    ingested, held = ingest(deliverer, uploaded(token)), ingest(cut_off, uploaded(token, file_id="1"))
    monkeypatch.setattr(Store, "finish_attempt", fail)

    assert deliverer.deliver(ingested) == "due"
    assert cut_off.deliver(held) == "held"
    assert due_in(deliverer) == 10


def test_second_file_of_an_upload_is_delivered_as_replayed(
    app: HttpPeer, valkey_url: str, token: str
) -> None:
    """The app decides what a second file under one upload means to it."""
    deliverer = deliverer_to(app.url, valkey_url, token)
    deliverer.deliver(ingest(deliverer, uploaded(token)))

    assert deliverer.deliver(ingest(deliverer, uploaded(token, file_id="5576678020099999999"))) == "delivered"

    event = json.loads(app.received[1].body)
    assert (event["type"], event["data"]["verdict"], event["data"]["sequence"]) == (
        "upload.replayed",
        "replayed",
        2,
    )
