"""What the events did not tell: lost ones are found, unused uploads end, silent task flows are asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import redis

from shared.domain.retry_schedule import DELAYS_SECONDS
from shared.domain.session import (
    RETRY_SECONDS,
    TASK_FLOW_CHECK_SECONDS,
    TASK_KEPT_SECONDS,
    UPLOAD_CHECKS_SECONDS,
    UploadState,
)
from shared.errors import StoreUnavailableError
from shared.flows.ingest_event import LEASE_SECONDS
from shared.flows.reconcile_uploads import SEARCH_LIMIT
from shared.flows.verify_event import MAX_ATTEMPTS
from shared.vod.context_token import UploadContext, seal
from shared.vod_api import SEARCH_PAGE
from tests.shared.loopback_peer import HOST, refused_port
from tests.shared.service import CONTEXT_KEY, STAGE, new_lease, token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, SESSION_SECONDS, TASK_ID, changed, uploaded
from tests.shared.vod_records import META_DATA

if TYPE_CHECKING:
    from tests.shared.flows.world import World

QUARTER, HOUR, FOUR_HOURS = UPLOAD_CHECKS_SECONDS


def test_lost_push_is_found_and_put_in(world: World) -> None:
    """All three pushes lost: a quarter of an hour later the app gets the event, marked as reconciled.

    What comes after all is a copy of it: an app that got either needs no other.
    """
    session = world.begin_now()
    file_id = world.keep(token_of(session))

    assert world.reconcile(after=QUARTER - 1) == {"checked": 0}
    assert world.reconcile(after=1) == {"checked": 1, "reconciled": 1, "expired": 0}

    [event] = world.told()
    content = event["data"]
    assert (event["type"], content["fileId"], content["uploader"]) == ("upload.completed", file_id, "alice")
    assert (content["reconciled"], content["verified"], content["verdict"]) == (True, True, "attributed")
    assert content["size"] == META_DATA["Size"]
    assert world.state(session) is UploadState.UPLOADED
    assert world.checks() == {}
    late = world.ingest(uploaded(token_of(session), file_id=file_id), "push")
    assert (late.journaled.outcome, late.event.event_id) == ("duplicate", event["id"])
    assert world.reconcile(after=HOUR) == {"checked": 0}


def test_file_of_an_upload_that_began_in_the_future_is_found(world: World) -> None:
    """The clock of the instance that issued the signature was an hour fast."""
    world.clock.move(HOUR)
    session = world.begin_now()
    world.clock.move(-HOUR)
    world.keep(token_of(session))

    assert world.reconcile(after=HOUR + QUARTER) == {"checked": 1, "reconciled": 1, "expired": 0}


def test_unused_upload_is_looked_after_four_times_and_ends(world: World) -> None:
    """After 15 min, 1 h, 4 h and at its end VOD is asked; then it expires, and the app is told once."""
    session = world.begin_now()
    began = world.clock()

    for at, following in ((QUARTER, HOUR), (HOUR, FOUR_HOURS), (FOUR_HOURS, SESSION_SECONDS)):
        world.clock.now = began + at
        assert world.reconcile() == {"checked": 1, "expired": 0}
        assert world.checks() == {session.upload_id: began + following}
        assert world.reconcile() == {"checked": 0}
    world.clock.now = began + SESSION_SECONDS
    assert world.reconcile() == {"checked": 1, "expired": 1}

    assert world.vod.calls == ["uploads_created"] * 4
    assert world.checks() == {}
    assert world.state(session) is UploadState.EXPIRED
    [event] = world.told()
    assert (event["type"], event["data"]["uploadId"]) == ("upload.expired", session.upload_id)


@pytest.mark.parametrize("used", [False, True])
def test_cancelled_upload_ends_silently_unless_it_was_used(world: World, *, used: bool) -> None:
    """A cancellation cannot stop an SDK that is at its Commit: the app learns of the file, as late."""
    session = world.begin_now()
    world.store.cancel_upload("alice", session.upload_id, now=int(world.clock()))
    if used:
        world.keep(token_of(session))

    world.reconcile(after=SESSION_SECONDS)

    told = [(event["type"], event["data"]["verdict"]) for event in world.told()]
    assert told == ([("upload.completed", "late")] if used else [])
    assert world.state(session) is (UploadState.UPLOADED if used else UploadState.CANCELLED)
    assert world.checks() == {}


@pytest.mark.parametrize(
    ("passed", "meanwhile"),
    [(SESSION_SECONDS, "before the end"), (QUARTER, "in the call"), (SESSION_SECONDS, "in the call")],
)
def test_upload_that_is_used_while_it_is_checked_does_not_expire(
    world: World, passed: int, meanwhile: str
) -> None:
    """The record is read again after VOD was asked: the next check is that of the task flow."""
    session = world.begin_now()
    world.clock.move(passed)
    run = world.reconciliation()

    def let_the_event_come() -> str:
        world.ingest(uploaded(token_of(session), task_id=TASK_ID))
        return new_lease()

    if meanwhile == "in the call":
        world.vod.after_call = let_the_event_come
    else:
        run = replace(run, new_lease=let_the_event_come)

    assert run.run() == {"checked": 1, "expired": 0}
    assert world.state(session) is UploadState.PROCESSING
    assert world.checks() == {session.upload_id: world.clock() + TASK_FLOW_CHECK_SECONDS}
    assert len(world.records()) == 1


def test_second_file_under_one_session_is_found_as_replayed(world: World) -> None:
    """Whoever used the signature again is found too: the first file is the upload's, the other replayed."""
    token = token_of(world.begin_now())
    for file_id in (FILE_ID, OTHER_FILE_ID):
        world.keep(token, file_id=file_id)

    assert world.reconcile(after=QUARTER) == {"checked": 1, "reconciled": 2, "expired": 0}
    assert sorted((event["type"], event["data"]["fileId"]) for event in world.told()) == [
        ("upload.completed", FILE_ID),
        ("upload.replayed", OTHER_FILE_ID),
    ]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "order-7781",
        "vuf1.W10.c2lnbmF0dXJl",
        seal(UploadContext("01", "alice"), keys=(CONTEXT_KEY,), stage="prod"),
        seal(UploadContext("01", "alice"), keys=("x" * 32,), stage=STAGE),
    ],
    ids=["none", "the app's own", "a broken seal", "another stage", "another key"],
)
def test_files_of_others_are_passed_over(world: World, token: str) -> None:
    """A file without a token of ours is ignored."""
    world.begin_now()
    world.keep(token)

    assert world.reconcile(after=QUARTER) == {"checked": 1, "expired": 0}
    assert world.records() == []


def test_file_of_an_upload_that_is_not_looked_after_now_is_left(world: World) -> None:
    """Files of uploads whose check is not due are ignored: their events may still come."""
    world.begin_now("alice")
    world.clock.move(60)
    world.keep(token_of(world.begin_now("bob")))

    assert world.reconcile(after=QUARTER - 60) == {"checked": 1, "expired": 0}
    assert world.records() == []


@pytest.mark.parametrize(("flow", "state"), [("FINISH", UploadState.READY), ("ABORTED", UploadState.FAILED)])
def test_nothing_of_a_task_flow_is_missed_though_every_event_was(
    world: World, flow: str, state: UploadState
) -> None:
    """The upload is found with the task flow that it started, and an hour later, once, how that has ended.

    A flow that somebody aborted sends no event at all.
    """
    session = world.begin_now(procedure="LongVideoPreset")
    world.keep(token_of(session), flow=flow)

    world.reconcile(after=QUARTER)
    assert world.state(session) is UploadState.PROCESSING
    for _ in range(2):
        world.reconcile(after=TASK_FLOW_CHECK_SECONDS)

    found, ended = world.told()
    assert (found["type"], found["data"]["procedureTaskId"]) == ("upload.completed", TASK_ID)
    assert (ended["type"], ended["data"]["procedure"]["status"]) == ("procedure.finished", flow)
    assert ended["data"]["procedure"]["succeeded"] is (flow == "FINISH")
    assert (world.state(session), world.checks()) == (state, {})
    late = world.ingest(changed(token_of(session), status=flow), "push")
    assert late.journaled.outcome == "duplicate"


def test_upload_is_found_though_its_task_flow_is_not(world: World) -> None:
    """A file that VOD has is beyond doubt, whatever else it fails to tell."""
    world.keep(token_of(world.begin_now(procedure="LongVideoPreset")), flow="FINISH")
    world.vod.failing = {"tasks_of_file"}

    assert world.reconcile(after=QUARTER) == {"checked": 1, "reconciled": 1, "expired": 0}
    assert [event["data"]["procedureTaskId"] for event in world.told()] == [None]


def test_task_flow_that_still_runs_is_asked_about_every_hour(world: World) -> None:
    """A running task flow is checked again every hour."""
    session = world.begin_now()
    world.keep(token_of(session), flow="PROCESSING")
    world.ingest(uploaded(token_of(session), task_id=TASK_ID))

    for _ in range(3):
        assert world.reconcile(after=TASK_FLOW_CHECK_SECONDS) == {"checked": 1, "expired": 0}
        assert world.checks() == {session.upload_id: world.clock() + TASK_FLOW_CHECK_SECONDS}
    assert len(world.records()) == 1


def test_task_flow_that_vod_does_not_know_holds_up_nobody(world: World) -> None:
    """What VOD refuses to tell of one upload is asked again later; the others get their answers now."""
    strange, session = world.begin_now("mallory"), world.begin_now()
    world.ingest(uploaded(token_of(strange), task_id=TASK_ID))
    world.keep(token_of(session))

    figures = world.reconcile(after=TASK_FLOW_CHECK_SECONDS)

    assert figures == {"checked": 2, "reconciled": 1, "expired": 0, "unanswered": 1}
    assert world.checks() == {strange.upload_id: world.clock() + RETRY_SECONDS}


@pytest.mark.parametrize("read_back", ["on", "off"])
@pytest.mark.parametrize("heard_of_end", [True, False])
def test_task_flow_that_vod_has_forgotten_ends_its_upload_once(
    world: World, read_back: str, *, heard_of_end: bool
) -> None:
    """After 72 hours its end cannot be learnt: the app hears that once, and a late event of it as well."""
    world = world.with_settings(READ_BACK=read_back)
    session = world.begin_now()
    world.ingest(uploaded(token_of(session), task_id=TASK_ID))
    began, runs = world.clock(), 0
    while checks := world.checks():
        world.reconcile(after=max(1, checks[session.upload_id] - world.clock()))
        runs += 1

    assert TASK_KEPT_SECONDS <= world.clock() - began <= TASK_KEPT_SECONDS * 13 / 12
    assert runs < 60
    assert world.state(session) is UploadState.FAILED
    if heard_of_end:
        world.ingest(changed(token_of(session)))
        assert world.state(session) is UploadState.READY
    world.run()
    _, end, *late = world.received
    data = end["data"]
    assert (end["type"], data["verified"], data["reconciled"]) == ("procedure.finished", False, True)
    assert (data["fileId"], data["procedureTaskId"]) == (FILE_ID, TASK_ID)
    forgotten = {"status": "FORGOTTEN", "succeeded": False, "message": "", "subtasks": []}
    assert data["procedure"] == forgotten
    assert [event["data"]["procedure"]["succeeded"] for event in late] == [True] * heard_of_end


@pytest.mark.parametrize("known", [True, False])
def test_upload_whose_task_flow_alone_was_heard_of_is_looked_for(world: World, *, known: bool) -> None:
    """The end of a task flow does not stand in for the event of its upload; a file that is gone is left."""
    session = world.begin_now()
    world.ingest(changed(token_of(session)))
    if known:
        world.keep(token_of(session))

    world.reconcile(after=SESSION_SECONDS)

    told = ["procedure.finished", "upload.completed"] if known else ["procedure.finished"]
    assert [event["type"] for event in world.told()] == told
    assert (world.state(session), world.checks()) == (UploadState.READY, {})


def test_event_that_was_verified_too_early_is_rescued(world: World) -> None:
    """Read-backs that did not find the file yet quarantined its event; VOD's own list outweighs that."""
    session = world.begin_now()
    early = world.ingest(uploaded(token_of(session)), "push")
    runs = [world.run(after=delay) for delay in (LEASE_SECONDS, *DELAYS_SECONDS[1 : MAX_ATTEMPTS + 1])]
    assert runs == [{"held": 1}] * MAX_ATTEMPTS + [{"quarantined": 1}]
    world.keep(token_of(session))

    assert world.reconcile(after=QUARTER) == {"checked": 1, "reconciled": 1, "expired": 0}
    [event] = world.told()
    assert (event["id"], event["data"]["verdict"]) == (early.event.event_id, "attributed")
    assert world.state(session) is UploadState.UPLOADED


def test_nothing_ends_while_vod_cannot_be_asked(world: World) -> None:
    """While the API is down no upload expires, and all are checked again in five minutes."""
    session, unused = world.begin_now(), world.begin_now("bob")
    world.keep(token_of(session))
    world.vod.failing = {"uploads_created"}

    assert world.reconcile(after=SESSION_SECONDS) == {"checked": 2, "unanswered": 2}
    again = world.clock() + RETRY_SECONDS
    assert world.checks() == {session.upload_id: again, unused.upload_id: again}
    world.vod.failing = set()
    assert world.reconcile(after=RETRY_SECONDS) == {"checked": 2, "reconciled": 1, "expired": 1}


def test_list_of_files_that_was_cut_short_ends_nothing(world: World) -> None:
    """The time is up after the first page: the upload that is on the second one is not called unused."""
    session = world.begin_now()
    for number in range(SEARCH_PAGE):
        world.keep("order-7781", file_id=f"7{number}")
    world.keep(token_of(session))
    world.vod.after_call = lambda: world.clock.move(60)

    assert world.reconcile(after=SESSION_SECONDS, seconds=53) == {"checked": 1, "unanswered": 1}
    assert world.vod.calls == ["uploads_created"]
    world.vod.after_call = lambda: None
    assert world.reconcile(after=RETRY_SECONDS) == {"checked": 1, "reconciled": 1, "expired": 0}


def test_search_begins_anew_where_vod_lists_no_further(world: World) -> None:
    """Of one search VOD lists 5000 files; the next begins at the time of the last one."""
    session = world.begin_now()
    for number in range(SEARCH_LIMIT + 150):
        world.keep("order-7781", file_id=f"7{number}")
        world.clock.move(1)
    world.keep(token_of(session))

    assert world.reconcile(after=FOUR_HOURS) == {"checked": 1, "reconciled": 1, "expired": 0}
    assert world.find(session).file_id == FILE_ID


def test_task_flows_for_which_the_time_does_not_suffice_stay_due(world: World) -> None:
    """VOD is slow: what was not asked about in this run is asked about in the next."""
    for number, user in enumerate(("alice", "bob", "carol")):
        token, ids = token_of(world.begin_now(user)), {"TaskId": f"task-{number}"}
        flow = changed(token, file_id=f"7{number}")
        flow["ProcedureStateChangeEvent"] |= ids
        world.vod.run(flow)
        world.ingest(uploaded(token, file_id=f"7{number}", task_id=ids["TaskId"]))
    world.vod.after_call = lambda: world.clock.move(5)

    first = world.reconcile(after=TASK_FLOW_CHECK_SECONDS, seconds=8)
    assert first == {"checked": 3, "reconciled": 2, "expired": 0}
    assert world.reconcile() == {"checked": 1, "reconciled": 1, "expired": 0}
    assert world.checks() == {}


def test_without_read_back_vod_is_never_asked(world: World) -> None:
    """READ_BACK=off, no right to call the API: unused uploads end by the clock, and that is all."""
    blind = world.with_settings(READ_BACK="off")
    blind.keep(token_of(blind.begin_now()))
    blind.ingest(uploaded(token_of(blind.begin_now("bob")), task_id=TASK_ID))

    assert blind.reconcile(after=QUARTER) == {"checked": 1, "expired": 0}
    assert blind.reconcile(after=SESSION_SECONDS) == {"checked": 2, "expired": 1}

    assert world.vod.calls == []
    assert [event["type"] for event in blind.told()].count("upload.expired") == 1


def test_store_that_is_down_is_told(world: World) -> None:
    """Nothing is decided without the store; the checks stay due."""
    with pytest.raises(StoreUnavailableError):
        replace(world, redis_url=f"redis://{HOST}:{refused_port()}/0").reconcile()


def test_each_upload_is_looked_for_in_its_own_sub_application(world: World) -> None:
    """Policies can send uploads to several; each is asked once about all that went there, task flows too."""
    for user, sub_app_id in (("alice", None), ("bob", 1500067890), ("carol", 1500067890)):
        world.begin_now(user, vod_sub_app_id=sub_app_id)
    world.reconcile(after=QUARTER)
    vod = world.vod
    assert sorted(vod.applications, key=str) == [1500067890, None]

    token = token_of(world.begin_now("dave", vod_sub_app_id=1500067890))
    world.ingest(uploaded(token, task_id=TASK_ID))
    vod.run(changed(token, status="PROCESSING"))
    vod.calls.clear()
    world.reconcile(after=TASK_FLOW_CHECK_SECONDS)
    assert vod.applications[vod.calls.index("procedure_task") - len(vod.calls)] == 1500067890


def test_task_flow_that_was_to_be_silent_stays_so(world: World) -> None:
    """With taskNotifyMode None the app asked to hear nothing, so VOD is asked for nothing."""
    world.ingest(uploaded(token_of(world.begin_now(task_notify_mode="None")), task_id=TASK_ID))

    assert world.reconcile(after=TASK_FLOW_CHECK_SECONDS) == {"checked": 1, "expired": 0}
    assert world.vod.calls == []


def test_record_that_cannot_be_read_holds_up_no_other(world: World) -> None:
    """An upload whose record is damaged is dropped from the checks; the next one is looked after."""
    damaged, sound = world.begin_now(), world.begin_now()
    with redis.Redis.from_url(world.redis_url, decode_responses=True) as connection:
        [key] = connection.keys(f"*:upload:{damaged.upload_id}")
        connection.hset(key, "issued_at", "no number")

    assert world.reconcile(after=QUARTER)["checked"] == 1
    assert world.state(sound) is UploadState.ISSUED
