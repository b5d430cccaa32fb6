"""Events of uploads made without us: VOD is asked once about a pushed one, and none is lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain.app_event import PULL, PUSH
from shared.domain.event_status import Verdict
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.shared.service import Clock, Service, token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, TASK_ID, changed, new_session, uploaded
from tests.shared.vod_records import META_DATA, Records

if TYPE_CHECKING:
    from shared.domain.ingested_event import IngestedEvent
    from shared.flows.deliver_events import Deliverer

ORDER = "order-7781"
LIE = "https://evil.example.test/lie.mp4"


@dataclass
class Deployment:
    """A deployment and the VOD that it asks."""

    service: Service
    records: Records = field(default_factory=Records)

    def deliverer(self) -> Deliverer:
        """Return the deliverer of one invocation."""
        real = self.service.delivery_run()
        return replace(real, read_back=lambda: self.records)

    def push(self, event: dict[str, Any], origin: str = PUSH) -> str:
        """Ingest an event, and deliver it as its function does; return the outcome."""
        return self.deliverer().deliver(self.service.ingest(event, origin))

    def retry(self) -> str:
        """Deliver what is due after a while, as the timer does."""
        return self.deliverer().deliver(self.service.recall_due())


@pytest.fixture
def deployment(valkey_url: str, app: HttpPeer) -> Deployment:
    """Return a deployment with the read-back on."""
    changes = {"READ_BACK": "on", "APP_WEBHOOK_URL": app.url}
    return Deployment(Service(valkey_url, changes, Clock()))


def heard(app: HttpPeer) -> list[dict[str, Any]]:
    """Return the bodies that the app received."""
    return [json.loads(request.body) for request in app.received]


def lie_about(context: str, **ids: str) -> dict[str, Any]:
    """Return an upload's event with a false address and size."""
    event: dict[str, Any] = uploaded(context, **ids)
    event["FileUploadEvent"]["MediaBasicInfo"]["MediaUrl"] = LIE
    event["FileUploadEvent"]["MetaData"] = {"Size": 1}
    return event


def test_upload_of_the_console_is_confirmed_and_told_in_vods_words(
    deployment: Deployment, app: HttpPeer
) -> None:
    """If VOD keeps this context with this file, the app gets VOD's values, verified, not the pushed ones."""
    deployment.records.kept[FILE_ID] = ORDER

    assert deployment.push(lie_about(ORDER)) == "delivered"

    (event,) = heard(app)
    told = event["data"]
    assert (event["type"], told["verdict"], told["sourceContext"]) == (
        "vod.NewFileUpload",
        "unattributed",
        ORDER,
    )
    assert (told["verified"], told["size"]) == (True, META_DATA["Size"])
    assert LIE not in json.dumps(event)


def test_what_was_confirmed_is_kept_for_the_next_attempt(deployment: Deployment, app: HttpPeer) -> None:
    """An app that was away hears the same later, and VOD is not asked again."""
    deployment.records.kept[FILE_ID] = ORDER
    app.answer = lambda _request: Reply(500)
    assert deployment.push(lie_about(ORDER)) == "due"
    asked = len(deployment.records.applications)

    app.answer = lambda _request: Reply(204)
    assert deployment.retry() == "delivered"

    first, second = heard(app)
    assert first == second
    assert len(deployment.records.applications) == asked
    (record,) = deployment.service.records()
    assert LIE not in record["raw"]
    assert LIE in record["pushed"]


def test_context_that_vod_does_not_keep_is_quarantined(deployment: Deployment, app: HttpPeer) -> None:
    """An event with an invented context for one of our uploads, or another's, is not delivered."""
    token = token_of(deployment.service.begin(new_session()))
    deployment.records.kept |= {FILE_ID: token, OTHER_FILE_ID: ORDER}

    assert deployment.push(uploaded("made-up")) == "quarantined"
    assert deployment.push(uploaded("made-up", file_id=OTHER_FILE_ID)) == "quarantined"
    assert app.received == []
    assert {record["verdict"] for record in deployment.service.records()} == {Verdict.QUARANTINED.value}

    assert deployment.push(uploaded(ORDER, file_id=OTHER_FILE_ID)) == "delivered"


@pytest.mark.parametrize("failing", [set(), {"media_info"}, {"tasks_of_file"}])
def test_event_that_vod_cannot_be_asked_about_is_told_as_it_came(
    deployment: Deployment, app: HttpPeer, failing: set[str]
) -> None:
    """A sub-application that nobody here knows, an API that is down: nothing waits, nothing is lost."""
    deployment.records.failing = failing
    if failing:
        deployment.records.kept[FILE_ID] = ORDER
    event = lie_about(ORDER)

    assert deployment.push(event) == "delivered"

    assert heard(app)[0]["data"]["verified"] is False
    assert heard(app)[0]["raw"] == event


@pytest.mark.parametrize(("claimed", "told"), [(TASK_ID, TASK_ID), ("invented", None), ("", None)])
def test_task_flow_of_a_foreign_upload_has_to_be_its_files(
    deployment: Deployment, app: HttpPeer, claimed: str, told: str | None
) -> None:
    """Its context may be another than the file's; that VOD has it for this file is what counts."""
    deployment.records.kept[FILE_ID] = ORDER
    deployment.records.run(changed("another context"))

    deployment.push(uploaded(ORDER, task_id=claimed))

    assert heard(app)[0]["data"]["procedureTaskId"] == told


def test_task_flow_of_a_foreign_file_is_confirmed(deployment: Deployment, app: HttpPeer) -> None:
    """The outcome of the task flow is VOD's."""
    deployment.records.kept[FILE_ID] = "context of the file"
    deployment.records.run(changed(ORDER, subtask="FAIL"))

    assert deployment.push(changed(ORDER)) == "delivered"

    told = heard(app)[0]["data"]
    assert (told["verified"], told["procedure"]["succeeded"]) == (True, False)


@pytest.mark.parametrize("running", [True, False])
def test_end_that_vod_does_not_know_of_is_told_and_not_verified(
    deployment: Deployment, app: HttpPeer, *, running: bool
) -> None:
    """An end that the API does not show yet is delivered at once, unverified."""
    deployment.records.kept[FILE_ID] = "context of the file"
    if running:
        deployment.records.run(changed(ORDER, status="PROCESSING"))

    assert deployment.push(changed(ORDER)) == "delivered"
    assert heard(app)[0]["data"]["verified"] is False


def test_task_flow_under_another_context_is_quarantined(deployment: Deployment, app: HttpPeer) -> None:
    """A task flow that VOD knows under another context is quarantined."""
    deployment.records.run(changed(token_of(new_session())))

    assert deployment.push(changed("made-up")) == "quarantined"
    assert app.received == []


LEGACY_END = {
    "version": "4.0",
    "eventType": "ProcedureStateChanged",
    "data": {"vodTaskId": TASK_ID, "status": "FINISH", "fileId": FILE_ID, "errCode": 0},
}


@pytest.mark.parametrize(
    ("event", "origin"),
    [
        (LEGACY_END, PUSH),
        ({"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": [FILE_ID]}}, PUSH),
        ({}, PUSH),
        (uploaded(ORDER), PULL),
    ],
    ids=["legacy task flow", "another type", "nothing", "pulled"],
)
def test_vod_is_asked_only_where_it_can_answer(
    deployment: Deployment, app: HttpPeer, event: dict[str, Any], origin: str
) -> None:
    """A legacy task flow has no context to compare, other types nothing to ask for, a pull needs none."""
    assert deployment.push(event, origin) == "delivered"

    assert deployment.records.applications == []
    assert heard(app)[0]["data"]["verified"] is (origin == PULL)


def test_copy_of_a_confirmed_event_is_a_copy(deployment: Deployment, app: HttpPeer) -> None:
    """A copy of a confirmed event is a duplicate, even if the first one was false."""
    deployment.records.kept[FILE_ID] = ORDER
    deployment.push(lie_about(ORDER))

    assert deployment.push(uploaded(ORDER)) == "duplicate"
    assert len(app.received) == 1


def test_heir_of_the_lease_decides(deployment: Deployment, app: HttpPeer) -> None:
    """An invocation whose lease has ended records nothing (F29)."""
    deployment.records.kept[FILE_ID] = ORDER
    ingested: IngestedEvent = deployment.service.ingest(uploaded("made-up"), PUSH)
    now = int(deployment.service.clock()) + 60
    (at,) = deployment.service.store.due_events(now=now, limit=10)
    deployment.service.store.take(at, endpoint="", now=now, lease="heir", lease_ends_at=now + 30)

    assert deployment.deliverer().deliver(ingested) == "lost"
    assert app.received == []
