"""Unused uploads end, and silent task flows are asked for; lost uploads: test_tail_uploads.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.domain.session import RETRY_SECONDS, TASK_FLOW_CHECK_SECONDS, TASK_KEPT_SECONDS, UploadState
from shared.errors import StoreUnavailableError
from shared.flows.tail_uploads import AHEAD_SECONDS, FIRST_PASS_SECONDS, INDEX_SECONDS
from tests.shared.loopback_peer import HOST, refused_port
from tests.shared.service import new_lease, token_of
from tests.shared.uploads import FILE_ID, SESSION_SECONDS, TASK_ID, changed, uploaded

if TYPE_CHECKING:
    import redis

    from tests.shared.flows.world import World

LATEST_END = SESSION_SECONDS + FIRST_PASS_SECONDS
"""When an upload has ended and VOD's list was read until its end: seconds after its begin."""


def test_unused_upload_ends_once_vods_list_was_read_until_its_end(world: World) -> None:
    """Its file could still be listed; then it expires, and the app is told once."""
    session = world.begin_now()
    assert world.checks() == {session.upload_id: session.ends_at}

    assert world.reconcile(after=SESSION_SECONDS) == {"checked": 1}
    assert world.checks() == {session.upload_id: session.ends_at + INDEX_SECONDS - 1}
    assert world.reconcile(after=INDEX_SECONDS - 1) == {"checked": 1, "expired": 1}

    assert (world.checks(), world.state(session)) == ({}, UploadState.EXPIRED)
    [event] = world.told()
    assert (event["type"], event["data"]["uploadId"]) == ("upload.expired", session.upload_id)


@pytest.mark.parametrize("used", [False, True])
def test_cancelled_upload_ends_silently_unless_it_was_used(world: World, *, used: bool) -> None:
    """A cancellation cannot stop an SDK that is at its Commit: the app learns of the file, as late."""
    world.reconcile()
    session = world.begin_now()
    world.store.cancel_upload("alice", session.upload_id, now=int(world.clock()))
    if used:
        world.keep(token_of(session))

    world.reconcile(after=LATEST_END)

    told = [(event["type"], event["data"]["verdict"]) for event in world.told()]
    assert told == ([("upload.completed", "late")] if used else [])
    assert world.state(session) is (UploadState.UPLOADED if used else UploadState.CANCELLED)
    assert world.checks() == {}


@pytest.mark.parametrize("meanwhile", ["before the end", "in the call"])
def test_upload_that_is_used_while_it_is_checked_does_not_expire(world: World, meanwhile: str) -> None:
    """The record is read again after VOD was asked: the next check is that of the task flow."""
    session = world.begin_now()
    world.clock.move(LATEST_END)
    run = world.reconciliation()

    def let_the_event_come() -> str:
        world.ingest(uploaded(token_of(session), task_id=TASK_ID))
        return new_lease()

    if meanwhile == "in the call":
        world.vod.after_call = let_the_event_come
    else:
        run = run._replace(new_lease=let_the_event_come)

    assert run.run()["expired"] == 0
    assert world.state(session) is UploadState.PROCESSING
    assert world.checks() == {session.upload_id: world.clock() + TASK_FLOW_CHECK_SECONDS}
    assert len(world.records()) == 1


@pytest.mark.parametrize("has_flow", [False, True])
def test_upload_that_is_erased_while_it_is_checked_holds_up_no_other(
    world: World, server: redis.Redis, *, has_flow: bool
) -> None:
    """The run goes on, and the next one drops its check."""
    for user, status in (("bob", "PROCESSING"), ("carol", "FINISH")):
        session = world.begin_now(user)
        if has_flow:
            flow = changed(token_of(session), status=status, file_id=user)
            flow["ProcedureStateChangeEvent"]["TaskId"] = f"{user}'s"
            world.vod.run(flow)
            world.ingest(uploaded(token_of(session), file_id=user, task_id=f"{user}'s"))

    def erase() -> None:
        for key in server.keys("*:upload:*"):
            if server.hget(key, "user_id") == "bob":
                server.delete(key)

    world.vod.after_call = erase
    figures = world.reconcile(after=LATEST_END)

    assert figures == {"checked": 2, "reconciled" if has_flow else "expired": 1}
    assert world.reconcile() == {}


@pytest.mark.parametrize(("flow", "state"), [("FINISH", UploadState.READY), ("ABORTED", UploadState.FAILED)])
def test_nothing_of_a_task_flow_is_missed_though_every_event_was(
    world: World, flow: str, state: UploadState
) -> None:
    """The upload is found with the task flow that it started, and an hour later, once, how that has ended.

    A flow that somebody aborted sends no event at all.
    """
    session = world.begin_now(procedure="LongVideoPreset")
    world.keep(token_of(session), flow=flow)

    world.reconcile(after=FIRST_PASS_SECONDS)
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

    assert world.reconcile(after=FIRST_PASS_SECONDS) == {"listed": 1, "reconciled": 1}
    assert [event["data"]["procedureTaskId"] for event in world.told()] == [None]


def test_task_flow_that_still_runs_is_asked_about_every_hour(world: World) -> None:
    """A running task flow is checked again every hour."""
    session = world.begin_now()
    world.keep(token_of(session), flow="PROCESSING")
    world.ingest(uploaded(token_of(session), task_id=TASK_ID))

    for _ in range(3):
        assert world.reconcile(after=TASK_FLOW_CHECK_SECONDS)["checked"] == 1
        assert world.checks() == {session.upload_id: world.clock() + TASK_FLOW_CHECK_SECONDS}
    assert len(world.records()) == 1


def test_task_flow_that_vod_does_not_know_holds_up_nobody(world: World) -> None:
    """What VOD refuses to tell of one upload is asked again later; the others get their answers now."""
    strange, session = world.begin_now("mallory"), world.begin_now()
    world.ingest(uploaded(token_of(strange), file_id="71", task_id="task-unknown"))
    world.ingest(uploaded(token_of(session), task_id=TASK_ID))
    world.vod.run(changed(token_of(session)))

    figures = world.reconcile(after=TASK_FLOW_CHECK_SECONDS)

    assert figures == {"checked": 2, "reconciled": 1, "unanswered": 1}
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
    world.reconcile()
    session = world.begin_now()
    world.ingest(changed(token_of(session)))
    if known:
        world.keep(token_of(session))

    world.reconcile(after=LATEST_END)

    told = ["procedure.finished", "upload.completed"] if known else ["procedure.finished"]
    assert [event["type"] for event in world.told()] == told
    assert (world.state(session), world.checks()) == (UploadState.READY, {})


def test_nothing_ends_while_vod_cannot_be_asked(world: World) -> None:
    """While the API is down no upload expires; how long the lists were not read is a figure."""
    session, unused = world.begin_now(), world.begin_now("bob")
    world.keep(token_of(session))
    assert world.reconcile() == {}
    world.vod.failing = {"uploads_created"}

    figures = world.reconcile(after=LATEST_END)
    assert (figures["checked"], figures["unanswered"]) == (2, 2)
    assert figures["behindSeconds"] == LATEST_END - AHEAD_SECONDS - 1
    assert len(world.checks()) == 2
    world.vod.failing = set()
    figures = world.reconcile(after=6 * 3600)
    assert (figures["checked"], figures["reconciled"], figures["expired"]) == (2, 1, 1)
    assert (world.state(session), world.state(unused)) == (UploadState.UPLOADED, UploadState.EXPIRED)


def test_task_flows_for_which_the_time_does_not_suffice_stay_due(world: World) -> None:
    """VOD is slow: what was not asked about in this run is asked about in the next."""
    for number, user in enumerate(("alice", "bob", "carol")):
        token, ids = token_of(world.begin_now(user)), {"TaskId": f"task-{number}"}
        flow = changed(token, file_id=f"7{number}")
        flow["ProcedureStateChangeEvent"] |= ids
        world.vod.run(flow)
        world.ingest(uploaded(token, file_id=f"7{number}", task_id=ids["TaskId"]))
    world.reconcile(after=TASK_FLOW_CHECK_SECONDS - 1)
    world.vod.after_call = lambda: world.clock.move(5)

    assert world.reconcile(after=1, seconds=8) == {"checked": 3, "reconciled": 2}
    assert world.reconcile() == {"checked": 1, "reconciled": 1}
    assert world.checks() == {}


def test_without_read_back_vod_is_never_asked(world: World) -> None:
    """READ_BACK=off, no right to call the API: unused uploads end by the clock, and that is all."""
    blind = world.with_settings(READ_BACK="off")
    blind.keep(token_of(blind.begin_now()))
    blind.ingest(uploaded(token_of(blind.begin_now("bob")), task_id=TASK_ID))

    assert blind.reconcile(after=SESSION_SECONDS) == {"checked": 2, "expired": 1}

    assert world.vod.calls == []
    assert [event["type"] for event in blind.told()].count("upload.expired") == 1


def test_store_that_is_down_is_told(world: World) -> None:
    """Nothing is decided without the store; the checks stay due."""
    with pytest.raises(StoreUnavailableError):
        replace(world, redis_url=f"redis://{HOST}:{refused_port()}/0").reconcile()


def test_task_flow_that_was_to_be_silent_stays_so(world: World) -> None:
    """With taskNotifyMode None the app asked to hear nothing, so VOD is asked for nothing."""
    world.ingest(uploaded(token_of(world.begin_now(task_notify_mode="None")), task_id=TASK_ID))

    assert world.reconcile(after=TASK_FLOW_CHECK_SECONDS) == {"checked": 1}
    assert "procedure_task" not in world.vod.calls
