"""What the events did not tell: lost ones are found, unused uploads end, silent task flows are asked for."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import redis

from shared.domain.retry_schedule import DELAYS_SECONDS
from shared.domain.session import TASK_FLOW_CHECK_SECONDS, UPLOAD_CHECKS_SECONDS, UploadState
from shared.errors import StoreUnavailableError
from shared.flows.ingest_event import LEASE_SECONDS
from shared.flows.reconcile_uploads import RETRY_SECONDS, SEARCH_LIMIT
from shared.flows.verify_event import MAX_ATTEMPTS
from shared.vod.context_token import UploadContext, seal
from shared.vod_api import SEARCH_PAGE
from tests.shared.loopback_peer import HOST, HttpPeer, refused_port
from tests.shared.service import CONTEXT_KEY, STAGE, Clock, Service, new_lease, token_of
from tests.shared.uploads import (
    FILE_ID,
    OTHER_FILE_ID,
    SESSION_SECONDS,
    TASK_ID,
    changed,
    new_session,
    uploaded,
)
from tests.shared.vod_records import META_DATA, Records

if TYPE_CHECKING:
    from shared.domain.session import UploadSession

QUARTER, HOUR, FOUR_HOURS = UPLOAD_CHECKS_SECONDS


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still until a test moves it."""
    return Clock()


@pytest.fixture
def records() -> Records:
    """Create a VOD that has no files yet."""
    return Records()


@pytest.fixture
def service(valkey_url: str, app: HttpPeer, clock: Clock) -> Service:
    """Return a deployment with an empty store."""
    return Service(valkey_url, {"READ_BACK": "on", "APP_WEBHOOK_URL": app.url}, clock, clock.move)


def begin(service: Service, user: str = "alice", **changes: Any) -> UploadSession:  # noqa: ANN401  # of a grant
    """Begin an upload now."""
    session = new_session(user, issued_at=int(service.clock()))
    return service.begin(replace(session, grant=replace(session.grant, **changes)))


def upload(service: Service, records: Records, token: str, *, file_id: str = FILE_ID, flow: str = "") -> str:
    """Have VOD keep a file, and its task flow if there is one; the event about it is lost."""
    records.kept[file_id], records.created[file_id] = token, service.clock()
    if flow:
        records.run(changed(token, status=flow, file_id=file_id))
    return file_id


def received(app: HttpPeer, service: Service) -> list[dict[str, Any]]:
    """Deliver what is due, and return what the app received."""
    service.delivery_run().run()
    return [json.loads(request.body) for request in app.received]


def test_lost_push_is_found_and_put_in(
    service: Service, records: Records, app: HttpPeer, clock: Clock
) -> None:
    """All three pushes lost: a quarter of an hour later the app gets the event, marked as reconciled.

    What comes after all is a copy of it: an app that got either needs no other.
    """
    session = begin(service)
    file_id = upload(service, records, token_of(session))

    clock.move(QUARTER - 1)
    assert service.reconciliation(records).run() == {"checked": 0}
    clock.move(1)
    assert service.reconciliation(records).run() == {"checked": 1, "reconciled": 1, "expired": 0}

    [event] = received(app, service)
    content = event["data"]
    assert (event["type"], content["fileId"], content["uploader"]) == ("upload.completed", file_id, "alice")
    assert (content["reconciled"], content["verified"], content["verdict"]) == (True, True, "attributed")
    assert content["size"] == META_DATA["Size"]
    assert service.state(session) is UploadState.UPLOADED
    assert service.checks() == {}
    late = service.ingest(uploaded(token_of(session), file_id=file_id), "push")
    assert (late.journaled.outcome, late.event.event_id) == ("duplicate", event["id"])


def test_event_that_did_come_is_not_put_in_again(service: Service, records: Records, clock: Clock) -> None:
    """An upload whose event came is not checked any more."""
    session = begin(service)
    service.ingest(uploaded(token_of(session), file_id=upload(service, records, token_of(session))))
    clock.move(QUARTER)

    assert service.reconciliation(records).run() == {"checked": 0}
    assert len(service.records()) == 1


def test_unused_upload_is_looked_after_four_times_and_ends(
    service: Service, records: Records, app: HttpPeer, clock: Clock
) -> None:
    """After 15 min, 1 h, 4 h and at its end VOD is asked; then it expires, and the app is told once."""
    session = begin(service)
    began = clock()

    for at, following in ((QUARTER, HOUR), (HOUR, FOUR_HOURS), (FOUR_HOURS, SESSION_SECONDS)):
        clock.now = began + at
        assert service.reconciliation(records).run() == {"checked": 1, "expired": 0}
        assert service.checks() == {session.upload_id: began + following}
        assert service.reconciliation(records).run() == {"checked": 0}
    clock.now = began + SESSION_SECONDS
    assert service.reconciliation(records).run() == {"checked": 1, "expired": 1}

    assert records.calls == ["uploads_created"] * 4
    assert service.checks() == {}
    assert service.state(session) is UploadState.EXPIRED
    [event] = received(app, service)
    assert (event["type"], event["data"]["uploadId"]) == ("upload.expired", session.upload_id)


def test_overlapping_runs_end_each_upload_once(
    service: Service, records: Records, app: HttpPeer, clock: Clock
) -> None:
    """Two timers at once: one event for each unused upload."""
    sessions = [begin(service, f"user-{number}") for number in range(12)]
    clock.move(SESSION_SECONDS)

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(replace(service).reconciliation(records).run) for _ in range(2)]
        figures = [run.result() for run in runs]

    assert sum(figure.get("expired", 0) for figure in figures) == 12
    assert sorted(event["data"]["uploadId"] for event in received(app, service)) == sorted(
        session.upload_id for session in sessions
    )
    assert service.checks() == {}


@pytest.mark.parametrize("used", [False, True])
def test_cancelled_upload_ends_silently_unless_it_was_used(
    service: Service, records: Records, app: HttpPeer, clock: Clock, *, used: bool
) -> None:
    """A cancellation cannot stop an SDK that is at its Commit: the app learns of the file, as late."""
    session = begin(service)
    service.store.cancel_upload("alice", session.upload_id, now=int(clock()))
    if used:
        upload(service, records, token_of(session))
    clock.move(SESSION_SECONDS)

    service.reconciliation(records).run()

    told = [(event["type"], event["data"]["verdict"]) for event in received(app, service)]
    assert told == ([("upload.completed", "late")] if used else [])
    assert service.state(session) is (UploadState.UPLOADED if used else UploadState.CANCELLED)
    assert service.checks() == {}


def test_upload_that_is_used_while_it_ends_does_not_expire(
    service: Service, records: Records, clock: Clock
) -> None:
    """An event that comes between the last check and the end prevents the expiry."""
    session = begin(service)
    clock.move(SESSION_SECONDS)

    def let_the_event_come() -> str:
        service.ingest(uploaded(token_of(session), task_id=TASK_ID))
        return new_lease()

    run = replace(service.reconciliation(records), new_lease=let_the_event_come)

    assert run.run() == {"checked": 1, "expired": 0}
    assert service.state(session) is UploadState.PROCESSING
    assert service.checks() == {session.upload_id: clock() + TASK_FLOW_CHECK_SECONDS}
    assert len(service.records()) == 1


@pytest.mark.parametrize("passed", [QUARTER, SESSION_SECONDS])
def test_upload_that_is_used_while_vod_is_asked_is_looked_after_as_such(
    service: Service, records: Records, clock: Clock, passed: int
) -> None:
    """The record is read again after VOD was asked: the next check is that of the task flow."""
    session = begin(service)
    clock.move(passed)

    def let_the_event_come() -> None:
        service.ingest(uploaded(token_of(session), task_id=TASK_ID))

    records.after_call = let_the_event_come

    assert service.reconciliation(records).run() == {"checked": 1, "expired": 0}
    assert service.state(session) is UploadState.PROCESSING
    assert service.checks() == {session.upload_id: clock() + TASK_FLOW_CHECK_SECONDS}


def test_second_file_under_one_session_is_found_as_replayed(
    service: Service, records: Records, app: HttpPeer, clock: Clock
) -> None:
    """Whoever used the signature again is found too: the first file is the upload's, the other replayed."""
    session = begin(service)
    for file_id in (FILE_ID, OTHER_FILE_ID):
        upload(service, records, token_of(session), file_id=file_id)
    clock.move(QUARTER)

    assert service.reconciliation(records).run() == {"checked": 1, "reconciled": 2, "expired": 0}
    assert sorted((event["type"], event["data"]["fileId"]) for event in received(app, service)) == [
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
def test_files_of_others_are_passed_over(
    service: Service, records: Records, clock: Clock, token: str
) -> None:
    """A file without a token of ours is ignored."""
    begin(service)
    upload(service, records, token)
    clock.move(QUARTER)

    assert service.reconciliation(records).run() == {"checked": 1, "expired": 0}
    assert service.records() == []


def test_file_of_an_upload_that_is_not_looked_after_now_is_left(
    service: Service, records: Records, clock: Clock
) -> None:
    """Files of uploads whose check is not due are ignored: their events may still come."""
    begin(service, "alice")
    clock.move(60)
    upload(service, records, token_of(begin(service, "bob")))
    clock.move(QUARTER - 60)

    assert service.reconciliation(records).run() == {"checked": 1, "expired": 0}
    assert service.records() == []


def test_nothing_of_a_task_flow_is_missed_though_every_event_was(
    service: Service, records: Records, app: HttpPeer, clock: Clock
) -> None:
    """The upload is found with the task flow that it started, and an hour later how that has ended."""
    session = begin(service, procedure="LongVideoPreset")
    upload(service, records, token_of(session), flow="FINISH")

    clock.move(QUARTER)
    service.reconciliation(records).run()
    found = service.state(session)
    clock.move(TASK_FLOW_CHECK_SECONDS)
    service.reconciliation(records).run()

    told = [(event["type"], event["data"]["procedureTaskId"]) for event in received(app, service)]
    assert told == [("upload.completed", TASK_ID), ("procedure.finished", TASK_ID)]
    assert (found, service.state(session)) == (UploadState.PROCESSING, UploadState.READY)
    assert service.checks() == {}
    late = service.ingest(changed(token_of(session)), "push")
    assert late.journaled.outcome == "duplicate"


def test_aborted_task_flow_ends_its_upload_once(
    service: Service, records: Records, app: HttpPeer, clock: Clock
) -> None:
    """A flow that somebody ended sends no event: the upload fails, for good, and the app hears it once."""
    session = begin(service, procedure="LongVideoPreset")
    upload(service, records, token_of(session), flow="ABORTED")

    clock.move(QUARTER)
    service.reconciliation(records).run()
    for _ in range(2):
        clock.move(TASK_FLOW_CHECK_SECONDS)
        service.reconciliation(records).run()

    events = received(app, service)
    assert [event["type"] for event in events] == ["upload.completed", "procedure.finished"]
    assert events[1]["data"]["procedure"]["status"] == "ABORTED"
    assert events[1]["data"]["procedure"]["succeeded"] is False
    assert service.state(session) is UploadState.FAILED
    assert service.checks() == {}


def test_upload_is_found_though_its_task_flow_is_not(
    service: Service, records: Records, app: HttpPeer, clock: Clock
) -> None:
    """A file that VOD has is beyond doubt, whatever else it fails to tell."""
    upload(service, records, token_of(begin(service, procedure="LongVideoPreset")), flow="FINISH")
    records.failing = {"tasks_of_file"}
    clock.move(QUARTER)

    assert service.reconciliation(records).run() == {"checked": 1, "reconciled": 1, "expired": 0}
    assert [event["data"]["procedureTaskId"] for event in received(app, service)] == [None]


def test_task_flow_that_still_runs_is_asked_about_every_hour(
    service: Service, records: Records, clock: Clock
) -> None:
    """A running task flow is checked again every hour."""
    session = begin(service)
    upload(service, records, token_of(session), flow="PROCESSING")
    service.ingest(uploaded(token_of(session), task_id=TASK_ID))

    for _ in range(3):
        clock.move(TASK_FLOW_CHECK_SECONDS)
        assert service.reconciliation(records).run() == {"checked": 1, "expired": 0}
        assert service.checks() == {session.upload_id: clock() + TASK_FLOW_CHECK_SECONDS}
    assert len(service.records()) == 1


def test_task_flow_that_vod_does_not_know_holds_up_nobody(
    service: Service, records: Records, clock: Clock
) -> None:
    """What VOD refuses to tell of one upload is asked again later; the others get their answers now."""
    strange, session = begin(service, "mallory"), begin(service)
    service.ingest(uploaded(token_of(strange), task_id=TASK_ID))
    upload(service, records, token_of(session))
    clock.move(TASK_FLOW_CHECK_SECONDS)

    figures = service.reconciliation(records).run()

    assert figures == {"checked": 2, "reconciled": 1, "expired": 0, "unanswered": 1}
    assert service.checks() == {strange.upload_id: clock() + RETRY_SECONDS}


@pytest.mark.parametrize("known", [True, False])
def test_upload_whose_task_flow_alone_was_heard_of_is_looked_for(
    service: Service, records: Records, app: HttpPeer, clock: Clock, *, known: bool
) -> None:
    """The end of a task flow does not stand in for the event of its upload; a file that is gone is left."""
    session = begin(service)
    service.ingest(changed(token_of(session)))
    if known:
        upload(service, records, token_of(session))
    clock.move(SESSION_SECONDS)

    service.reconciliation(records).run()

    told = ["procedure.finished", "upload.completed"] if known else ["procedure.finished"]
    assert [event["type"] for event in received(app, service)] == told
    assert (service.state(session), service.checks()) == (UploadState.READY, {})


def test_event_that_was_verified_too_early_is_rescued(
    service: Service, records: Records, app: HttpPeer, clock: Clock
) -> None:
    """Read-backs that did not find the file yet quarantined its event; VOD's own list outweighs that."""
    session = begin(service)
    early = service.ingest(uploaded(token_of(session)), "push")
    deliverer = replace(service.delivery_run(seconds=10**6), read_back=lambda: records)
    runs = []
    for delay in (LEASE_SECONDS, *DELAYS_SECONDS[1 : MAX_ATTEMPTS + 1]):
        clock.move(delay)
        runs.append(deliverer.run())
    assert runs == [{"held": 1}] * MAX_ATTEMPTS + [{"quarantined": 1}]
    upload(service, records, token_of(session))
    clock.move(QUARTER)

    assert service.reconciliation(records).run() == {"checked": 1, "reconciled": 1, "expired": 0}
    [event] = received(app, service)
    assert (event["id"], event["data"]["verdict"]) == (early.event.event_id, "attributed")
    assert service.state(session) is UploadState.UPLOADED


def test_nothing_ends_while_vod_cannot_be_asked(service: Service, records: Records, clock: Clock) -> None:
    """While the API is down no upload expires, and all are checked again in five minutes."""
    session, unused = begin(service), begin(service, "bob")
    upload(service, records, token_of(session))
    clock.move(SESSION_SECONDS)
    records.failing = {"uploads_created"}

    assert service.reconciliation(records).run() == {"checked": 2, "unanswered": 2}
    again = clock() + RETRY_SECONDS
    assert service.checks() == {session.upload_id: again, unused.upload_id: again}
    clock.move(RETRY_SECONDS)
    records.failing = set()
    assert service.reconciliation(records).run() == {"checked": 2, "reconciled": 1, "expired": 1}


def test_list_of_files_that_was_cut_short_ends_nothing(
    service: Service, records: Records, clock: Clock
) -> None:
    """The time is up after the first page: the upload that is on the second one is not called unused."""
    session = begin(service)
    for number in range(SEARCH_PAGE):
        upload(service, records, "order-7781", file_id=f"7{number}")
    upload(service, records, token_of(session))
    clock.move(SESSION_SECONDS)
    records.after_call = lambda: clock.move(60)

    assert service.reconciliation(records, seconds=53).run() == {"checked": 1, "unanswered": 1}
    assert records.calls == ["uploads_created"]
    records.after_call = lambda: None
    clock.move(RETRY_SECONDS)
    assert service.reconciliation(records).run() == {"checked": 1, "reconciled": 1, "expired": 0}


def test_search_begins_anew_where_vod_lists_no_further(
    service: Service, records: Records, clock: Clock
) -> None:
    """Of one search VOD lists 5000 files; the next begins at the time of the last one."""
    session = begin(service)
    for number in range(SEARCH_LIMIT + 150):
        upload(service, records, "order-7781", file_id=f"7{number}")
        clock.move(1)
    upload(service, records, token_of(session))
    clock.move(FOUR_HOURS)

    assert service.reconciliation(records).run() == {"checked": 1, "reconciled": 1, "expired": 0}
    assert service.find(session).file_id == FILE_ID


def test_task_flows_for_which_the_time_does_not_suffice_stay_due(
    service: Service, records: Records, clock: Clock
) -> None:
    """VOD is slow: what was not asked about in this run is asked about in the next."""
    for number, user in enumerate(("alice", "bob", "carol")):
        token, ids = token_of(begin(service, user)), {"TaskId": f"task-{number}"}
        flow: dict[str, Any] = changed(token, file_id=f"7{number}")
        flow["ProcedureStateChangeEvent"] |= ids
        records.run(flow)
        service.ingest(uploaded(token, file_id=f"7{number}", task_id=ids["TaskId"]))
    clock.move(TASK_FLOW_CHECK_SECONDS)
    records.after_call = lambda: clock.move(5)

    assert service.reconciliation(records, seconds=8).run() == {"checked": 3, "reconciled": 2, "expired": 0}
    assert service.reconciliation(records).run() == {"checked": 1, "reconciled": 1, "expired": 0}
    assert service.checks() == {}


def test_without_read_back_vod_is_never_asked(
    service: Service, records: Records, app: HttpPeer, clock: Clock
) -> None:
    """READ_BACK=off, no right to call the API: unused uploads end by the clock, and that is all."""
    blind = replace(service, changes={**service.changes, "READ_BACK": "off"})
    upload(service, records, token_of(begin(blind)))
    blind.ingest(uploaded(token_of(begin(blind, "bob")), task_id=TASK_ID))

    clock.move(QUARTER)
    assert blind.reconciliation(records).run() == {"checked": 1, "expired": 0}
    clock.move(SESSION_SECONDS)
    assert blind.reconciliation(records).run() == {"checked": 2, "expired": 1}

    assert records.calls == []
    assert [event["type"] for event in received(app, blind)].count("upload.expired") == 1


def test_store_that_is_down_is_told(service: Service, records: Records) -> None:
    """Nothing is decided without the store; the checks stay due."""
    down = replace(service, redis_url=f"redis://{HOST}:{refused_port()}/0")

    with pytest.raises(StoreUnavailableError):
        down.reconciliation(records).run()


def test_each_upload_is_looked_for_in_its_own_sub_application(
    service: Service, records: Records, clock: Clock
) -> None:
    """Policies can send uploads to several; each is asked once about all that went there, task flows too."""
    for user, sub_app_id in (("alice", None), ("bob", 1500067890), ("carol", 1500067890)):
        begin(service, user, vod_sub_app_id=sub_app_id)
    clock.move(QUARTER)
    service.reconciliation(records).run()
    assert sorted(records.applications, key=str) == [1500067890, None]

    session = begin(service, "dave", vod_sub_app_id=1500067890)
    service.ingest(uploaded(token_of(session), task_id=TASK_ID))
    records.run(changed(token_of(session), status="PROCESSING"))
    records.calls.clear()
    clock.move(TASK_FLOW_CHECK_SECONDS)
    service.reconciliation(records).run()
    assert records.applications[records.calls.index("procedure_task") - len(records.calls)] == 1500067890


def test_task_flow_that_was_to_be_silent_stays_so(service: Service, records: Records, clock: Clock) -> None:
    """With taskNotifyMode None the app asked to hear nothing, so VOD is asked for nothing."""
    session = begin(service, task_notify_mode="None")
    service.ingest(uploaded(token_of(session), task_id=TASK_ID))
    clock.move(TASK_FLOW_CHECK_SECONDS)

    assert service.reconciliation(records).run() == {"checked": 1, "expired": 0}
    assert records.calls == []


def test_record_that_cannot_be_read_holds_up_no_other(
    service: Service, records: Records, clock: Clock
) -> None:
    """An upload whose record is damaged is dropped from the checks; the next one is looked after."""
    damaged, sound = begin(service), begin(service)
    with redis.Redis.from_url(service.redis_url, decode_responses=True) as connection:
        [key] = connection.keys(f"*:upload:{damaged.upload_id}")
        connection.hset(key, "issued_at", "no number")
    clock.move(QUARTER)

    assert service.reconciliation(records).run()["checked"] == 1
    assert service.state(sound) is UploadState.ISSUED
