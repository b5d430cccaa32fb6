"""kill -9 at every named crash point: after a restart every event is journaled and delivered, none lost.

A point is one call, and the worker is killed alternately right before and right after it, while 200 events
are processed. VOD sends again what was not answered, and the timers continue. The app may receive one
webhook-id twice, and never two ids for one event.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.reliability.crash_points import PASSED_BY_NO_EVENT, public_calls
from tests.reliability.lives import Lives

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reliability.many_uploads import Upload
    from tests.reliability.service import Service

pytestmark = pytest.mark.reliability

EVENTS = 200

PUSHED = ("Store.journal", "Store.finish_attempt", "AppWebhook.send", "Instance.invoke")
READ_BACK = ("VodApi.media_info", "VodApi.tasks_of_file", "Store.settle")
LEGACY = ("Store.remember_task", "Store.token_of_task")
PULLED = ("VodApi.pull_events", "VodApi.confirm_events")
DUE = ("Store.due_events", "Store.send_slot", "Store.take")
POISONED = ("Store.count_failure",)
MISSED = ("VodApi.uploads_created",)
UNUSED = ("Store.uploads_to_check", "Store.find_upload", "Store.check_again")
SILENT = ("VodApi.procedure_task",)
PASSED_RARELY = frozenset({*PULLED, *MISSED, "Store.due_events", "Store.uploads_to_check"})
"""Calls made once for many events."""

FIRST_CHECK_SECONDS, END_SECONDS, TASK_FLOW_SECONDS = 901, 90_001, 3601


def test_every_call_that_an_event_passes_is_a_crash_point() -> None:
    """A new call to the store, to VOD or to the app has to be killed at, or said to concern no event."""
    killed_at = {*PUSHED, *READ_BACK, *LEGACY, *PULLED, *DUE, *POISONED, *MISSED, *UNUSED, *SILENT}

    assert public_calls() - PASSED_BY_NO_EVENT.keys() == killed_at - {"Instance.invoke"}
    assert public_calls() >= PASSED_BY_NO_EVENT.keys()


@pytest.mark.parametrize("call", PUSHED)
def test_pushed_event_survives(service: Service, call: str) -> None:
    """Whatever part of ingestion and delivery was done, VOD's next send and the timer do the rest."""
    uploads = service.finished_uploads(EVENTS)
    lives = begin(service, call)

    lives.push([upload.event for upload in uploads])
    deliver(service, lives)

    assert lives.killed >= 8
    assert_told_once(service, uploads, "upload.completed")


@pytest.mark.parametrize("call", READ_BACK)
def test_event_on_its_read_back_survives(service: Service, call: str) -> None:
    """An event that is held until VOD has vouched for it stays held, and is asked about again."""
    uploads = service.finished_uploads(EVENTS)
    lives = begin(service, call, READ_BACK="on")

    lives.push([upload.event for upload in uploads])
    deliver(service, lives)

    assert lives.killed >= 8
    assert_told_once(service, uploads, "upload.completed")
    assert {webhook.body["data"]["verified"] for webhook in service.app.webhooks} == {True}


@pytest.mark.parametrize("call", LEGACY)
def test_legacy_event_survives_and_keeps_its_upload(service: Service, call: str) -> None:
    """A task flow's legacy event, which carries no token, is still tied to its upload."""
    uploads = service.finished_uploads(EVENTS // 2, with_task_flow=True)
    lives = begin(service, call)

    lives.push([event for upload in uploads for event in upload.legacy_events])
    deliver(service, lives)

    assert lives.killed >= 4
    assert_told_once(service, uploads, "upload.completed", "procedure.finished")


@pytest.mark.parametrize("call", [*PULLED, *DUE])
def test_pulled_event_survives(service: Service, call: str) -> None:
    """What was not confirmed is pulled again, what was not delivered stays due."""
    uploads = service.finished_uploads(EVENTS)
    service.queue([upload.event for upload in uploads])
    lives = begin(service, call)

    pull(service, lives)

    assert lives.killed >= 4
    assert_told_once(service, uploads, "upload.completed")


@pytest.mark.parametrize("call", POISONED)
def test_poison_is_parked_and_holds_up_nobody(service: Service, call: str) -> None:
    """Every second event cannot be taken in: it is kept with its text, the others are delivered."""
    uploads = service.finished_uploads(EVENTS // 2)
    poison = [{"EventType": f"Poison{number}", "Nested": nested(100)} for number in range(EVENTS // 2)]
    service.queue([event for pair in zip(poison, (u.event for u in uploads), strict=True) for event in pair])
    lives = begin(service, call)

    pull(service, lives)

    assert lives.killed >= 8
    assert_told_once(service, uploads, "upload.completed")
    assert service.waiting("parked") == len(poison)
    kept = [json.loads(record["raw"])["EventType"] for record in service.records("poison")]
    assert sorted(kept) == sorted(str(event["EventType"]) for event in poison)


@pytest.mark.parametrize("call", MISSED)
def test_event_that_never_came_is_found(service: Service, call: str) -> None:
    """VOD gave up its pushes: what it has of our uploads is found, however often the search is cut off."""
    uploads = service.finished_uploads(EVENTS)
    service.clock.advance(FIRST_CHECK_SECONDS)
    lives = begin(service, call, READ_BACK="on")

    lives.fire("event_delivery", until=lambda: len(service.app.ids) == EVENTS)
    deliver(service, lives)

    assert lives.killed >= 4
    assert_told_once(service, uploads, "upload.completed")
    assert {webhook.body["data"]["reconciled"] for webhook in service.app.webhooks} == {True}


@pytest.mark.parametrize("call", UNUSED)
def test_end_of_an_unused_upload_is_told(service: Service, call: str) -> None:
    """An upload that came to nothing is looked after several times, and ends once."""
    upload_ids = service.begun_uploads(EVENTS)
    lives = begin(service, call, READ_BACK="on")

    service.clock.advance(FIRST_CHECK_SECONDS)
    lives.fire("event_delivery", until=lambda: service.due("checks") == 0)
    service.clock.advance(END_SECONDS)
    lives.fire("event_delivery", until=lambda: service.waiting("checks") == 0)
    deliver(service, lives)

    assert lives.killed >= 4
    assert service.app.ids.keys() == {("upload.expired", upload_id) for upload_id in upload_ids}
    assert_one_id_each(service, EVENTS)


@pytest.mark.parametrize("call", SILENT)
def test_end_of_a_silent_task_flow_is_found(service: Service, call: str) -> None:
    """The event of a task flow's end was lost: VOD is asked, and the app told, as if it had come."""
    uploads = service.finished_uploads(EVENTS, with_task_flow=True)
    service.queue([upload.event for upload in uploads])
    pull(service, Lives(service, call))
    lives = begin(service, call, READ_BACK="on")

    service.clock.advance(TASK_FLOW_SECONDS)
    lives.fire("event_delivery", until=lambda: service.waiting("checks") == 0)
    deliver(service, lives)

    assert lives.killed >= 8
    assert_told_once(service, uploads, "upload.completed", "procedure.finished")


def begin(service: Service, call: str, **settings: str) -> Lives:
    """Begin the lives that end at this point."""
    return Lives(service, call, passed_rarely=call in PASSED_RARELY, **settings)


def deliver(service: Service, lives: Lives) -> None:
    """Fire the delivery timer until no event is due."""
    lives.fire("event_delivery", until=lambda: service.waiting("due") == 0)


def pull(service: Service, lives: Lives) -> None:
    """Fire the pulling timer until VOD's queue is empty and no event is due."""
    lives.fire(
        "reliable_notification",
        until=lambda: service.library.queue_length() == 0 and service.waiting("due") == 0,
    )


def assert_told_once(service: Service, uploads: Sequence[Upload], *types: str) -> None:
    """Assert that the app received each event of each upload under one id, and no event counted twice."""
    heard = service.app.ids
    assert heard.keys() == {(kind, upload.upload_id) for upload in uploads for kind in types}
    assert {record["sequence"] for record in service.records("upload")} == {str(len(types))}
    assert_one_id_each(service, len(uploads) * len(types))


def assert_one_id_each(service: Service, count: int) -> None:
    """Assert that so many events were journaled and delivered, each under one id of its own."""
    heard = [webhook_id for ids in service.app.ids.values() for webhook_id in ids]
    assert (len(heard), len(set(heard)), len(service.app.ids)) == (count, count, count)
    journaled = service.records("event")
    assert sorted(record["event_id"] for record in journaled) == sorted(heard)
    assert {record["delivery"] for record in journaled} == {"delivered"}


def nested(depth: int) -> list[object]:
    """Return a list nested beyond what our parsers accept."""
    return [nested(depth - 1)] if depth else []
