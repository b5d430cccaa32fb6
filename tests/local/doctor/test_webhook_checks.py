"""The doctor's checks of the app's endpoint and of the events for it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
import requests

from local.doctor import webhook_checks
from local.operator.event_store import OperatorStore
from shared.store.connection import StoreScope
from tests.shared.loopback_peer import HttpPeer, Reply, refused_port
from tests.shared.name_service import serving_names
from tests.waiting import wait_until

if TYPE_CHECKING:
    import redis

    from tests.local.doctor.patient import Patient


def test_receiver_that_does_not_verify_is_a_fault(patient: Patient) -> None:
    """An endpoint that accepts a wrongly signed event is a fault."""
    with HttpPeer(lambda _request: Reply(204)) as peer:
        outcome = patient.examine("--probe", APP_WEBHOOK_URL=f"{peer.url}/hook")
    bodies = [json.loads(request.body) for request in peer.received]

    assert outcome.at("fault") == ["wrong signature"]
    assert "does not verify" in outcome.named("wrong signature")[0]["detail"]
    assert [body["type"] for body in bodies] == ["doctor.ping", "doctor.ping"]


@pytest.mark.parametrize("status", [302, 400, 401, 410, 500])
def test_receiver_that_takes_no_event_is_a_fault(patient: Patient, status: int) -> None:
    """Anything but 2xx to a signed event is told with its status."""
    with HttpPeer(lambda _request: Reply(status)) as peer:
        outcome = patient.examine("--probe", APP_WEBHOOK_URL=f"{peer.url}/hook")

    assert outcome.at("fault") == ["test event"]
    assert f"HTTP {status}" in outcome.named("test event")[0]["detail"]


def test_receiver_that_is_down_is_a_fault(patient: Patient) -> None:
    """Without an answer the wrong signature is not tried."""
    outcome = patient.examine("--probe", APP_WEBHOOK_URL=f"http://127.0.0.1:{refused_port()}/hook")

    assert outcome.at("fault") == ["test event"]
    assert outcome.level_of("wrong signature") == "skipped"


@pytest.mark.parametrize(("is_answering", "words"), [(True, "private network"), (False, "in time")])
def test_address_that_is_private_or_not_known_is_a_fault(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, words: str, *, is_answering: bool
) -> None:
    """A private address, and a host that is not resolved in time, are faults without a probe."""
    monkeypatch.setattr(webhook_checks, "_ATTEMPT_SECONDS", 60.0 if is_answering else 0.01)
    with serving_names() as names:
        names.places["inner.example.test"] = [("127.0.0.1", 443)]
        if not is_answering:
            names.is_answering.clear()
        outcome = patient.examine(
            APP_WEBHOOK_URL="https://inner.example.test/hook", APP_WEBHOOK_ALLOW_INSECURE=None
        )

    assert outcome.at("fault") == ["address"]
    assert words in outcome.named("address")[0]["detail"]


def test_address_that_can_only_be_private_is_a_fault_of_the_settings(patient: Patient) -> None:
    """The functions that send events would not start with it (S31)."""
    outcome = patient.examine(APP_WEBHOOK_URL="https://127.0.0.1/hook", APP_WEBHOOK_ALLOW_INSECURE=None)

    assert outcome.at("fault") == ["event_notification", "reliable_notification", "event_delivery"]
    assert outcome.level_of("address") == "skipped"


def test_webhook_that_is_off_is_ok(patient: Patient) -> None:
    """APP_WEBHOOK_URL=off is no fault."""
    outcome = patient.examine("--probe", APP_WEBHOOK_URL="off")

    assert outcome.level_of("address") == outcome.level_of("endpoint") == "ok"
    assert outcome.at("fault") == []


def test_each_of_several_endpoints_is_examined_under_its_name(patient: Patient) -> None:
    """Address, test event and health; one that is well does not hide another."""
    secret = patient.stack.environment["APP_WEBHOOK_SECRETS"]
    with HttpPeer(lambda it: Reply(204 if it.path == "/crm" else 500)) as peer:
        entries = [{"name": it, "url": f"{peer.url}/{it}", "secrets": secret} for it in ("crm", "billing")]
        several = {"APP_WEBHOOK_URL": "off", "APP_WEBHOOK_SECRETS": "", "APP_WEBHOOKS": json.dumps(entries)}
        outcome = patient.examine("--probe", **several)

    assert outcome.at("fault") == ["wrong signature crm", "test event billing"]
    for check in ("address crm", "address billing", "endpoint crm", "endpoint billing", "test event crm"):
        assert outcome.level_of(check) == "ok"


def test_endpoint_that_is_no_more_set_is_a_fault_while_events_wait_for_it(
    patient: Patient, store: redis.Redis
) -> None:
    """Nobody delivers them; one for which nothing waits is not mentioned."""
    store.sadd("vuf:{removed.3}:endpoints", "crm", "old")
    store.zadd("vuf:{removed.3}:due:crm", {"first": int(time.time()) + 100})
    outcome = patient.examine("--stage", "removed")

    (finding,) = outcome.named("endpoint crm")
    assert (finding["level"], finding["detail"]) == ("fault", "1 wait for it, and it is not set any more")
    assert outcome.named("endpoint old") == []


def test_events_that_were_given_up_are_counted_over_all_partitions(
    patient: Patient, store: redis.Redis
) -> None:
    """Dead, parked and quarantined events are warnings, each with the command that shows them."""
    for index, count in (("dead", 3), ("parked", 2), ("quarantined", 1)):
        for number in range(count):
            store.zadd(f"vuf:{{given-up.{number}}}:{index}", {f"member-{number}": int(time.time())})
    outcome = patient.examine("--stage", "given-up")

    assert [outcome.named(index)[0]["detail"][0] for index in ("dead", "parked", "quarantined")] == [
        "3",
        "2",
        "1",
    ]
    assert {"dead", "parked", "quarantined"} <= set(outcome.at("warning"))
    assert "events retry --state dead" in outcome.named("dead")[0]["advice"]


def test_event_that_is_long_overdue_is_a_fault(patient: Patient, store: redis.Redis) -> None:
    """Overdue events mean that the timer does not run."""
    now = int(time.time())
    store.zadd("vuf:{overdue.3}:due", {"first": now - 4000, "second": now + 100})
    (finding,) = patient.examine("--stage", "overdue").named("due")

    assert finding["level"] == "fault"
    assert finding["detail"].startswith("2 wait")
    assert "timer" in finding["advice"]


def test_endpoint_that_asked_to_be_left_alone_is_a_fault(patient: Patient) -> None:
    """After a 410 events wait until somebody enables the endpoint; the command to do so is told."""
    environment = patient.stack.environment
    patient.set_fault(action="Receiver", kind="error", status=410)
    callback = f"{patient.callback_base}/{environment['CALLBACK_TOKENS']}"
    requests.post(callback, json={"EventType": "FileDeleted", "FileDeleteEvent": {}}, timeout=10)
    operator = OperatorStore(environment["REDIS_URL"], StoreScope(environment["STAGE"], 604_800))
    url = environment["APP_WEBHOOK_URL"]
    wait_until(lambda: operator.endpoint_health(url).disabled_since, "the endpoint to be disabled")
    try:
        (finding,) = patient.examine().named("endpoint")
    finally:
        operator.enable_endpoint(url)

    assert finding["level"] == "fault"
    assert "events endpoint --enable" in finding["advice"]
