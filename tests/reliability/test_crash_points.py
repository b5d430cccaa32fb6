"""kill -9 at every named crash point: after a restart every event is journaled and delivered, none lost.

A point is one call, and the worker is killed alternately right before and right after it, while 200 events
are processed. VOD sends again what was not answered, and the timers continue. The app may receive one
webhook-id twice, and never two ids for one event.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared.domain.session import RETRY_SECONDS
from tests.functions.deployment import WEBHOOK_SECRET
from tests.reliability.crash_points import PASSED_BY_NO_EVENT, public_calls
from tests.reliability.lives import EVERY_20TH, OFTEN, ONCE_FOR_MANY, Lives
from tests.reliability.many_uploads import CONTENT_MD5, poison

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from tests.reliability.many_uploads import Upload
    from tests.reliability.service import Service

pytestmark = pytest.mark.reliability

EVENTS = 200

PUSHED = ("Store.journal", "Store.finish_attempt", "AppWebhook.send", "Instance.invoke")
TASKS = "VodApi.tasks_of_file"
READ_BACK = ("Store.take_call", "VodApi.media_info", TASKS, "Store.settle")
LEGACY = ("Store.remember_task", "Store.token_of_task")
PULLED = ("VodApi.pull_events", "Store.journal_all", "VodApi.confirm_events")
DUE = ("Store.due_events", "Store.send_slots", "Store.take")
POISONED = ("Store.count_failure",)
MISSED = ("VodApi.uploads_created", "Store.take_tail", "Store.move_tail", "Store.are_verified")
UNUSED = ("Store.uploads_to_check", "Store.find_upload", "Store.check_again")
SILENT = ("VodApi.procedure_task",)
BEGUN = ("Store.take_proofs", "Store.plan_proof", "Store.keep_proof_task", "VodApi.describe_file_attributes")
PROVEN = (*BEGUN, "Store.proof_task", "VodApi.attributes_task")
HANDED_ON = ("Store.fan_out",)
PASSED_RARELY = frozenset(
    {*PULLED, *MISSED, "Store.due_events", "Store.uploads_to_check", "Store.take_proofs"}
)
"""Calls made once for many events."""
PASSED_OFTEN = frozenset({"Store.send_slots"})
"""Calls made again and again while a run waits for the endpoint's rate."""

LISTED_SECONDS, END_SECONDS, TASK_FLOW_SECONDS = 2701, 90_001, 3601


def test_every_call_that_an_event_passes_is_a_crash_point() -> None:
    """A new call to the store, to VOD or to the app has to be killed at, or said to concern no event."""
    by_event = {*PUSHED, *READ_BACK, *LEGACY, *PULLED, *DUE, *HANDED_ON}
    killed_at = {*by_event, *POISONED, *MISSED, *UNUSED, *SILENT, *PROVEN}

    assert public_calls() - PASSED_BY_NO_EVENT.keys() == killed_at - {"Instance.invoke"}
    assert public_calls() >= PASSED_BY_NO_EVENT.keys()


@pytest.mark.parametrize("call", [*PUSHED, *READ_BACK])
def test_pushed_event_survives(service: Service, call: str) -> None:
    """Whatever was done, VOD's next send and the timer do the rest; what is held is asked about again."""
    uploads = service.finished_uploads(EVENTS, with_task_flow=call == TASKS)
    lives = begin(service, call, READ_BACK="on" if call in READ_BACK else "off")

    lives.push([upload.event for upload in uploads])

    assert_all_is_told_once(service, lives, ids_of(uploads), "upload.completed")
    assert {told["verified"] for told in service.app.told} == {call in READ_BACK}


@pytest.mark.parametrize("call", LEGACY)
def test_legacy_event_survives_and_keeps_its_upload(service: Service, call: str) -> None:
    """A task flow's legacy event, which carries no token, is still tied to its upload."""
    uploads = service.finished_uploads(EVENTS // 2, with_task_flow=True)
    lives = begin(service, call)

    lives.push([event for upload in uploads for event in upload.legacy_events])

    assert_all_is_told_once(service, lives, ids_of(uploads), "upload.completed", "procedure.finished")


@pytest.mark.parametrize("call", [*PULLED, *DUE])
def test_pulled_event_survives(service: Service, call: str) -> None:
    """What was not confirmed is pulled again, what was not delivered stays due."""
    uploads = service.finished_uploads(EVENTS)
    service.account.emit(*(upload.event for upload in uploads))
    lives = begin(service, call)

    lives.pull()

    assert_all_is_told_once(service, lives, ids_of(uploads), "upload.completed")


@pytest.mark.parametrize("call", POISONED)
def test_poison_is_parked_and_holds_up_nobody(service: Service, call: str) -> None:
    """Every second event cannot be taken in: it is kept with its text, the others are delivered."""
    uploads = service.finished_uploads(EVENTS // 2)
    for number, upload in enumerate(uploads):
        service.account.emit(poison(number), upload.event)
    lives = begin(service, call)

    lives.pull()

    assert_all_is_told_once(service, lives, ids_of(uploads), "upload.completed")
    assert service.waiting("parked") == len(uploads)
    kept = [json.loads(record["raw"])["EventType"] for record in service.records("poison")]
    assert sorted(kept) == sorted(poison(number)["EventType"] for number in range(len(uploads)))


@pytest.mark.parametrize("call", MISSED)
def test_event_that_never_came_is_found(service: Service, call: str) -> None:
    """VOD gave up its pushes: what it has of our uploads is found, however often the search is cut off."""
    uploads = service.finished_uploads(EVENTS)
    lives = begin(service, call, READ_BACK="on")

    lives.reconcile(after=LISTED_SECONDS, until=lambda: len(service.app.ids) == EVENTS)

    assert_all_is_told_once(service, lives, ids_of(uploads), "upload.completed")
    assert {told["reconciled"] for told in service.app.told} == {True}


@pytest.mark.parametrize("call", UNUSED)
def test_end_of_an_unused_upload_is_told(service: Service, call: str) -> None:
    """An upload that came to nothing ends once, when VOD's list was read so far."""
    upload_ids = service.begun_uploads(EVENTS).keys()
    lives = begin(service, call, READ_BACK="on")

    lives.reconcile(after=END_SECONDS, until=lambda: service.due("checks") == 0)
    lives.reconcile(after=LISTED_SECONDS, until=lambda: service.waiting("checks") == 0)

    assert_all_is_told_once(service, lives, upload_ids, "upload.expired")


@pytest.mark.parametrize("call", SILENT)
def test_end_of_a_silent_task_flow_is_found(service: Service, call: str) -> None:
    """The event of a task flow's end was lost: VOD is asked, and the app told, as if it had come."""
    uploads = service.finished_uploads(EVENTS, with_task_flow=True)
    service.account.emit(*(upload.event for upload in uploads))
    Lives(service, call).pull()
    lives = begin(service, call, READ_BACK="on")

    lives.reconcile(after=TASK_FLOW_SECONDS, until=lambda: service.waiting("checks") == 0)

    assert_all_is_told_once(service, lives, ids_of(uploads), "upload.completed", "procedure.finished")


@pytest.mark.parametrize("call", PROVEN)
def test_proof_of_a_file_survives(service: Service, call: str) -> None:
    """A task is begun once more, or its result is read: the app hears of the digests once."""
    uploads = service.finished_uploads(EVENTS // 4, md5=CONTENT_MD5)
    service.account.emit(*(upload.event for upload in uploads))
    Lives(service, call).pull()
    if call == "VodApi.attributes_task":
        Lives(service, call, READ_BACK="on").reconcile(after=0, until=lambda: service.due("proofs") == 0)
    # VOD takes few of these calls a second, so a run makes few.
    lives = Lives(service, call, passings=ONCE_FOR_MANY, READ_BACK="on")

    lives.reconcile(after=RETRY_SECONDS, until=lambda: service.waiting("proofs") == 0)

    assert_all_is_told_once(service, lives, ids_of(uploads), "upload.completed", "upload.integrity")
    assert {told["outcome"] for told in service.app.told if "outcome" in told} == {"match"}


@pytest.mark.parametrize("call", HANDED_ON)
def test_event_reaches_each_of_two_endpoints(service: Service, call: str) -> None:
    """It is handed on to both or to none, by the function that ingested it or by the timer."""
    uploads, names = service.finished_uploads(EVENTS // 2), ("crm", "billing")
    entries = [{"name": it, "url": f"{service.app.url}/{it}", "secrets": WEBHOOK_SECRET} for it in names]
    single = {"APP_WEBHOOK_URL": "off", "APP_WEBHOOK_SECRETS": ""}
    lives = begin(service, call, READ_BACK="off", **single, APP_WEBHOOKS=json.dumps(entries))

    lives.push([upload.event for upload in uploads])
    lives.deliver(*names)

    assert lives.killed >= 4
    heard = sorted((it.path, it.headers["webhook-id"]) for it in service.app.received)
    ids = {it["event_id"] for it in service.records("event") if "endpoint" not in it}
    assert heard == sorted((f"/{name}", event_id) for name in names for event_id in ids)
    assert len(ids) == len(uploads)


def begin(service: Service, call: str, **settings: str) -> Lives:
    """Begin the lives that end at this point."""
    passings = OFTEN if call in PASSED_OFTEN else ONCE_FOR_MANY if call in PASSED_RARELY else EVERY_20TH
    return Lives(service, call, passings=passings, **settings)


def ids_of(uploads: Sequence[Upload]) -> AbstractSet[str]:
    """Return the ids of uploads."""
    return {upload.upload_id for upload in uploads}


def assert_all_is_told_once(
    service: Service, lives: Lives, upload_ids: AbstractSet[str], *types: str
) -> None:
    """Assert that the app receives each event of each upload under one id, and no event counted twice."""
    lives.deliver()

    assert lives.killed >= 4
    heard = service.app.ids
    assert heard.keys() == {(kind, upload_id) for upload_id in upload_ids for kind in types}
    assert {record["sequence"] for record in service.records("upload")} == {str(len(types))}
    ids = [webhook_id for each in heard.values() for webhook_id in each]
    journaled = service.records("event")
    assert len(ids) == len(heard) == len({*ids})
    assert sorted(record["event_id"] for record in journaled) == sorted(ids)
    assert {record["delivery"] for record in journaled} == {"delivered"}
