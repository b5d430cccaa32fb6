"""The timers as the platform runs them: one pulls VOD's queue, one delivers and reconciles.

tests/shared/flows tests what a run does: test_pull_events.py, test_delivery_runs.py and
test_reconcile_uploads.py.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis

from functions import event_delivery, reliable_notification
from shared.domain.ingested_event import Source
from shared.flows.delivery_run import DeliveryRun
from shared.flows.ingest_event import Ingester
from shared.flows.prove_bytes import Proofs
from shared.flows.reconcile_uploads import Reconciliation
from shared.runtime import bootstrap
from tests.functions.deployment import WEBHOOK_SECRET, WITH_TINY
from tests.functions.vod import begin_upload, push, upload
from tests.reliability.many_uploads import date_back
from tests.shared.loopback_peer import HOST, HttpPeer, Reply, refused_port
from tests.shared.uploads import notification_of

if TYPE_CHECKING:
    from tests.functions.conftest import Deploy, Handler, Logged
    from tests.local.simulator.account import Account

REQUEST_ID = "5f0c3f1e-8a51-4a55-9c0c-0b8f3b1f7a11"
CONTEXT = {"request_id": REQUEST_ID, "time_limit_in_ms": 55_000}
TIMER = {"Type": "Timer", "TriggerName": "every-minute", "Time": "2026-11-22T07:05:30Z", "Message": ""}
HOUR, WHOLE_SESSION = 3600, 90_000
NO_CHECKS = dict.fromkeys(("checked", "reconciled", "expired", "listed", "crowded", "behindSeconds"), 0)
NOT_PULLED = {"pulled": 0, "confirmed": 0, "parked": 0, "failed": 0, "emptied": 1}
NO_PROOFS = dict.fromkeys(("begun", "reconciled", "unproven", "unanswered"), 0)
QUIET = {
    "proofs": NO_PROOFS,
    "backlog": {"due": 0, "overdueSeconds": 0, "dead": 0, "parked": 0, "quarantined": 0},
    "endpoint": {"failingSeconds": 0, "disabledSeconds": 0},
}
"""What an alarm reads, when there is nothing to wake anybody for."""


def run(
    timer: Handler = event_delivery.main_handler, context: object = CONTEXT, *, event: object = TIMER
) -> dict[str, Any]:
    """Fire a timer, or invoke its function with another event."""
    figures: dict[str, Any] = timer(event, context)
    json.dumps(figures)
    return figures


def push_without_an_attempt(vod: Account) -> str:
    """Ingest a pushed event as a function that has no time left for an attempt; return its FileId."""
    _, event = upload(vod)
    runtime = bootstrap.event_delivery()
    source = Source("push", int(time.time()) - 60, lease=secrets.token_hex(8))
    Ingester(runtime.store, runtime.settings).ingest(notification_of(event), source)
    return str(event["FileUploadEvent"]["FileId"])


@pytest.mark.parametrize("timer", [reliable_notification.main_handler, event_delivery.main_handler])
def test_run_leaves_its_time_in_the_store(services: dict[str, str], timer: Handler) -> None:
    """Each timer's last run has a key of its own, by which the doctor knows that it is alive."""
    before = int(time.time())
    run(timer)

    with redis.Redis.from_url(services["REDIS_URL"], decode_responses=True) as client:
        [key] = client.keys("*:timer:*")
        assert key.endswith(timer.__module__.rpartition(".")[2])
        assert before <= int(client.get(key)) <= time.time()


@pytest.mark.usefixtures("services")
def test_uploaded_file_reaches_the_app_in_one_run(vod: Account, app: HttpPeer) -> None:
    """Pulled, journaled, confirmed and delivered: the app gets one event, tied to its user."""
    _, event = upload(vod)

    assert run(reliable_notification.main_handler) == {
        "pulled": NOT_PULLED | {"pulled": 1, "journaled": 1, "confirmed": 1},
        "deliveries": {"delivered": 1},
    }
    assert run(reliable_notification.main_handler) == {"pulled": NOT_PULLED, "deliveries": {}}
    (told,) = [json.loads(request.body) for request in app.received]
    assert (told["type"], told["data"]["fileId"]) == ("upload.completed", event["FileUploadEvent"]["FileId"])
    assert (told["data"]["uploader"], told["data"]["verified"]) == ("alice", True)


@pytest.mark.usefixtures("services")
def test_run_delivers_what_is_due_and_finds_what_was_lost(vod: Account, app: HttpPeer) -> None:
    """A run verifies and delivers what the callback left, and reports a lost push and an unused upload."""
    pushed = push_without_an_attempt(vod)
    _, lost = upload(vod, seconds_ago=HOUR)
    database = vod.settings.folder / "simulator.sqlite3"
    date_back(database, lost["FileUploadEvent"]["FileId"], to=time.time() - HOUR)
    begin_upload(seconds_ago=WHOLE_SESSION + HOUR)

    first = run()

    assert first["deliveries"] == {"delivered": 1}
    assert first["checks"] == NO_CHECKS | {"checked": 1, "reconciled": 1, "expired": 1, "listed": 1}
    assert run() == {"deliveries": {"delivered": 2}, "checks": NO_CHECKS, **QUIET}
    told = [json.loads(request.body) for request in app.received]
    assert {(event["type"], event["data"]["fileId"], event["data"]["reconciled"]) for event in told} == {
        ("upload.completed", pushed, False),
        ("upload.completed", lost["FileUploadEvent"]["FileId"], True),
        ("upload.expired", None, False),
    }
    assert [event["data"]["verified"] for event in told] == [True] * 3


@pytest.mark.usefixtures("services")
def test_shards_deliver_what_is_due_and_the_first_does_the_rest(
    vod: Account, app: HttpPeer, deploy: Deploy, services: dict[str, str]
) -> None:
    """Each event is delivered by the shard of its partition; shard 0 alone looks after uploads."""
    deploy(**{**services, "DELIVERY_SHARDS": "2", "INVOKE_API_URL": f"http://{HOST}:{refused_port()}"})
    pushed = [push_without_an_attempt(vod) for _ in range(6)]
    shards = [{"Type": "Shard", "Shard": number, "Shards": 2} for number in range(2)]

    further, first = [run(event=shards[number]) for number in (1, 0)]

    assert further.keys() == {"deliveries"}
    assert first.keys() == {"deliveries", "proofs", "checks", "backlog", "endpoint"}
    assert sum(each["deliveries"].get("delivered", 0) for each in (further, first)) == 6
    assert sorted(json.loads(request.body)["data"]["fileId"] for request in app.received) == sorted(pushed)
    assert run()["shards"] == {"started": 0, "failed": 1}


@pytest.mark.usefixtures("services")
def test_app_that_takes_for_ever_leaves_time_for_the_uploads(
    vod: Account, app: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app that takes 20 s for every answer does not prevent the reconciliation of uploads."""
    passed: list[int] = []

    def take_long(_request: object) -> Reply:
        passed.append(20)
        return Reply(503)

    push_without_an_attempt(vod)
    push_without_an_attempt(vod)
    begin_upload(seconds_ago=WHOLE_SESSION + HOUR)
    app.answer = take_long
    monkeypatch.setattr(bootstrap, "now", lambda: time.time() + sum(passed))

    figures = run()

    assert figures["deliveries"]["retrying"] == 2
    assert figures["checks"] == NO_CHECKS | {"checked": 1, "expired": 1}


@pytest.mark.usefixtures("services")
def test_part_that_fails_keeps_no_other_from_its_work(
    deploy: Deploy, services: dict[str, str], vod: Account, monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    """Deliveries, proofs and checks meet a defect: files beyond policies are seen to; the run is an error."""
    deploy(**{**services, "UPLOAD_POLICIES": WITH_TINY})
    push(upload(vod, policy="tiny", fileSize=1)[1])

    def fail(_run: object) -> None:
        raise ArithmeticError

    for part in (DeliveryRun, Proofs, Reconciliation):
        monkeypatch.setattr(part, "run", fail)

    assert run() == {"error": "internal-error"}
    assert "ArithmeticError" in str(logged()[-1])
    monkeypatch.undo()
    assert "enforcement" not in run()


@pytest.mark.parametrize("enforcement", ["on", "dry-run"])
def test_file_beyond_its_policy_is_forbidden(
    vod: Account, app: HttpPeer, deploy: Deploy, services: dict[str, str], enforcement: str
) -> None:
    """By the run that finds it; the next one tells the app. In a dry run nothing is done or told."""
    deploy(**{**services, "UPLOAD_POLICIES": WITH_TINY, "LIMIT_ENFORCEMENT": enforcement})
    _, event = upload(vod, policy="tiny", fileSize=1)
    push(event)

    assert run()["enforcement"].items() >= {"forbidden" if enforcement == "on" else "dryRun": 1}.items()
    assert "enforcement" not in run()

    media: Any = bootstrap.vod_api(bootstrap.event_delivery()).media_info(
        event["FileUploadEvent"]["FileId"], timeout_seconds=60
    )
    is_forbidden = enforcement == "on"
    assert media["BasicInfo"]["Status"] == ("Forbidden" if is_forbidden else "Normal")
    told = [json.loads(request.body)["type"] for request in app.received]
    assert told == ["upload.completed"] + ["upload.rejected"] * is_forbidden


@pytest.mark.parametrize("timer", [reliable_notification.main_handler, event_delivery.main_handler])
def test_missing_settings_are_named(
    deploy: Deploy, capsys: pytest.CaptureFixture[str], timer: Handler
) -> None:
    """Every fault is in the log at once, by the variable's name and without its value."""
    deploy(APP_WEBHOOK_URL="ftp://canary", CONTEXT_KEYS="", VOD_SECRET_KEY="")

    assert run(timer) == {"error": "configuration"}
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("APP_WEBHOOK_URL", "CONTEXT_KEYS", "VOD_SECRET_KEY"))
    assert "canary" not in printed


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(("context", "confirmed"), [(None, 1), ({"time_limit_in_ms": 10_000}, 0)])
def test_function_with_little_time_does_not_begin_to_pull(
    vod: Account, context: object, confirmed: int
) -> None:
    """With less time than a pull may take it does not begin; without a limit it has half a minute."""
    upload(vod)

    assert run(reliable_notification.main_handler, context)["pulled"]["confirmed"] == confirmed


@pytest.mark.parametrize("status", [503, 410])
def test_endpoint_that_takes_nothing_is_told_at_every_run(
    services: dict[str, str], vod: Account, app: HttpPeer, logged: Logged, status: int
) -> None:
    """Every run logs a warning after five days of failures, and after a 410."""
    app.answer = lambda _request: Reply(status)
    push_without_an_attempt(vod)
    run()
    with redis.Redis.from_url(services["REDIS_URL"], decode_responses=True) as client:
        [marks] = client.keys("*:endpoint:*")
        since = int(client.hget(marks, "failing_since")) - 6 * 86_400
        client.hset(marks, "failing_since", since)
    logged()

    figures = [run(), run()]

    warnings = [line for line in logged() if line["event"].startswith("endpoint.")]
    kind = "endpoint.disabled" if status == 410 else "endpoint.paused"
    assert [(line["event"], line["level"]) for line in warnings] == [(kind, "error")] * 2
    assert figures[0]["endpoint"]["failingSeconds"] >= 6 * 86_400
    assert figures[0]["backlog"]["due"] == 1
    assert app.url not in json.dumps(warnings)


def test_each_endpoint_has_figures_and_one_that_was_removed_is_told(
    services: dict[str, str], vod: Account, app: HttpPeer, deploy: Deploy, logged: Logged
) -> None:
    """By their names; what waits for an endpoint that is no more set is an error at every run."""
    app.answer = lambda it: Reply(503 if it.path == "/crm" else 204)

    def deploy_with(*names: str) -> None:
        entries = [{"name": it, "url": f"{app.url}/{it}", "secrets": WEBHOOK_SECRET} for it in names]
        single = {"APP_WEBHOOK_URL": "off", "APP_WEBHOOK_SECRETS": ""}
        deploy(**{**services, **single}, APP_WEBHOOKS=json.dumps(entries))

    deploy_with("crm", "billing")
    push_without_an_attempt(vod)
    first = run()
    deploy_with("billing")
    with redis.Redis.from_url(services["REDIS_URL"]) as client:
        client.sadd("vuf:{test.0}:endpoints", "one-for-which-nothing-waits")
    logged()
    second = run()

    assert first["deliveries"] == {"delivered": 1, "retrying": 1, "fannedOut": 1}
    assert first["endpoints"]["crm"] | {"failingSeconds": 0} == {
        **QUIET["endpoint"],
        "due": 1,
        "overdueSeconds": 0,
        "dead": 0,
    }
    assert second["endpoints"].keys() == {"crm", "billing"}
    assert (second["endpoints"]["billing"]["due"], second["backlog"]["due"]) == (0, 1)
    (line,) = (line for line in logged() if line["event"] == "endpoint.removed")
    assert (line["level"], line["endpoint"], line["due"]) == ("error", "crm", 1)


def test_fast_clock_uses_up_no_check(services: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's clock decides when an upload is checked, not that of an instance an hour ahead."""
    assert services
    begin_upload(seconds_ago=WHOLE_SESSION - 600)
    monkeypatch.setattr(bootstrap, "now", lambda: time.time() + HOUR)
    assert run()["checks"] == NO_CHECKS

    begin_upload(seconds_ago=WHOLE_SESSION + HOUR)
    assert run()["checks"]["checked"] == 1
