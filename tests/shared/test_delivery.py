from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from standardwebhooks.webhooks import Webhook

from shared.app_event import PUSH
from shared.app_webhook import AppWebhook
from shared.arrival import Arrival, Source
from shared.delivery import DISABLED_SECONDS, Courier
from shared.errors import StoreUnavailableError
from shared.intake import Intake
from shared.settings import EventDeliverySettings, load_settings
from shared.store import Store, StoreScope
from shared.upload_context import UploadContext, seal
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
    """Run an app that takes every event."""
    with HttpPeer(lambda _request: Reply(204)) as peer:
        yield peer


class Vod(Records):
    """What VOD keeps of every file; without a token, it cannot be asked."""

    def __init__(self, token: str | None) -> None:
        """Know one token."""
        super().__init__(failing={"media_info", "procedure_task"} if token is None else set())
        self.kept = defaultdict(lambda: token or "")
        self.run(changed(token or ""))

    def media_info(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object] | None:
        """Read a file's information."""
        assert file_id
        assert sub_app_id is None
        assert self.kept[file_id] is not None
        return super().media_info(file_id, sub_app_id=sub_app_id, timeout_seconds=timeout_seconds)


@pytest.fixture
def token() -> str:
    """Seal the token of an upload."""
    session = new_session(issued_at=int(time.time()))
    return seal(UploadContext(session.upload_id, "alice", "lesson 3"), keys=(KEY,), stage="test")


def courier_to(url: str, valkey_url: str, token: str | None, *, seconds: float = 3.0) -> Courier:
    """Make a courier that has so many seconds."""
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
    return Courier(
        intake=Intake(Store(valkey_url, StoreScope("test", 7200)), settings),
        read_back=lambda: Vod(token),
        webhook=AppWebhook(settings) if url != "off" else None,
        clock=time.time,
        draw=lambda: 0.0,
        deadline=time.time() + seconds,
    )


def take_in(courier: Courier, event: dict[str, object], *, seconds_ago: int = 0) -> Arrival:
    """Take a pushed event in."""
    source = Source(PUSH, int(time.time()) - seconds_ago, lease="l")
    return courier.intake.take_in(notification_of(event), source)


def due_in(courier: Courier) -> float | None:
    """Tell in how many seconds the only event is due; None if it is not due at all."""
    now = int(time.time())
    for seconds in (0, 5, 10, 60, 300, 360, 3600, FAR):
        if courier.intake.store.due_events(now=now + seconds + 1, limit=10):
            return seconds
    return None


def test_genuine_event_is_verified_and_delivered_once(app: HttpPeer, valkey_url: str, token: str) -> None:
    """In one go: VOD confirms the file, the app gets the signed event, nothing is left to do."""
    courier = courier_to(app.url, valkey_url, token)
    arrival = take_in(courier, uploaded(token))

    assert courier.deliver(arrival) == "delivered"

    (received,) = app.received
    event = Webhook(SECRET).verify(received.body, dict(received.headers))
    assert event["type"] == "upload.completed"
    assert event["data"]["uploader"] == "alice"
    assert event["data"]["verified"] is True
    assert event["id"] == received.headers["webhook-id"] == arrival.event.event_id
    assert due_in(courier) is None


def test_foreign_event_is_delivered_as_what_it_is(app: HttpPeer, valkey_url: str) -> None:
    """An upload from the console needs no read-back: there is nothing it claims."""
    courier = courier_to(app.url, valkey_url, None)

    assert courier.deliver(take_in(courier, uploaded("order-7781"))) == "delivered"

    assert json.loads(app.received[0].body)["data"]["verdict"] == "unattributed"


def test_duplicate_is_not_delivered_again(app: HttpPeer, valkey_url: str, token: str) -> None:
    """The second copy of an event has nothing to do."""
    courier = courier_to(app.url, valkey_url, token)
    courier.deliver(take_in(courier, uploaded(token)))

    assert courier.deliver(take_in(courier, uploaded(token))) == "duplicate"
    assert len(app.received) == 1


def test_forged_event_is_not_delivered(app: HttpPeer, valkey_url: str, token: str) -> None:
    """VOD knows the file under another token, or not at all: nobody hears of it."""
    courier = courier_to(app.url, valkey_url, "somebody else's")

    assert courier.deliver(take_in(courier, uploaded(token))) == "quarantined"
    assert courier.deliver(take_in(courier, uploaded(token + "x"))) == "recorded"
    assert app.received == []
    assert due_in(courier) is None


def test_event_is_held_and_due_again_while_vod_cannot_be_asked(
    app: HttpPeer, valkey_url: str, token: str
) -> None:
    """The app hears nothing that is not verified; the event waits for the timer."""
    courier = courier_to(app.url, valkey_url, None)

    assert courier.deliver(take_in(courier, uploaded(token))) == "held"

    assert app.received == []
    assert due_in(courier) == 5


@pytest.mark.parametrize("status", [301, 400, 500, 503])
def test_event_that_the_app_refuses_is_due_again(
    app: HttpPeer, valkey_url: str, token: str, status: int
) -> None:
    """A failed attempt is followed by another one after five seconds."""
    app.answer = lambda _request: Reply(status, headers={"Location": app.url})
    courier = courier_to(app.url, valkey_url, token)

    assert courier.deliver(take_in(courier, uploaded(token))) == "retrying"

    assert len(app.received) == 1
    assert due_in(courier) == 5


def test_app_that_is_down_gets_the_event_later(valkey_url: str, token: str) -> None:
    """Nobody listening is a failed attempt like any other."""
    courier = courier_to(f"http://{HOST}:{refused_port()}", valkey_url, token)

    assert courier.deliver(take_in(courier, uploaded(token))) == "retrying"
    assert due_in(courier) == 5


def test_app_that_is_slow_is_left_when_the_time_is_over(valkey_url: str, token: str) -> None:
    """An attempt ends with the function's time, and counts as failed."""
    with HttpPeer(lambda _request: Reply(204, delay_seconds=9)) as slow:
        courier = courier_to(slow.url, valkey_url, token, seconds=0.5)
        started = time.monotonic()
        assert courier.deliver(take_in(courier, uploaded(token))) == "retrying"

    assert time.monotonic() - started < 2.0


def test_wish_of_the_app_to_wait_is_granted(app: HttpPeer, valkey_url: str, token: str) -> None:
    """Retry-After lengthens the wait (F45)."""
    app.answer = lambda _request: Reply(503, headers={"Retry-After": "60"})
    courier = courier_to(app.url, valkey_url, token)

    courier.deliver(take_in(courier, uploaded(token)))

    assert due_in(courier) == 60


def test_endpoint_that_is_gone_is_left_alone(app: HttpPeer, valkey_url: str, token: str) -> None:
    """After a 410 nothing is sent, nothing is lost, and every hour it is looked at again (F45)."""
    app.answer = lambda _request: Reply(410)
    courier = courier_to(app.url, valkey_url, token)
    second_file = uploaded(token, file_id="5576678020099999999")

    assert courier.deliver(take_in(courier, uploaded(token))) == "retrying"
    assert courier.deliver(take_in(courier, changed(token))) == "retrying"
    assert courier.deliver(take_in(courier, second_file)) == "retrying"

    assert len(app.received) == 1
    assert due_in(courier) == DISABLED_SECONDS


def test_last_attempt_makes_a_dead_letter(app: HttpPeer, valkey_url: str, token: str) -> None:
    """After the last of the attempts an event is dead, whether the app or VOD was the reason."""
    app.answer = lambda _request: Reply(500)
    courier = courier_to(app.url, valkey_url, token)
    refused = replace(take_in(courier, uploaded(token)), attempts=9)
    unverified = courier_to(app.url, valkey_url, None)
    held = replace(take_in(unverified, uploaded(token, file_id="1")), attempts=9)

    assert courier.deliver(refused) == "dead"
    assert unverified.deliver(held) == "dead"
    assert due_in(courier) is None


def test_event_goes_nowhere_where_no_webhook_is_set_up(valkey_url: str, token: str) -> None:
    """With the webhook off the event is verified and kept."""
    courier = courier_to("off", valkey_url, token)

    assert courier.deliver(take_in(courier, uploaded(token))) == "kept"


def test_result_of_who_lost_the_lease_is_void(app: HttpPeer, valkey_url: str, token: str) -> None:
    """An attempt that took too long is not written over its heir's (F29)."""
    courier = courier_to(app.url, valkey_url, token)
    verified = take_in(courier, {"EventType": "FileDeleted"}, seconds_ago=30)
    held = take_in(courier, uploaded(token), seconds_ago=30)
    now = int(time.time())
    for at in courier.intake.store.due_events(now=now, limit=10):
        courier.intake.store.take(at, endpoint="", now=now, lease="heir", lease_ends_at=now + 30)

    assert courier.deliver(verified) == "lost"
    assert courier.deliver(held) == "lost"
    assert len(app.received) == 1


def test_failure_of_the_store_leaves_the_event_due(
    app: HttpPeer, valkey_url: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the store fails after the journal, nothing is raised: the lease ends, and the timer tries."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise StoreUnavailableError("The store did not answer.")

    courier, cut_off = courier_to(app.url, valkey_url, token), courier_to(app.url, valkey_url, None)
    arrival, held = take_in(courier, uploaded(token)), take_in(cut_off, uploaded(token, file_id="1"))
    monkeypatch.setattr(Store, "finish_attempt", fail)

    assert courier.deliver(arrival) == "retrying"
    assert cut_off.deliver(held) == "held"
    assert due_in(courier) == 10


def test_second_file_of_an_upload_is_delivered_as_replayed(
    app: HttpPeer, valkey_url: str, token: str
) -> None:
    """The app decides what a second file under one upload means to it."""
    courier = courier_to(app.url, valkey_url, token)
    courier.deliver(take_in(courier, uploaded(token)))

    assert courier.deliver(take_in(courier, uploaded(token, file_id="5576678020099999999"))) == "delivered"

    event = json.loads(app.received[1].body)
    assert (event["type"], event["data"]["verdict"], event["data"]["sequence"]) == (
        "upload.replayed",
        "replayed",
        2,
    )
