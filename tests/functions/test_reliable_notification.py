"""The timer that pulls: from VOD's queue through the journal to the app, as the platform runs it.

tests/shared/flows/test_pull_events.py tests what a run pulls, journals and confirms.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions import reliable_notification
from local.simulator.faults import Fault
from shared.vod.signature import decode
from tests.functions.deployment import CONTEXT_KEY, WEBHOOK_SECRET
from tests.functions.vod import begin_upload
from tests.shared.loopback_peer import HOST, HttpPeer, refused_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functions.conftest import Deploy
    from tests.local.simulator.account import Account

    Logged = Callable[[], list[dict[str, Any]]]

REQUEST_ID = "5f0c3f1e-8a51-4a55-9c0c-0b8f3b1f7a10"
CONTEXT = {"request_id": REQUEST_ID, "time_limit_in_ms": 55_000}
TIMER = {"Type": "Timer", "TriggerName": "every-minute", "Time": "2026-11-22T07:05:00Z", "Message": ""}
EMPTY = {"pulled": 0, "confirmed": 0, "parked": 0, "failed": 0, "emptied": 1}


def run(context: object = CONTEXT) -> dict[str, Any]:
    """Fire the timer."""
    figures: dict[str, Any] = reliable_notification.main_handler(TIMER, context)
    json.dumps(figures)
    return figures


def upload(vod: Account) -> str:
    """Upload a file under a signature of ours; gives its FileId."""
    token = decode(begin_upload(seconds_ago=5).signature).values["sourceContext"]
    return str(vod.upload(source_context=token)["data"]["fileId"])


@pytest.mark.usefixtures("services")
def test_uploaded_file_reaches_the_app_in_one_run(vod: Account, app: HttpPeer) -> None:
    """Pulled, journaled, confirmed and delivered: the app gets one event, tied to its user."""
    file_id = upload(vod)

    assert run() == {
        "pulled": EMPTY | {"pulled": 1, "journaled": 1, "confirmed": 1},
        "deliveries": {"delivered": 1},
    }
    assert run() == {"pulled": EMPTY, "deliveries": {}}
    [event] = [json.loads(request.body) for request in app.received]
    assert (event["type"], event["data"]["fileId"]) == ("upload.completed", file_id)
    assert (event["data"]["uploader"], event["data"]["verified"]) == ("alice", True)


def test_figures_are_logged_and_no_secret_is(
    vod: Account, services: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One log line has the numbers of events, and no key, token or address (S37)."""
    upload(vod)
    capsys.readouterr()
    figures = run()

    printed = capsys.readouterr().out
    line = json.loads(printed)
    assert (line["event"], line["requestId"]) == ("timer.done", REQUEST_ID)
    flat = {f"figures_{group}_{name}": count for group in figures for name, count in figures[group].items()}
    assert flat.items() <= line.items()
    words = (services["VOD_SECRET_KEY"], CONTEXT_KEY, WEBHOOK_SECRET, services["REDIS_URL"], vod.url)
    assert [word for word in (*words, "vuf1.", "alice") if word in printed] == []


def test_store_that_is_down_confirms_nothing(
    deploy: Deploy, services: dict[str, str], vod: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run ends with the reason; the events are still VOD's, and a later run gets them."""
    upload(vod)
    password = "canary-of-the-store-password"
    deploy(**{**services, "REDIS_URL": f"redis://:{password}@{HOST}:{refused_port()}/0"})
    capsys.readouterr()

    assert run() == {"error": "store-unavailable"}

    printed = capsys.readouterr().out
    assert json.loads(printed)["event"] == "request.refused"
    assert password not in printed
    deploy(**services)
    vod.clock.moved_by = 31
    assert run()["pulled"]["confirmed"] == 1


@pytest.mark.usefixtures("services")
def test_vod_that_is_down_is_an_answer_with_a_reason(vod: Account, logged: Logged) -> None:
    """The platform is not told to run the work again: the next minute does that."""
    vod.simulator.faults.set([Fault("PullEvents", "error")])
    logged()

    assert run() == {"error": "vod-api-unavailable"}
    assert logged()[0]["detail"].startswith("PullEvents failed: ")
    assert run() == {"pulled": EMPTY, "deliveries": {}}


def test_missing_settings_are_named(deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    """Every fault is in the log at once, by the variable's name."""
    deploy(CONTEXT_KEYS="", APP_WEBHOOK_URL="http://app.example.test/hook?canary")

    assert run() == {"error": "configuration"}
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("CONTEXT_KEYS", "APP_WEBHOOK_URL"))
    assert "canary" not in printed


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(("context", "confirmed"), [(None, 1), ({"time_limit_in_ms": 10_000}, 0)])
def test_function_with_little_time_does_not_begin_to_pull(
    vod: Account, context: object, confirmed: int
) -> None:
    """With less time than a pull may take it does not begin; without a limit it has half a minute."""
    upload(vod)

    assert run(context)["pulled"]["confirmed"] == confirmed
