"""Verification: every value of a pushed event is replaced by VOD's, once, in any order of events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import redis

from shared.domain.app_event import PULL, PUSH, RECONCILED, to_json
from shared.domain.event_status import Verdict
from shared.domain.session import UploadState
from shared.errors import VodApiError
from shared.vod.context_token import UploadContext
from tests.shared.service import token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, TASK_ID, changed, new_session, uploaded
from tests.shared.vod_records import META_DATA

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.ingested_event import IngestedEvent
    from shared.domain.session import UploadSession
    from tests.shared.flows.world import World

DAY = 86_400
LIE = "https://evil.example.test/lie.mp4"


@pytest.fixture
def session(world: World) -> UploadSession:
    """Begin an upload."""
    return world.begin(new_session(context="lesson 3"))


@pytest.fixture
def token(session: UploadSession) -> str:
    """Return the token that the uploader can read in the signature."""
    return token_of(session)


@pytest.fixture
def kept(world: World, token: str) -> World:
    """Have VOD keep the upload's file."""
    world.keep(token)
    return world


def told(ingested: IngestedEvent) -> dict[str, Any]:
    """Return what the app would receive."""
    event: dict[str, Any] = to_json(ingested.event)
    assert LIE not in json.dumps(event)
    return dict(event["data"])


def running(token: str) -> dict[str, Any]:
    """Return the event of a task flow that has just begun."""
    return changed(token, status="PROCESSING", subtask="PROCESSING", progress=5)


def of_another_type(token: str) -> dict[str, Any]:
    """Return an event about the file that no version of ours knows."""
    return {"EventType": "SomethingNew", "NewEvent": {"FileId": FILE_ID, "SessionContext": token}}


def lied_about(token: str, *, file_id: str = FILE_ID) -> dict[str, Any]:
    """Return the upload's event with the genuine file and token, and everything else false."""
    event = uploaded(token, file_id=file_id, task_id="1500012345-Procedure-invented")
    upload = event["FileUploadEvent"]
    upload["MediaBasicInfo"] |= {"Name": "lie", "MediaUrl": LIE, "CoverUrl": LIE, "Type": "exe"}
    upload["MediaBasicInfo"] |= {"ClassId": 7, "StorageRegion": "na-lie"}
    upload["MediaBasicInfo"]["SourceInfo"]["SourceType"] = "Lie"
    upload["MetaData"] = {"Size": 1, "Duration": 1.0}
    upload["ReviewAudioVideoTaskId"] = "invented-review"
    return event


def test_nothing_of_a_pushed_upload_is_the_pushers_word(
    kept: World, session: UploadSession, token: str
) -> None:
    """Address, cover, name, type, size, duration, class, region, tasks: the app hears VOD's (S23b)."""
    kept.vod.run(running(token))
    kept.vod.listed = [
        {"TaskId": "review-1", "TaskType": "ReviewAudioVideo", "SessionContext": token},
        {"TaskId": "of-another-context", "TaskType": "Procedure", "SessionContext": "order-7781"},
    ]

    ingested = kept.push(lied_about(token))

    address = f"https://1500012345.vod-example.test/{FILE_ID}"
    true: dict[str, object] = {
        "fileName": "harbour-walk",
        "mediaUrl": f"{address}/original.mp4",
        "coverUrl": f"{address}/cover.png",
        "mediaType": "mp4",
        "size": META_DATA["Size"],
        "duration": META_DATA["Duration"],
        "procedureTaskId": TASK_ID,
        "reviewTaskId": "review-1",
        "sourceType": "Upload",
        "verified": True,
        **dict.fromkeys(("storageRegion", "classId")),
    }
    assert told(ingested).items() >= true.items()
    assert "lie" not in json.dumps(to_json(ingested.event)).lower()
    found = kept.find(session)
    assert (found.media_url, found.procedure_task_id) == (f"{address}/original.mp4", TASK_ID)


def test_uploader_on_record_must_be_the_one_that_vod_names(kept: World, token: str) -> None:
    """A record that says another user than the token which VOD has is told to nobody."""
    ingested = kept.ingest(uploaded(token), PUSH)
    mallory = ingested.event._replace(uploader=UploadContext("01M7Q5CQG00000000000000001", "mallory"))

    assert kept.verified(ingested._replace(event=mallory)).journaled.outcome == "quarantined"
    assert kept.verified(kept.ingest(uploaded(token), PUSH)).event.verified


def test_verified_event_is_kept_and_delivered_later(kept: World, token: str) -> None:
    """The journal holds the verified event, which every delivery is made from, and what was pushed."""
    ingested = kept.push(lied_about(token))

    record = kept.record(ingested)
    assert "lie" not in record["raw"].lower()
    assert json.loads(record["pushed"]) == lied_about(token)
    assert to_json(kept.recall_due().event) == to_json(ingested.event)


@pytest.mark.parametrize("second", [PUSH, PULL, RECONCILED])
def test_true_event_after_a_false_one_is_a_duplicate(kept: World, token: str, second: str) -> None:
    """VOD's own event after a false one was settled is a duplicate: the app has VOD's values already."""
    first = kept.push(lied_about(token))

    again = kept.ingest(uploaded(token), second)

    assert again.journaled.outcome == "duplicate"
    assert again.event.event_id == first.event.event_id
    assert told(first)["mediaUrl"] != LIE


@pytest.mark.parametrize("claimed", ["", TASK_ID])
@pytest.mark.parametrize("own", [True, False])
def test_task_flow_is_the_one_of_this_file_whatever_is_claimed(
    world: World, claimed: str, *, own: bool
) -> None:
    """A flow that was hidden is found; an id that is another file's, or made up, leads nowhere (S23b)."""
    session = world.begin_now(procedure="LongVideoPreset" if own else None)
    token = token_of(session)
    world.keep(token)
    world.vod.run(running(token) if own else changed("victim", file_id=OTHER_FILE_ID))

    assert told(world.push(uploaded(token, task_id=claimed)))["procedureTaskId"] == (TASK_ID if own else None)
    assert world.state(session) is (UploadState.PROCESSING if own else UploadState.UPLOADED)


@pytest.mark.parametrize(
    ("grant", "context", "claimed", "asked"),
    [
        ({}, "", "", 0),
        ({}, "", TASK_ID, 1),
        ({"procedure": "LongVideoPreset"}, "", "", 1),
        ({}, "order-7781", "", 0),
        ({}, "order-7781", TASK_ID, 1),
    ],
)
def test_tasks_are_asked_for_where_there_may_be_some(
    world: World, grant: dict[str, str], context: str, claimed: str, asked: int
) -> None:
    """An upload that was granted no task flow, and whose event tells of none, costs one call of VOD's API."""
    token = context or token_of(world.begin_now(**grant))
    world.keep(token)

    world.deliver(uploaded(token, task_id=claimed))

    assert world.vod.calls.count("tasks_of_file") == asked


def test_tasks_are_asked_for_where_the_grant_is_lost(world: World) -> None:
    """The store has no record of the upload any more: what it was granted is not known."""
    token = token_of(new_session(issued_at=int(world.clock())))
    world.keep(token)

    world.push(uploaded(token))

    assert world.vod.calls.count("tasks_of_file") == 1


@pytest.mark.parametrize(("is_shown", "failing"), [(True, set()), (False, set()), (False, {"tasks_of_file"})])
def test_upload_waits_for_the_task_flow_that_it_was_granted(
    world: World, failing: set[str], *, is_shown: bool
) -> None:
    """VOD shows the file first: confirmed then, the upload would be final, and a lost end never asked for.

    Where VOD shows none, or the list of tasks cannot be had, it is delivered without after some attempts.
    """
    world.vod.failing = failing
    session = world.begin_now(procedure="LongVideoPreset")
    world.keep(token_of(session))
    held = world.ingest(uploaded(token_of(session), task_id=TASK_ID), PUSH)
    with pytest.raises(VodApiError):
        world.verified(held)
    if is_shown:
        world.vod.run(running(token_of(session)))

    content = told(world.verified(held) if is_shown else world.given_up(held))

    assert (content["verified"], content["procedureTaskId"]) == (True, TASK_ID if is_shown else None)
    assert world.state(session) is (UploadState.PROCESSING if is_shown else UploadState.UPLOADED)


def test_task_flow_of_an_upload_without_a_record_is_not_waited_for(world: World) -> None:
    """That one was started is the pusher's word alone, which must not hold up the upload."""
    session = world.begin_now()
    token = token_of(session._replace(upload_id=f"{session.upload_id[:-1]}Z"))
    world.keep(token)

    content = told(world.verified(world.ingest(uploaded(token, task_id="invented"), PUSH)))

    assert (content["verified"], content["procedureTaskId"]) == (True, None)


@pytest.mark.parametrize("origin", [PUSH, PULL, RECONCILED])
@pytest.mark.parametrize("given", ["held", "quarantined"])
def test_true_end_after_a_false_one_is_heard_once(
    kept: World, session: UploadSession, token: str, origin: str, given: str
) -> None:
    """FINISH while VOD says PROCESSING ends nothing: held, then quarantined (S23b).

    It does not suppress VOD's own, which is delivered with its failed subtask.
    """
    kept.vod.run(running(token))
    forged = kept.ingest(changed(token), PUSH)
    with pytest.raises(VodApiError):
        kept.verified(forged)
    if given == "quarantined":
        given_up = kept.given_up(forged)
        assert (given_up.event.verdict, given_up.deliverable) == (Verdict.QUARANTINED, False)
    else:
        kept.clock.move(60)
    assert kept.state(session) is UploadState.ISSUED

    true = changed(token, subtask="FAIL")
    kept.vod.run(true)
    ingested = kept.ingest(true, origin)
    if ingested.journaled.outcome == "duplicate":
        ingested = kept.verified(kept.recall_due(after=0))
    elif ingested.journaled.outcome == "held":
        ingested = kept.verified(ingested)

    assert (ingested.event.type, told(ingested)["verified"]) == ("procedure.finished", True)
    assert told(ingested)["procedure"]["succeeded"] is False
    assert kept.state(session) is UploadState.FAILED
    assert kept.ingest(true, PUSH).journaled.outcome == "duplicate"
    assert kept.find(session).sequence == 1


def test_outcome_of_a_task_flow_is_vods(kept: World, session: UploadSession, token: str) -> None:
    """It has ended, and the pusher lies about how: subtasks, addresses and file are VOD's."""
    kept.vod.run(changed(token, subtask="FAIL"))
    forged = changed(token, file_id=OTHER_FILE_ID)
    state = forged["ProcedureStateChangeEvent"]
    state["FileUrl"] = LIE
    state["MediaProcessResultSet"][0]["TranscodeTask"]["Output"]["Url"] = LIE

    content = told(kept.push(forged))

    assert content["fileId"] == FILE_ID
    assert content["procedure"]["subtasks"][0]["status"] == "FAIL"
    assert kept.state(session) is UploadState.FAILED


@pytest.mark.parametrize("status", ["PROCESSING", "WAITING", "", "\u00e9"])
def test_report_that_was_overtaken_ends_nothing(
    kept: World, session: UploadSession, token: str, status: str
) -> None:
    """If the flow has ended by the time of the check, its report is confirmed; its end has its own event."""
    kept.vod.run(changed(token))

    late = kept.push(changed(token, status=status, subtask="PROCESSING", progress=5))
    assert (late.event.type, told(late)["procedure"]["status"]) == ("procedure.changed", "PROCESSING")
    assert told(late)["procedure"]["subtasks"][0]["status"] == "SUCCESS"
    assert kept.state(session) is UploadState.PROCESSING

    end = kept.push(changed(token))
    assert (end.event.type, told(end)["sequence"]) == ("procedure.finished", 2)
    assert kept.state(session) is UploadState.READY


@pytest.mark.parametrize("status", ["ABORTED", "FORGOTTEN"])
def test_another_end_than_vods_is_none(kept: World, token: str, status: str) -> None:
    """One end is not told under the names of two: a pushed ABORTED or FORGOTTEN is no FINISH."""
    kept.vod.run(changed(token))

    forged = kept.given_up(kept.ingest(changed(token, status=status), PUSH))

    assert forged.journaled.outcome == "quarantined"
    assert told(kept.push(changed(token)))["verified"] is True


def test_task_flow_that_vod_does_not_know_yet_is_looked_for(kept: World, token: str) -> None:
    """The event may be ahead of the API; one that stays unknown is invented."""
    held = kept.ingest(changed(token), PUSH)

    with pytest.raises(VodApiError):
        kept.verified(held)

    assert kept.given_up(held).event.verdict is Verdict.QUARANTINED


@pytest.mark.parametrize(
    ("event", "flow"),
    [(changed, "FINISH"), (changed, ""), (of_another_type, "")],
    ids=["known flow", "unknown flow", "another type"],
)
def test_event_about_anothers_file_is_quarantined_at_once(
    world: World, token: str, event: Callable[[str], dict[str, Any]], flow: str
) -> None:
    """VOD knows the file, or its task flow, and it is another upload's (S23b)."""
    world.keep("victim", flow=flow)

    assert world.push(event(token)).event.verdict is Verdict.QUARANTINED


@pytest.mark.parametrize("call", ["media_info", "procedure_task"])
def test_nothing_is_decided_while_vod_cannot_be_asked(kept: World, token: str, call: str) -> None:
    """However often: an API that is down proves nothing against an event."""
    kept.vod.failing = {call}
    kept.vod.run(changed(token))
    held = kept.ingest(uploaded(token) if call == "media_info" else changed(token), PUSH)

    with pytest.raises(VodApiError):
        kept.given_up(held)

    kept.vod.failing = set()
    assert kept.verified(held).journaled.outcome == "verified"


def test_event_of_another_type_is_its_uploads_and_not_verified(kept: World, token: str) -> None:
    """Nobody can be asked about what it says: the app has it, marked as the pusher's word."""
    ingested = kept.push(of_another_type(token))

    content = told(ingested)
    assert ingested.deliverable
    assert (ingested.event.type, content["uploader"]) == ("vod.SomethingNew", "alice")
    assert content["verified"] is False
    assert ingested.event.notification.raw == of_another_type(token)


def test_second_file_is_replayed_in_vods_words(kept: World, token: str) -> None:
    """A signature was used twice, and the pusher lies about the second file: marked, and true."""
    kept.keep(token, file_id=OTHER_FILE_ID)
    kept.push(uploaded(token))

    ingested = kept.push(lied_about(token, file_id=OTHER_FILE_ID))

    assert (ingested.event.type, told(ingested)["verified"]) == ("upload.replayed", True)


def test_replay_after_the_retention_is_told_again_as_late_and_under_its_old_id(
    kept: World, token: str
) -> None:
    """Journal and record are gone by then: VOD is asked anew, and the app knows the event by its id (S26)."""
    first = kept.push(uploaded(token))
    kept.clock.move(8 * DAY)
    # As RETENTION_SECONDS would: the store's own clock cannot be moved.
    with redis.Redis.from_url(kept.redis_url) as client:
        client.flushall()

    # Nor is it known whether there was a task flow, so VOD is given time to show one.
    again = kept.given_up(kept.ingest(lied_about(token), "push"))

    assert again.event.event_id == first.event.event_id
    assert (told(again)["verdict"], told(again)["verified"]) == ("late", True)
    assert told(again)["mediaUrl"] == told(first)["mediaUrl"]
    assert kept.push(uploaded(token)).journaled.outcome == "duplicate"
