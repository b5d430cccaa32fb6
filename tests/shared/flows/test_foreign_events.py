"""Events of uploads made without us: VOD is asked once about a pushed one, and none is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain.app_event import PULL, PUSH
from shared.domain.event_status import Verdict
from tests.shared.loopback_peer import Reply
from tests.shared.service import token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, TASK_ID, changed, legacy_change, uploaded
from tests.shared.vod_records import META_DATA

if TYPE_CHECKING:
    from tests.shared.flows.world import World

ORDER = "order-7781"
LIE = "https://evil.example.test/lie.mp4"


def lie_about(context: str, *, task_id: str = "") -> dict[str, Any]:
    """Return an upload's event with a false address and size."""
    event = uploaded(context, task_id=task_id)
    event["FileUploadEvent"]["MediaBasicInfo"]["MediaUrl"] = LIE
    event["FileUploadEvent"]["MetaData"] = {"Size": 1}
    return event


def test_upload_of_the_console_is_confirmed_and_told_in_vods_words(world: World) -> None:
    """If VOD keeps this context with this file, the app gets VOD's values, verified, not the pushed ones."""
    world.keep(ORDER)

    assert world.deliver(lie_about(ORDER)) == "delivered"

    (event,) = world.received
    told = event["data"]
    assert (event["type"], told["verdict"]) == ("vod.NewFileUpload", "unattributed")
    assert (
        told.items() >= {"sourceContext": ORDER, **dict.fromkeys(("uploadId", "uploader", "context"))}.items()
    )
    assert (told["verified"], told["size"]) == (True, META_DATA["Size"])
    assert LIE not in json.dumps(event)
    assert world.deliver(uploaded(ORDER)) == "duplicate"
    assert len(world.received) == 1


def test_what_was_confirmed_is_kept_for_the_next_attempt(world: World) -> None:
    """An app that was away hears the same later, and VOD is not asked again."""
    world.keep(ORDER)
    world.app.answer = lambda _request: Reply(500)
    assert world.deliver(lie_about(ORDER)) == "due"
    asked = len(world.vod.calls)

    world.app.answer = lambda _request: Reply(204)
    assert world.run(after=60) == {"delivered": 1}

    first, second = world.received
    assert first == second
    assert len(world.vod.calls) == asked
    (record,) = world.records()
    assert LIE not in record["raw"]
    assert LIE in record["pushed"]


def test_context_that_vod_does_not_keep_is_quarantined(world: World) -> None:
    """An invented context for one of our uploads, another's or a task flow: nothing is delivered."""
    world.keep(token_of(world.begin_now()))
    world.keep(ORDER, file_id=OTHER_FILE_ID)

    assert world.deliver(uploaded("made-up")) == "quarantined"
    assert world.deliver(uploaded("made-up", file_id=OTHER_FILE_ID)) == "quarantined"
    world.vod.run(changed(ORDER))
    assert world.deliver(changed("made-up")) == "quarantined"
    assert world.received == []
    assert {record["verdict"] for record in world.records()} == {Verdict.QUARANTINED.value}

    assert world.deliver(uploaded(ORDER, file_id=OTHER_FILE_ID)) == "delivered"


@pytest.mark.parametrize("failing", [set(), {"media_info"}, {"tasks_of_file"}])
def test_event_that_vod_cannot_be_asked_about_is_told_as_it_came(world: World, failing: set[str]) -> None:
    """A sub-application that nobody here knows, an API that is down: nothing waits, nothing is lost."""
    world.vod.failing = failing
    if failing:
        world.keep(ORDER)

    assert world.deliver(lie_about(ORDER, task_id=TASK_ID)) == "delivered"

    (event,) = world.received
    assert event["data"]["verified"] is False
    assert event["raw"] == lie_about(ORDER, task_id=TASK_ID)


@pytest.mark.parametrize(("claimed", "told"), [(TASK_ID, TASK_ID), ("invented", None), ("", None)])
def test_task_flow_of_a_foreign_upload_has_to_be_its_files(
    world: World, claimed: str, told: str | None
) -> None:
    """Its context may be another than the file's; that VOD has it for this file is what counts."""
    world.keep(ORDER)
    world.vod.run(changed("another context"))

    world.deliver(uploaded(ORDER, task_id=claimed))

    assert world.received[0]["data"]["procedureTaskId"] == told


@pytest.mark.parametrize(
    ("known", "verified"), [({"subtask": "FAIL"}, True), ({"status": "PROCESSING"}, False), (None, False)]
)
def test_end_of_a_foreign_task_flow_is_told_and_verified_if_vod_has_it(
    world: World, known: dict[str, Any] | None, *, verified: bool
) -> None:
    """The outcome is VOD's; an end that the API does not show yet is delivered at once, unverified."""
    world.keep("context of the file")
    if known is not None:
        world.vod.run(changed(ORDER, **known))

    assert world.deliver(changed(ORDER)) == "delivered"

    told = world.received[0]["data"]
    assert (told["verified"], told["procedure"]["succeeded"]) == (verified, not verified)


@pytest.mark.parametrize(
    ("event", "origin"),
    [
        (legacy_change(), PUSH),
        ({"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": [FILE_ID]}}, PUSH),
        ({}, PUSH),
        (uploaded(ORDER), PULL),
    ],
    ids=["legacy task flow", "another type", "nothing", "pulled"],
)
def test_vod_is_asked_only_where_it_can_answer(world: World, event: dict[str, Any], origin: str) -> None:
    """A legacy task flow has no context to compare, other types nothing to ask for, a pull needs none."""
    assert world.deliver(event, origin) == "delivered"

    assert world.vod.calls == []
    assert world.received[0]["data"]["verified"] is (origin == PULL)


def test_heir_of_the_lease_decides(world: World) -> None:
    """An invocation whose lease has ended records nothing (F29)."""
    world.keep(ORDER)
    ingested = world.ingest(uploaded("made-up"), PUSH)
    world.recall_due()

    assert world.deliverer(read_back=world.vod).deliver(ingested) == "lost"
    assert world.received == []
