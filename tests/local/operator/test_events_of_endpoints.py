"""What operators see and do where events have copies for several endpoints (APP_WEBHOOKS)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
import redis

from local.__main__ import main
from tests.functions.vod import announce_upload
from tests.local.operator.test_erase_command import contents, sign
from tests.local.operator.test_events_command import WEBHOOK_SECRET, Desk
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def desk(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    """Deploy with two endpoints at one app, of which `billing` fails and `crm` takes everything."""
    with HttpPeer(lambda it: Reply(503 if it.path == "/billing" else 204)) as app:
        desk = Desk(app, valkey_url, monkeypatch, capsys)
        deploy(desk, "billing", "crm")
        yield desk


def deploy(desk: Desk, *names: str) -> None:
    """Deploy with these endpoints."""
    entries = [{"name": it, "url": f"{desk.app.url}/{it}", "secrets": WEBHOOK_SECRET} for it in names]
    desk.deploy(APP_WEBHOOK_URL="off", APP_WEBHOOK_SECRETS="", APP_WEBHOOKS=json.dumps(entries))


def test_copy_is_listed_shown_and_retried_under_the_events_id_and_its_endpoint(desk: Desk) -> None:
    """The event is `delivered` once it was handed on; its copies have states of their own."""
    desk.push(uploaded())
    states = {it["id"]: it["state"] for it in desk.events("list", "--json").json}
    (event_id,) = (it for it in states if "@" not in it)
    waiting = f"{event_id}@billing"

    assert states == {event_id: "delivered", waiting: "due", f"{event_id}@crm": "delivered"}
    shown = desk.events("show", waiting, "--json").json
    assert (shown["id"], shown["appEvent"]["id"], shown["problem"]) == (waiting, event_id, "HTTP 503")
    assert desk.events("show", event_id[:20], "--json").json["id"] == event_id
    assert desk.events("show", f"{event_id[:20]}@billing").code == 1

    desk.app.answer = lambda _request: Reply(204)
    assert desk.events("retry", "--state", "due", "--yes").out.startswith(waiting)
    desk.tick()
    assert desk.events("show", waiting, "--json").json["state"] == "delivered"
    assert [it.path for it in desk.app.received] == ["/billing", "/crm", "/billing"]


def test_event_that_is_retried_goes_to_each_endpoint_that_is_set(desk: Desk) -> None:
    """What waited for an endpoint that was renamed is not lost: it is listed, and can be sent again."""
    desk.push(uploaded())
    deploy(desk, "crm", "invoices")
    (event,) = (it["id"] for it in desk.events("list", "--json").json if "@" not in it["id"])
    desk.events("retry", event, "--yes")
    desk.tick()

    assert sorted(it.path for it in desk.app.received) == ["/billing", "/crm", "/crm", "/invoices"]
    assert [it["id"] for it in desk.events("list", "--state", "due", "--json").json] == [f"{event}@billing"]


def test_health_of_each_endpoint_is_told_by_its_name(desk: Desk, valkey_url: str) -> None:
    """All of them, or the named one; a paused one is probed at once when an operator says so."""
    desk.push(uploaded())
    with redis.Redis.from_url(valkey_url) as connection:
        for key in connection.keys("*:endpoint:*"):
            if connection.hexists(key, "failing_since"):
                marks = {"failing_since": int(time.time()) - 6 * 86_400, "probed_at": int(time.time())}
                connection.hset(key, mapping=marks)

    assert [(it["name"], it["paused"]) for it in desk.events("endpoint", "--json").json] == [
        ("billing", True),
        ("crm", False),
    ]
    told = desk.events("endpoint", "billing").out
    assert told.startswith("endpoint        billing\n")
    assert "One event an hour is tried." in told
    assert "Enabled." in desk.events("endpoint", "billing", "--enable").out
    assert "neither disabled nor paused" in desk.events("endpoint", "crm", "--enable").out


def test_health_of_an_endpoint_takes_none_of_its_secrets(desk: Desk) -> None:
    """As long as the settings are those of the functions, in OPTIONAL_SETTINGS too."""
    webhooks = json.dumps([{"name": "crm", "url": f"{desk.app.url}/crm"}])
    desk.deploy(APP_WEBHOOK_URL="off", APP_WEBHOOK_SECRETS="", OPTIONAL_SETTINGS=f"APP_WEBHOOKS={webhooks}")

    assert [it["name"] for it in desk.events("endpoint", "--json").json] == ["crm"]


@pytest.mark.parametrize("webhooks", ["", "[", "[1]", "{}", "[{}]"])
def test_endpoint_that_cannot_be_known_is_told_in_one_sentence(desk: Desk, webhooks: str) -> None:
    """Neither of the settings names one, they cannot be read, or none has this name."""
    desk.deploy(APP_WEBHOOK_URL="off", APP_WEBHOOKS=webhooks)
    output = desk.events("endpoint")

    assert (output.code, output.err.count("\n")) == (2, 1)
    deploy(desk, "crm")
    assert desk.events("endpoint", "other").err == "There is no endpoint of this name, but crm.\n"


def test_erased_user_has_no_copies(desk: Desk, valkey_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in the records nor in the lists of an endpoint."""
    upload = sign("alice").json
    announce_upload(upload["signature"])
    desk.tick()
    with redis.Redis.from_url(valkey_url) as client:
        assert "@billing" in contents(client)
        capsys.readouterr()
        assert main(["erase", "--user", "alice", "--yes"]) == 0
        after = contents(client)

    assert capsys.readouterr().out.startswith("Erased 1 upload and 3 events")
    assert [text for text in ("alice", "@billing", "@crm") if text in after] == []


def test_event_is_forwarded_once_whatever_copies_it_has(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """`listen` sends events, not deliveries."""
    desk.push(uploaded())
    monkeypatch.setenv("APP_WEBHOOK_SECRETS", WEBHOOK_SECRET)
    with HttpPeer(lambda _request: Reply(204)) as mine:
        assert main(["listen", "--once", "--since", "1h", "--forward-to", f"{mine.url}/"]) == 0

    assert len(mine.received) == 1
