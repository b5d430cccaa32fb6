"""The timer that pulls from VOD's queue, journals and delivers, as the platform runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions import reliable_notification
from local.simulator.faults import Fault
from shared.vod.signature import decode
from tests.functions.deployment import CONTEXT_KEY
from tests.functions.vod import begin_upload
from tests.local.simulator.account import SECRET_ID, SECRET_KEY, Account
from tests.shared.loopback_peer import HOST, HttpPeer, Received, Reply, refused_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.functions.conftest import Deploy

REQUEST_ID = "5f0c3f1e-8a51-4a55-9c0c-0b8f3b1f7a10"
CONTEXT = {"request_id": REQUEST_ID, "time_limit_in_ms": 55_000}
TIMER = {"Type": "Timer", "TriggerName": "every-minute", "Time": "2026-11-22T07:05:00Z", "Message": ""}
WEBHOOK_SECRET = "whsec_Y2FuYXJ5LW9mLXRoZS13ZWJob29rLXNlY3JldC0wMDE="
EMPTY = {"pulled": 0, "confirmed": 0, "parked": 0, "failed": 0, "emptied": 1}


@pytest.fixture
def vod(tmp_path: Path) -> Iterator[Account]:
    """Serve VOD in pull mode."""
    with Account(tmp_path, mode="PULL", pull_wait_seconds=0.02) as account:
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
    figures: dict[str, Any] = reliable_notification.main_handler(TIMER, context)
    json.dumps(figures)
    return figures


def upload(vod: Account, user: str = "alice") -> str:
    """Upload a file with a signature of ours; return its FileId."""
    token = decode(begin_upload(seconds_ago=5, user=user).signature).values["sourceContext"]
    return str(vod.upload(source_context=token)["data"]["fileId"])


def bodies(app: HttpPeer) -> list[dict[str, Any]]:
    """Return the bodies that the app received."""
    return [json.loads(request.body) for request in app.received]


@pytest.mark.usefixtures("settings")
def test_uploaded_file_reaches_the_app_in_one_run(vod: Account, app: HttpPeer) -> None:
    """Pulled, journaled, confirmed and delivered: the app gets one event, tied to its user."""
    file_id = upload(vod)

    assert run() == {
        "pulled": EMPTY | {"pulled": 1, "journaled": 1, "confirmed": 1},
        "deliveries": {"delivered": 1},
    }
    assert run() == {"pulled": EMPTY, "deliveries": {}}
    [event] = bodies(app)
    assert (event["type"], event["data"]["fileId"]) == ("upload.completed", file_id)
    assert (event["data"]["uploader"], event["data"]["verified"]) == ("alice", True)


@pytest.mark.usefixtures("settings")
def test_figures_are_logged_and_no_secret_is(
    vod: Account, settings: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line tells how many events went where; keys, tokens and addresses stay out of it."""
    upload(vod)
    capsys.readouterr()
    figures = run()

    printed = capsys.readouterr().out
    [line] = [json.loads(text) for text in printed.splitlines()]
    assert (line["event"], line["requestId"]) == ("timer.done", REQUEST_ID)
    assert {
        (group, name): line[f"figures_{group}_{name}"] for group in figures for name in figures[group]
    } == {(group, name): count for group in figures for name, count in figures[group].items()}
    secrets = (SECRET_KEY, CONTEXT_KEY, WEBHOOK_SECRET, settings["REDIS_URL"], vod.url, "vuf1.", "alice")
    assert [secret for secret in secrets if secret in printed] == []


@pytest.mark.usefixtures("settings")
def test_app_that_is_down_does_not_keep_events_in_the_queue(vod: Account, app: HttpPeer) -> None:
    """The journal has them: they are confirmed, and delivered when the app is back."""
    app.answer = lambda _request: Reply(503)
    upload(vod)

    figures = run()

    assert (figures["pulled"]["confirmed"], figures["deliveries"]) == (1, {"retrying": 1})


def test_store_that_is_down_confirms_nothing(
    deploy: Deploy, settings: dict[str, str], vod: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run ends with the reason; the events are still VOD's, and a later run gets them."""
    upload(vod)
    password = "canary-of-the-store-password"
    deploy(**{**settings, "REDIS_URL": f"redis://:{password}@{HOST}:{refused_port()}/0"})
    capsys.readouterr()

    assert run() == {"error": "store-unavailable"}

    printed = capsys.readouterr().out
    assert json.loads(printed)["event"] == "request.refused"
    assert password not in printed
    deploy(**settings)
    vod.clock.moved_by = 31
    assert run()["pulled"]["confirmed"] == 1


@pytest.mark.usefixtures("settings")
def test_vod_that_is_down_is_an_answer_with_a_reason(
    vod: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """The platform is not told to run the work again: the next minute does that."""
    vod.simulator.faults.set([Fault("PullEvents", "error")])
    capsys.readouterr()

    assert run() == {"error": "vod-api-unavailable"}
    assert json.loads(capsys.readouterr().out)["detail"].startswith("PullEvents failed: ")
    assert run() == {"pulled": EMPTY, "deliveries": {}}


def test_missing_settings_are_named(deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    """Every fault is in the log at once, by the variable's name."""
    deploy(CONTEXT_KEYS="", APP_WEBHOOK_URL="http://app.example.test/hook?canary")

    assert run() == {"error": "configuration"}
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("CONTEXT_KEYS", "APP_WEBHOOK_URL"))
    assert "canary" not in printed


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        [],
        "text",
        {"time_limit_in_ms": None},
        {"time_limit_in_ms": "55000"},
        {"time_limit_in_ms": -1},
        {"time_limit_in_ms": 0},
        {"request_id": 7, "time_limit_in_ms": 55_000.5},
    ],
)
def test_context_of_another_kind_does_no_harm(vod: Account, context: object) -> None:
    """What the platform's context holds is not certain: without a limit half a minute is assumed."""
    upload(vod)

    assert run(context)["pulled"]["confirmed"] == 1


@pytest.mark.usefixtures("settings")
def test_function_with_little_time_does_not_begin_to_pull(vod: Account, app: HttpPeer) -> None:
    """A time limit shorter than a pull may take leaves the events where they are safe."""
    upload(vod)

    figures = run({"request_id": REQUEST_ID, "time_limit_in_ms": 10_000})

    assert figures == {"pulled": EMPTY | {"emptied": 0}, "deliveries": {}}
    assert app.received == []


@pytest.mark.usefixtures("settings")
def test_task_flow_is_told_after_its_upload(vod: Account, app: HttpPeer) -> None:
    """Both events of an upload with a procedure come through, in the order of their sequence."""
    token = decode(begin_upload(seconds_ago=5).signature).values["sourceContext"]
    vod.upload(source_context=token, session_context=token, procedure="LongVideoPreset")
    seen: list[Received] = []

    while len(seen) < 2:
        run()
        seen = app.received

    events = sorted(bodies(app), key=lambda event: event["data"]["sequence"])
    assert [event["type"] for event in events] == ["upload.completed", "procedure.finished"]
    assert events[0]["data"]["procedureTaskId"] == events[1]["data"]["procedureTaskId"]
