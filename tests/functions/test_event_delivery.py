"""The timer that delivers and looks after uploads, as the platform runs it."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis

from functions import event_delivery
from local.simulator.faults import Fault
from shared.domain.ingested_event import Source
from shared.flows.ingest_event import Ingester
from shared.runtime import bootstrap
from shared.vod.notification import parse_notification
from shared.vod.signature import decode
from tests.functions.deployment import CONTEXT_KEY
from tests.functions.vod import begin_upload
from tests.local.simulator.account import SECRET_ID, SECRET_KEY, Account
from tests.shared.loopback_peer import HOST, HttpPeer, Reply, refused_port
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.functions.conftest import Deploy

REQUEST_ID = "5f0c3f1e-8a51-4a55-9c0c-0b8f3b1f7a11"
CONTEXT = {"request_id": REQUEST_ID, "time_limit_in_ms": 55_000}
TIMER = {"Type": "Timer", "TriggerName": "every-minute", "Time": "2026-11-22T07:05:30Z", "Message": ""}
WEBHOOK_SECRET = "whsec_Y2FuYXJ5LW9mLXRoZS13ZWJob29rLXNlY3JldC0wMDE="
QUARTER, WHOLE_SESSION = 900, 90_000
QUIET = {
    "backlog": {"due": 0, "overdueSeconds": 0, "dead": 0, "parked": 0, "quarantined": 0},
    "endpoint": {"failingSeconds": 0, "disabledSeconds": 0},
}
"""The figures of a run with nothing to do, none of which raises an alarm."""


@pytest.fixture(scope="module")
def vod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Serve VOD without a callback URL: every push is lost."""
    with Account(tmp_path_factory.mktemp("vod")) as account:
        yield account


@pytest.fixture
def app() -> Iterator[HttpPeer]:
    """Run an app that accepts every event."""
    with HttpPeer(lambda _request: Reply(204)) as peer:
        yield peer


@pytest.fixture
def settings(deploy: Deploy, vod: Account, app: HttpPeer) -> dict[str, str]:
    """Deploy for this VOD and this app."""
    return deploy(
        VOD_SECRET_ID=SECRET_ID,
        VOD_SECRET_KEY=SECRET_KEY,
        VOD_API_URL=vod.url,
        READ_BACK="on",
        APP_WEBHOOK_URL=app.url,
        APP_WEBHOOK_SECRETS=WEBHOOK_SECRET,
        APP_WEBHOOK_ALLOW_INSECURE="1",
    )


def run(context: object = CONTEXT) -> dict[str, Any]:
    """Fire the timer."""
    figures: dict[str, Any] = event_delivery.main_handler(TIMER, context)
    json.dumps(figures)
    return figures


def token_from(seconds_ago: int) -> str:
    """Begin an upload so long ago, and return its token."""
    return decode(begin_upload(seconds_ago=seconds_ago).signature).values["sourceContext"]


def push(token: str, file_id: str, *, seconds_ago: int = 60) -> None:
    """Ingest a pushed event, as a function that had no time to verify and deliver it."""
    runtime = bootstrap.event_delivery()
    source = Source("push", int(time.time()) - seconds_ago, lease=secrets.token_hex(8))
    notification = parse_notification(json.dumps(uploaded(token, file_id=file_id)).encode())
    Ingester(runtime.store, runtime.settings).ingest(notification, source)


def bodies(app: HttpPeer) -> list[dict[str, Any]]:
    """Return the bodies that the app received."""
    return [json.loads(request.body) for request in app.received]


@pytest.mark.usefixtures("settings")
def test_nothing_to_do_is_no_error() -> None:
    """A run without work succeeds."""
    assert run() == {"deliveries": {}, "checks": {"checked": 0}, **QUIET}


@pytest.mark.usefixtures("settings")
def test_event_that_was_left_is_verified_and_delivered(vod: Account, app: HttpPeer) -> None:
    """An event that the callback's function only journaled is verified and delivered by the timer."""
    token = token_from(60)
    file_id = str(vod.upload(source_context=token)["data"]["fileId"])
    push(token, file_id)

    assert run()["deliveries"] == {"delivered": 1}
    [event] = bodies(app)
    assert (event["data"]["fileId"], event["data"]["verified"]) == (file_id, True)


@pytest.mark.usefixtures("settings")
def test_lost_push_is_found_and_delivered_by_the_next_run(vod: Account, app: HttpPeer) -> None:
    """A file that VOD has and never reported is found and delivered."""
    file_id = str(vod.upload(source_context=token_from(QUARTER + 5))["data"]["fileId"])

    assert run()["checks"] == {"checked": 1, "reconciled": 1, "expired": 0}
    assert run() == {"deliveries": {"delivered": 1}, "checks": {"checked": 0}, **QUIET}
    [event] = bodies(app)
    assert (event["type"], event["data"]["fileId"]) == ("upload.completed", file_id)
    assert event["data"]["reconciled"] is True


@pytest.mark.usefixtures("settings")
def test_unused_upload_ends_and_the_app_is_told(app: HttpPeer) -> None:
    """One `upload.expired`, however often the timer fires."""
    token_from(WHOLE_SESSION)

    assert [run()["checks"].get("expired", 0) for _ in range(3)] == [1, 0, 0]
    assert [event["type"] for event in bodies(app)] == ["upload.expired"]


@pytest.mark.usefixtures("settings")
def test_vod_that_is_down_ends_no_upload(vod: Account, app: HttpPeer) -> None:
    """Deliveries go on; uploads are looked after when VOD answers again."""
    token_from(WHOLE_SESSION)
    vod.simulator.faults.set([Fault("SearchMedia", "error")])

    assert run() == {"deliveries": {}, "checks": {"checked": 1, "unanswered": 1}, **QUIET}
    assert app.received == []


def test_without_read_back_vod_is_not_asked(deploy: Deploy, settings: dict[str, str], vod: Account) -> None:
    """READ_BACK=off: unused uploads end by the clock."""
    deploy(**{**settings, "READ_BACK": "off"})
    before = vod.counters().get("SearchMedia", 0)
    token_from(WHOLE_SESSION)

    assert run()["checks"] == {"checked": 1, "expired": 1}
    assert vod.counters().get("SearchMedia", 0) == before


@pytest.mark.usefixtures("settings")
def test_app_that_takes_for_ever_leaves_time_for_the_uploads(vod: Account, app: HttpPeer) -> None:
    """A backlog for an app that does not answer must not keep lost events from being found."""
    app.answer = lambda _request: Reply(204, delay_seconds=30)
    for _ in range(3):
        token = token_from(60)
        push(token, str(vod.upload(source_context=token)["data"]["fileId"]))
    token_from(WHOLE_SESSION)

    started = time.monotonic()
    figures = run({"request_id": REQUEST_ID, "time_limit_in_ms": 7_500})

    assert figures["deliveries"] == {"retrying": 1, "leftForNextRound": 1}
    assert figures["checks"] == {"checked": 1, "expired": 1}
    assert time.monotonic() - started < 7.5


def test_store_that_is_down_is_an_answer_with_a_reason(
    deploy: Deploy, settings: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The platform is not told to run the work again, and learns no password."""
    password = "canary-of-the-store-password"
    deploy(**{**settings, "REDIS_URL": f"redis://:{password}@{HOST}:{refused_port()}/0"})

    assert run() == {"error": "store-unavailable"}
    printed = capsys.readouterr().out
    assert json.loads(printed)["event"] == "request.refused"
    assert password not in printed


def test_missing_settings_are_named(deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    """Every fault is in the log at once, by the variable's name and without its value."""
    deploy(APP_WEBHOOK_URL="ftp://canary", CONTEXT_KEYS="", VOD_SECRET_KEY="")

    assert run() == {"error": "configuration"}
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("APP_WEBHOOK_URL", "CONTEXT_KEYS", "VOD_SECRET_KEY"))
    assert "canary" not in printed


@pytest.mark.usefixtures("settings")
def test_figures_are_logged_and_no_secret_is(
    settings: dict[str, str], vod: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line tells what was done; keys, tokens, users and addresses stay out of it."""
    token = token_from(WHOLE_SESSION)
    push(token, "5576678020011223344")
    figures = run()

    printed = capsys.readouterr().out
    line = json.loads(printed.splitlines()[-1])
    assert (line["event"], line["requestId"]) == ("timer.done", REQUEST_ID)
    assert {
        (group, name): line[f"figures_{group}_{name}"] for group in figures for name in figures[group]
    } == {(group, name): count for group in figures for name, count in figures[group].items()}
    words = (SECRET_KEY, CONTEXT_KEY, WEBHOOK_SECRET, settings["REDIS_URL"], vod.url, "vuf1.", "alice")
    assert [word for word in words if word in printed] == []


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    "context", [None, {}, [], "text", {"time_limit_in_ms": "55000"}, {"time_limit_in_ms": -1}]
)
@pytest.mark.parametrize("event", [None, {}, [], "text"])
def test_whatever_the_platform_hands_over_is_worked_with(event: object, context: object) -> None:
    """Event and context of a timer say nothing that the work needs."""
    assert event_delivery.main_handler(event, context) == {
        "deliveries": {},
        "checks": {"checked": 0},
        **QUIET,
    }


def warnings(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what the last run logged about the app's endpoint."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["event"].startswith("endpoint.")]


def test_endpoint_that_fails_for_days_is_told_at_every_run(
    settings: dict[str, str], vod: Account, app: HttpPeer, capsys: pytest.CaptureFixture[str]
) -> None:
    """An endpoint without a delivery for five days is logged at every run."""
    app.answer = lambda _request: Reply(503)
    token = token_from(60)
    push(token, str(vod.upload(source_context=token)["data"]["fileId"]))
    run()
    assert warnings(capsys) == []

    with redis.Redis.from_url(settings["REDIS_URL"], decode_responses=True) as client:
        [marks] = client.keys("*:endpoint:*")
        since = int(client.hget(marks, "failing_since")) - 6 * 86_400
        client.hset(marks, "failing_since", since)
    figures = run()

    assert figures["endpoint"]["failingSeconds"] >= 6 * 86_400
    assert figures["backlog"] == QUIET["backlog"] | {"due": 1}
    [warning] = warnings(capsys)
    assert (warning["event"], warning["level"], warning["since"]) == ("endpoint.unhealthy", "error", since)
    assert app.url not in json.dumps(warning)


@pytest.mark.usefixtures("settings")
def test_endpoint_that_asked_to_be_left_alone_is_told_at_every_run(
    vod: Account, app: HttpPeer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disabled endpoint is logged at every run, because its events wait."""
    app.answer = lambda _request: Reply(410)
    token = token_from(60)
    push(token, str(vod.upload(source_context=token)["data"]["fileId"]))

    told = []
    for _ in range(2):
        run()
        told += [warning["event"] for warning in warnings(capsys)]

    assert told == ["endpoint.disabled", "endpoint.disabled"]
