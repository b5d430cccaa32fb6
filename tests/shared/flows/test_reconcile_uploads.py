from __future__ import annotations

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
import redis
import requests

from local.simulator.faults import Fault
from shared.domain.retry_schedule import DELAYS_SECONDS
from shared.domain.session import TASK_FLOW_CHECK_SECONDS, UPLOAD_CHECKS_SECONDS, UploadState, state_of
from shared.errors import StoreUnavailableError, VodApiError
from shared.flows.ingest_event import LEASE_SECONDS
from shared.flows.reconcile_uploads import RETRY_SECONDS, SEARCH_LIMIT
from shared.flows.verify_event import MAX_ATTEMPTS
from shared.vod.context_token import UploadContext, seal
from shared.vod_api import SEARCH_PAGE
from tests.local.simulator.account import Account, wait_until
from tests.shared.loopback_peer import HOST, HttpPeer, Reply, refused_port
from tests.shared.service import CONTEXT_KEY, STAGE, Clock, Service, new_lease, token_of
from tests.shared.uploads import FILE_ID, SESSION_SECONDS, TASK_ID, changed, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.domain.session import UploadSession
    from shared.flows.reconcile_uploads import Library

QUARTER, HOUR, FOUR_HOURS = UPLOAD_CHECKS_SECONDS
PROCEDURE = "LongVideoPreset"


@pytest.fixture(scope="module")
def served_vod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Serve VOD without a callback URL: every push is lost."""
    with Account(tmp_path_factory.mktemp("vod")) as account:
        yield account


@pytest.fixture
def vod(served_vod: Account) -> Account:
    """Return VOD without media and without faults."""
    served_vod.simulator.faults.set([])
    configure(served_vod, task_flow_step_seconds=0.01)
    with database_of(served_vod) as database:
        database.execute("DELETE FROM media")
    database.close()
    return served_vod


@pytest.fixture
def app() -> Iterator[HttpPeer]:
    """Run an app that accepts every event."""
    with HttpPeer(lambda _request: Reply(204)) as peer:
        yield peer


@pytest.fixture
def clock() -> Clock:
    """Return a clock that starts at the real time, because VOD records when a file came."""
    return Clock(int(time.time()))


@pytest.fixture
def service(valkey_url: str, vod: Account, app: HttpPeer, clock: Clock) -> Service:
    """Return a deployment with an empty store."""
    changes = {"VOD_API_URL": vod.url, "READ_BACK": "on", "APP_WEBHOOK_URL": app.url}
    return Service(valkey_url, changes, clock, clock.move)


def database_of(vod: Account) -> sqlite3.Connection:
    """Open the simulator's database."""
    return sqlite3.connect(vod.settings.folder / "simulator.sqlite3")


def configure(vod: Account, **changes: float) -> None:
    """Change a setting of the simulator while it runs."""
    requests.put(f"{vod.url}/local/simulator/config", json=changes, timeout=10).raise_for_status()


def begin(service: Service, user: str = "alice") -> UploadSession:
    """Begin an upload now."""
    return service.begin(new_session(user, issued_at=int(service.clock())))


def upload(vod: Account, session: UploadSession, *, procedure: str | None = None) -> str:
    """Upload a file with the token of a session; VOD's event about it is lost."""
    token = token_of(session)
    committed = vod.upload(source_context=token, session_context=token, procedure=procedure)
    return str(committed["data"]["fileId"])


def add_foreign_media(vod: Account, count: int) -> None:
    """Add files of other applications, all created a second before the present one."""
    with database_of(vod) as database:
        row = database.execute("SELECT application, created_at, document FROM media").fetchone()
        application, created_at, media = row[0], row[1] - 1, json.loads(row[2])
        for number in range(count):
            document = media | {
                "file_id": f"7{number:018}",
                "source_context": f"order-{number}",
                "created_at": created_at,
            }
            values = (document["file_id"], application, created_at, json.dumps(document))
            database.execute("INSERT INTO media VALUES (?, ?, ?, ?)", values)
    database.close()


def calls_of(vod: Account, action: str) -> int:
    """Return the number of calls of one action so far."""
    return int(vod.counters().get(action, 0))


def received(app: HttpPeer, service: Service) -> list[dict[str, Any]]:
    """Deliver what is due, and return what the app received."""
    service.delivery_run().run()
    return [json.loads(request.body) for request in app.received]


def state(service: Service, session: UploadSession) -> UploadState:
    """Return the state of an upload."""
    return state_of(service.find(session), now=int(service.clock()))


@dataclass
class Watched:
    """VOD's library with a callback after each page."""

    library: Library
    after_page: Callable[[], None]
    offsets: list[int] = field(default_factory=list)

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """Return a page, and call back."""
        self.offsets.append(offset)
        page = self.library.uploads_created(
            after=after,
            before=before,
            offset=offset,
            sub_app_id=sub_app_id,
            timeout_seconds=timeout_seconds,
        )
        self.after_page()
        return page

    def procedure_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object]:
        """Return the state of a task flow, and call back."""
        task = self.library.procedure_task(task_id, sub_app_id=sub_app_id, timeout_seconds=timeout_seconds)
        self.after_page()
        return task

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """Return the tasks about a file."""
        return self.library.tasks_of_file(file_id, sub_app_id=sub_app_id, timeout_seconds=timeout_seconds)


def test_lost_push_is_found_and_put_in(service: Service, vod: Account, app: HttpPeer, clock: Clock) -> None:
    """All three pushes lost: a quarter of an hour later the app gets the event, marked as reconciled."""
    session = begin(service)
    file_id = upload(vod, session)

    clock.move(QUARTER - 1)
    assert service.reconciliation().run() == {"checked": 0}
    clock.move(1)
    assert service.reconciliation().run() == {"checked": 1, "reconciled": 1, "expired": 0}

    [event] = received(app, service)
    content = event["data"]
    assert (event["type"], content["fileId"], content["uploader"]) == ("upload.completed", file_id, "alice")
    assert (content["reconciled"], content["verified"], content["verdict"]) == (True, True, "attributed")
    assert content["mediaUrl"].startswith(vod.url)
    assert content["size"] == len(b"moving pictures")
    assert state(service, session) is UploadState.UPLOADED
    assert service.checks() == {}


def test_push_that_comes_late_is_a_duplicate_of_what_was_found(
    service: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """Both have one webhook id, so that an app that got either needs no other."""
    session = begin(service)
    file_id = upload(vod, session)
    clock.move(QUARTER)
    service.reconciliation().run()

    late = service.ingest(uploaded(token_of(session), file_id=file_id), "push")

    assert late.journaled.outcome == "duplicate"
    assert [event["id"] for event in received(app, service)] == [late.event.event_id]


def test_event_that_did_come_is_not_put_in_again(service: Service, vod: Account, clock: Clock) -> None:
    """An upload whose event came is not checked any more."""
    session = begin(service)
    service.ingest(uploaded(token_of(session), file_id=upload(vod, session)))
    clock.move(QUARTER)

    assert service.reconciliation().run() == {"checked": 0}
    assert len(service.records()) == 1


def test_unused_upload_is_looked_after_four_times_and_ends(
    service: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """After 15 min, 1 h, 4 h and at its end VOD is asked; then it expires, and the app is told once."""
    session = begin(service)
    began, searches = clock(), calls_of(vod, "SearchMedia")

    for at, following in ((QUARTER, HOUR), (HOUR, FOUR_HOURS), (FOUR_HOURS, SESSION_SECONDS)):
        clock.now = began + at
        assert service.reconciliation().run() == {"checked": 1, "expired": 0}
        assert service.checks() == {session.upload_id: began + following}
        assert service.reconciliation().run() == {"checked": 0}
    clock.now = began + SESSION_SECONDS
    assert service.reconciliation().run() == {"checked": 1, "expired": 1}

    assert calls_of(vod, "SearchMedia") - searches == 4
    assert service.checks() == {}
    assert state(service, session) is UploadState.EXPIRED
    [event] = received(app, service)
    assert event["type"] == "upload.expired"
    assert event["data"] == {
        "uploadId": session.upload_id,
        "uploader": "alice",
        "context": "",
        "sourceContext": None,
        "fileId": None,
        "verdict": "attributed",
        "verified": True,
        "reconciled": False,
        "sequence": 1,
    }


def test_overlapping_runs_end_each_upload_once(service: Service, app: HttpPeer, clock: Clock) -> None:
    """Two timers at once: one event for each unused upload."""
    sessions = [begin(service, f"user-{number}") for number in range(12)]
    clock.move(SESSION_SECONDS)

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(replace(service).reconciliation().run) for _ in range(2)]
        figures = [run.result() for run in runs]

    assert sum(figure.get("expired", 0) for figure in figures) == 12
    assert sorted(event["data"]["uploadId"] for event in received(app, service)) == sorted(
        session.upload_id for session in sessions
    )
    assert service.checks() == {}


def test_cancelled_upload_ends_silently(service: Service, app: HttpPeer, clock: Clock) -> None:
    """A cancelled upload raises no event, and after its end it is not checked any more."""
    session = begin(service)
    service.store.cancel_upload("alice", session.upload_id, now=int(clock()))

    clock.move(SESSION_SECONDS)

    assert service.reconciliation().run() == {"checked": 1, "expired": 0}
    assert service.checks() == {}
    assert received(app, service) == []
    assert state(service, session) is UploadState.CANCELLED


def test_file_of_a_cancelled_upload_is_found_as_well(
    service: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """A cancellation cannot stop an SDK that is at its Commit: the app learns of the file, as late."""
    session = begin(service)
    service.store.cancel_upload("alice", session.upload_id, now=int(clock()))
    upload(vod, session)
    clock.move(QUARTER)

    assert service.reconciliation().run() == {"checked": 1, "reconciled": 1, "expired": 0}
    [event] = received(app, service)
    assert (event["type"], event["data"]["verdict"]) == ("upload.completed", "late")


def test_upload_that_is_used_while_it_ends_does_not_expire(service: Service, clock: Clock) -> None:
    """An event that comes between the last check and the end prevents the expiry."""
    session = begin(service)
    clock.move(SESSION_SECONDS)

    def let_the_event_come() -> str:
        service.ingest(uploaded(token_of(session), task_id=TASK_ID))
        return new_lease()

    run = replace(service.reconciliation(), new_lease=let_the_event_come)

    assert run.run() == {"checked": 1, "expired": 0}
    assert state(service, session) is UploadState.PROCESSING
    assert service.checks() == {session.upload_id: clock() + TASK_FLOW_CHECK_SECONDS}
    assert len(service.records()) == 1


@pytest.mark.parametrize("passed", [QUARTER, FOUR_HOURS, SESSION_SECONDS])
def test_upload_that_is_used_while_vod_is_asked_is_looked_after_as_such(
    service: Service, clock: Clock, passed: int
) -> None:
    """The record is read again after VOD was asked: the next check is that of the task flow."""
    session = begin(service)
    clock.move(passed)

    def let_the_event_come() -> None:
        service.ingest(uploaded(token_of(session), task_id=TASK_ID))

    library = Watched(service.vod_api, let_the_event_come)

    assert service.reconciliation(library).run() == {"checked": 1, "expired": 0}
    assert state(service, session) is UploadState.PROCESSING
    assert service.checks() == {session.upload_id: clock() + TASK_FLOW_CHECK_SECONDS}


def test_second_file_under_one_session_is_found_as_replayed(
    service: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """Whoever used the signature again is found too: the first file is the upload's, the other replayed."""
    session = begin(service)
    file_ids = [upload(vod, session), upload(vod, session)]
    clock.move(QUARTER)

    assert service.reconciliation().run() == {"checked": 1, "reconciled": 2, "expired": 0}
    events = received(app, service)
    assert sorted(event["type"] for event in events) == ["upload.completed", "upload.replayed"]
    assert sorted(event["data"]["fileId"] for event in events) == sorted(file_ids)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="none"),
        pytest.param("order-7781", id="the app's own"),
        pytest.param("vuf1.W10.c2lnbmF0dXJl", id="a broken seal"),
        pytest.param(
            seal(UploadContext("01", "alice"), keys=(CONTEXT_KEY,), stage="prod"), id="another stage"
        ),
        pytest.param(seal(UploadContext("01", "alice"), keys=("x" * 32,), stage=STAGE), id="another key"),
    ],
)
def test_files_of_others_are_passed_over(service: Service, vod: Account, clock: Clock, token: str) -> None:
    """A file without a token of ours is ignored."""
    begin(service)
    vod.upload(source_context=token or None)
    clock.move(QUARTER)

    assert service.reconciliation().run() == {"checked": 1, "expired": 0}
    assert service.records() == []


def test_file_of_an_upload_that_is_not_looked_after_now_is_left(
    service: Service, vod: Account, clock: Clock
) -> None:
    """Files of uploads whose check is not due are ignored: their events may still come."""
    begin(service, "alice")
    clock.move(60)
    other = begin(service, "bob")
    upload(vod, other)
    clock.move(QUARTER - 60)

    assert service.reconciliation().run() == {"checked": 1, "expired": 0}
    assert service.records() == []


def test_task_flow_that_fell_silent_is_asked_about(
    service: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """Its last event lost: an hour later VOD says how it ended, and the app gets that event."""
    session = begin(service)
    file_id = upload(vod, session, procedure=PROCEDURE)
    task_id = task_of(vod, file_id)
    service.ingest(uploaded(token_of(session), file_id=file_id, task_id=task_id))
    wait_for_end(service, task_id)

    clock.move(TASK_FLOW_CHECK_SECONDS - 1)
    assert service.reconciliation().run() == {"checked": 0}
    clock.move(1)
    assert service.reconciliation().run() == {"checked": 1, "reconciled": 1, "expired": 0}

    event = received(app, service)[-1]
    assert (event["type"], event["data"]["reconciled"]) == ("procedure.finished", True)
    assert event["data"]["procedureTaskId"] == task_id
    assert event["data"]["procedure"]["succeeded"]
    assert (state(service, session), service.checks()) == (UploadState.READY, {})
    late = changed(token_of(session), file_id=file_id)
    late["ProcedureStateChangeEvent"] |= {"TaskId": task_id}  # type: ignore[operator]  # a dict inside JSON
    assert service.ingest(late, "push").event.event_id == event["id"]


def begin_with_procedure(service: Service) -> UploadSession:
    """Begin an upload whose signature starts a task flow."""
    session = new_session(issued_at=int(service.clock()))
    return service.begin(replace(session, grant=replace(session.grant, procedure=PROCEDURE)))


def test_nothing_of_a_task_flow_is_missed_though_every_event_was(
    service: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """The upload is found with the task flow that it started, and an hour later how that has ended."""
    session = begin_with_procedure(service)
    task_id = task_of(vod, upload(vod, session, procedure=PROCEDURE))
    wait_for_end(service, task_id)

    clock.move(QUARTER)
    service.reconciliation().run()
    found = state(service, session)
    clock.move(TASK_FLOW_CHECK_SECONDS)
    service.reconciliation().run()

    completed, finished = received(app, service)
    assert (completed["type"], completed["data"]["procedureTaskId"]) == ("upload.completed", task_id)
    assert (finished["type"], finished["data"]["procedureTaskId"]) == ("procedure.finished", task_id)
    assert (found, state(service, session)) == (UploadState.PROCESSING, UploadState.READY)
    assert service.checks() == {}


def test_upload_is_found_though_its_task_flow_is_not(
    service: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """A file that VOD has is beyond doubt, whatever else it fails to tell."""

    @dataclass
    class Silent(Watched):
        def tasks_of_file(
            self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
        ) -> tuple[dict[str, object], ...]:
            """Fail."""
            raise VodApiError(f"{file_id} {sub_app_id} {timeout_seconds}")

    upload(vod, begin_with_procedure(service), procedure=PROCEDURE)
    clock.move(QUARTER)

    figures = service.reconciliation(Silent(service.vod_api, lambda: None)).run()

    assert figures == {"checked": 1, "reconciled": 1, "expired": 0}
    assert [event["data"]["procedureTaskId"] for event in received(app, service)] == [None]


def test_task_flow_that_still_runs_is_asked_about_every_hour(
    service: Service, vod: Account, clock: Clock
) -> None:
    """A running task flow is checked again every hour."""
    configure(vod, task_flow_step_seconds=3600)
    session = begin(service)
    file_id = upload(vod, session, procedure=PROCEDURE)
    service.ingest(uploaded(token_of(session), file_id=file_id, task_id=task_of(vod, file_id)))

    for _ in range(3):
        clock.move(TASK_FLOW_CHECK_SECONDS)
        assert service.reconciliation().run() == {"checked": 1, "expired": 0}
        assert service.checks() == {session.upload_id: clock() + TASK_FLOW_CHECK_SECONDS}
    assert len(service.records()) == 1


def wait_for_end(service: Service, task_id: str) -> None:
    """Wait until VOD has ended a task flow."""
    wait_until(lambda: service.vod_api.procedure_task(task_id, timeout_seconds=5).get("Status") == "FINISH")


def task_of(vod: Account, file_id: str) -> str:
    """Return the task flow that an upload started."""
    with database_of(vod) as database:
        query = "SELECT task_id FROM task_flows WHERE file_id = ?"
        task_id = str(database.execute(query, (file_id,)).fetchone()[0])
    database.close()
    return task_id


def test_task_flow_that_vod_does_not_know_holds_up_nobody(
    service: Service, vod: Account, clock: Clock
) -> None:
    """What VOD refuses to tell of one upload is asked again later; the others get their answers now."""
    strange, session = begin(service, "mallory"), begin(service)
    service.ingest(uploaded(token_of(strange), task_id=TASK_ID))
    upload(vod, session)
    clock.move(TASK_FLOW_CHECK_SECONDS)

    figures = service.reconciliation().run()

    assert figures == {"checked": 2, "reconciled": 1, "expired": 0, "unanswered": 1}
    assert service.checks() == {strange.upload_id: clock() + RETRY_SECONDS}


def test_upload_whose_task_flow_alone_was_heard_of_is_found(
    service: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """The end of a task flow does not stand in for the event of its upload, which the app still misses."""
    session = begin(service)
    file_id = upload(vod, session)
    service.ingest(changed(token_of(session), file_id=file_id))
    clock.move(QUARTER)

    assert service.reconciliation().run() == {"checked": 1, "reconciled": 1, "expired": 0}
    assert [event["type"] for event in received(app, service)] == ["procedure.finished", "upload.completed"]
    assert (state(service, session), service.checks()) == (UploadState.READY, {})


def test_upload_that_only_a_task_flow_was_heard_of_is_left_at_its_end(service: Service, clock: Clock) -> None:
    """If VOD does not know the file any more there is nothing to find, nothing to end, and no more looks."""
    session = begin(service)
    service.ingest(changed(token_of(session)))
    clock.move(SESSION_SECONDS)

    assert service.reconciliation().run() == {"checked": 1, "expired": 0}
    assert service.checks() == {}
    assert state(service, session) is UploadState.READY


def test_event_that_was_verified_too_early_is_rescued(
    service: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """Read-backs that did not find the file yet quarantined its event; VOD's own list outweighs that."""
    session = begin(service)
    with database_of(vod) as database:
        file_id = upload(vod, session)
        database.execute("CREATE TEMP TABLE hidden AS SELECT * FROM media")
        database.execute("DELETE FROM media")
        database.commit()
        early = service.ingest(uploaded(token_of(session), file_id=file_id), "push")
        runs = []
        for delay in (LEASE_SECONDS, *DELAYS_SECONDS[1 : MAX_ATTEMPTS + 1]):
            clock.move(delay)
            runs.append(service.delivery_run().run())
        assert runs == [{"held": 1}] * MAX_ATTEMPTS + [{"quarantined": 1}]
        database.execute("INSERT INTO media SELECT * FROM hidden")
    database.close()
    clock.move(QUARTER)

    assert service.reconciliation().run() == {"checked": 1, "reconciled": 1, "expired": 0}
    [event] = received(app, service)
    assert (event["id"], event["data"]["verdict"]) == (early.event.event_id, "attributed")
    assert state(service, session) is UploadState.UPLOADED


def test_nothing_ends_while_vod_cannot_be_asked(service: Service, vod: Account, clock: Clock) -> None:
    """While the API is down no upload expires, and all are checked again in five minutes."""
    session, unused = begin(service), begin(service, "bob")
    upload(vod, session)
    clock.move(SESSION_SECONDS)
    vod.simulator.faults.set([Fault("SearchMedia", "error")])

    assert service.reconciliation().run() == {"checked": 2, "unanswered": 2}
    again = clock() + RETRY_SECONDS
    assert service.checks() == {session.upload_id: again, unused.upload_id: again}
    clock.move(RETRY_SECONDS)
    assert service.reconciliation().run() == {"checked": 2, "reconciled": 1, "expired": 1}


def test_list_of_files_that_was_cut_short_ends_nothing(service: Service, vod: Account, clock: Clock) -> None:
    """The time is up after the first page: the upload that is on the second one is not called unused."""
    session = begin(service)
    upload(vod, session)
    add_foreign_media(vod, SEARCH_PAGE)
    clock.move(SESSION_SECONDS)
    library = Watched(service.vod_api, lambda: clock.move(60))

    assert service.reconciliation(library, seconds=53).run() == {"checked": 1, "unanswered": 1}
    assert library.offsets == [0]
    assert service.records() == []


def test_list_of_files_may_have_several_pages(service: Service, vod: Account, clock: Clock) -> None:
    """The file is found on whichever page it is."""
    session = begin(service)
    upload(vod, session)
    add_foreign_media(vod, SEARCH_PAGE + 20)
    clock.move(QUARTER)
    library = Watched(service.vod_api, lambda: None)

    assert service.reconciliation(library).run() == {"checked": 1, "reconciled": 1, "expired": 0}
    assert library.offsets == [0, SEARCH_PAGE, SEARCH_PAGE + 21]


class Crowd:
    """A library with more files than one search may list, one a second; VOD refuses larger offsets."""

    def __init__(self, began: int, token: str, count: int) -> None:
        """Create so many files, the last of them with this token."""
        tokens = {count - 1: token}
        self._created = [iso(began + number) for number in range(count)]
        self._media: list[dict[str, object]] = [
            {
                "FileId": f"{FILE_ID}{number}",
                "BasicInfo": {
                    "CreateTime": created,
                    "SourceInfo": {"SourceContext": tokens.get(number, f"order-{number}")},
                },
            }
            for number, created in enumerate(self._created)
        ]

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """Return a page as SearchMedia does (266/31813)."""
        assert timeout_seconds
        assert sub_app_id is None
        if offset + SEARCH_PAGE > SEARCH_LIMIT:
            raise VodApiError("SearchMedia failed: InvalidParameterValue.Offset.")
        pairs = zip(self._created, self._media, strict=True)
        found = [media for created, media in pairs if after <= created <= before]
        return tuple(found[offset : offset + SEARCH_PAGE])

    def procedure_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object]:
        """Fail: there is no task flow."""
        raise VodApiError(f"There is no {task_id} of {sub_app_id} within {timeout_seconds} s.")

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """Return no tasks."""
        assert (bool(file_id), sub_app_id, timeout_seconds > 0) == (True, None, True)
        return ()


def iso(instant: float) -> str:
    """Format a time as VOD does."""
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_search_begins_anew_where_vod_lists_no_further(service: Service, clock: Clock) -> None:
    """Of one search VOD lists 5000 files; the next begins at the time of the last one."""
    session = begin(service)
    crowd = Crowd(int(clock()), token_of(session), SEARCH_LIMIT + 150)
    clock.move(FOUR_HOURS)

    assert service.reconciliation(crowd).run() == {"checked": 1, "reconciled": 1, "expired": 0}
    assert service.find(session).file_id == f"{FILE_ID}{SEARCH_LIMIT + 149}"


def test_task_flows_for_which_the_time_does_not_suffice_stay_due(
    service: Service, vod: Account, clock: Clock
) -> None:
    """VOD is slow: what was not asked about in this run is asked about in the next."""
    sessions = [begin(service, user) for user in ("alice", "bob", "carol")]
    for session in sessions:
        file_id = upload(vod, session, procedure=PROCEDURE)
        service.ingest(uploaded(token_of(session), file_id=file_id, task_id=task_of(vod, file_id)))
    for session in sessions:
        wait_for_end(service, service.find(session).procedure_task_id)
    clock.move(TASK_FLOW_CHECK_SECONDS)
    slow = Watched(service.vod_api, lambda: clock.move(5))

    assert service.reconciliation(slow, seconds=8).run() == {"checked": 3, "reconciled": 2, "expired": 0}
    assert service.reconciliation().run() == {"checked": 1, "reconciled": 1, "expired": 0}
    assert service.checks() == {}


def test_without_read_back_vod_is_never_asked(
    service: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """READ_BACK=off, no right to call the API: unused uploads end by the clock, and that is all."""
    blind = replace(service, changes={**service.changes, "READ_BACK": "off"})
    upload(vod, begin(blind))
    silent = begin(blind, "bob")
    blind.ingest(uploaded(token_of(silent), task_id=TASK_ID))
    searches, details = calls_of(vod, "SearchMedia"), calls_of(vod, "DescribeTaskDetail")

    clock.move(QUARTER)
    assert blind.reconciliation().run() == {"checked": 1, "expired": 0}
    clock.move(SESSION_SECONDS)
    assert blind.reconciliation().run() == {"checked": 2, "expired": 1}

    assert (calls_of(vod, "SearchMedia"), calls_of(vod, "DescribeTaskDetail")) == (searches, details)
    assert [event["type"] for event in received(app, blind)].count("upload.expired") == 1


def test_store_that_is_down_is_told(service: Service) -> None:
    """Nothing is decided without the store; the checks stay due."""
    down = replace(service, redis_url=f"redis://{HOST}:{refused_port()}/0")

    with pytest.raises(StoreUnavailableError):
        down.reconciliation().run()


@dataclass
class Applications:
    """An empty library that records which sub-application it was asked about."""

    asked: list[int | None] = field(default_factory=list)

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """Return nothing."""
        assert (after < before, offset, timeout_seconds > 0) == (True, 0, True)
        self.asked.append(sub_app_id)
        return ()

    def procedure_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object]:
        """Return a running task flow."""
        assert task_id
        assert timeout_seconds > 0
        self.asked.append(sub_app_id)
        return {"Status": "PROCESSING"}

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """Fail: this is not called."""
        raise AssertionError((file_id, sub_app_id, timeout_seconds))


def test_each_upload_is_looked_for_in_its_own_sub_application(service: Service, clock: Clock) -> None:
    """Policies can send uploads to several; each is asked once about all uploads that went there."""
    for user, sub_app_id in (("alice", None), ("bob", 1500067890), ("carol", 1500067890)):
        session = new_session(user, issued_at=int(clock()))
        service.begin(replace(session, grant=replace(session.grant, vod_sub_app_id=sub_app_id)))
    clock.move(UPLOAD_CHECKS_SECONDS[0])
    library = Applications()

    service.reconciliation(library).run()

    assert sorted(library.asked, key=str) == [1500067890, None]


def test_silent_task_flow_is_asked_for_in_its_own_sub_application(service: Service, clock: Clock) -> None:
    """A task flow runs where its file is."""
    session = new_session(issued_at=int(clock()))
    service.begin(replace(session, grant=replace(session.grant, vod_sub_app_id=1500067890)))
    service.ingest(uploaded(token_of(session), task_id=TASK_ID), "pull")
    clock.move(TASK_FLOW_CHECK_SECONDS)
    library = Applications()

    service.reconciliation(library).run()

    assert library.asked == [1500067890]


def test_task_flow_that_was_to_be_silent_stays_so(service: Service, clock: Clock) -> None:
    """With taskNotifyMode None the app asked to hear nothing, so VOD is asked for nothing."""
    session = new_session(issued_at=int(clock()))
    service.begin(replace(session, grant=replace(session.grant, task_notify_mode="None")))
    service.ingest(uploaded(token_of(session), task_id=TASK_ID), "pull")
    clock.move(TASK_FLOW_CHECK_SECONDS)
    library = Applications()

    assert service.reconciliation(library).run() == {"checked": 1, "expired": 0}
    assert library.asked == []


def test_record_that_cannot_be_read_holds_up_no_other(service: Service, clock: Clock) -> None:
    """An upload whose record is damaged is dropped from the checks; the next one is looked after."""
    damaged, sound = begin(service), begin(service)
    with redis.Redis.from_url(service.redis_url, decode_responses=True) as connection:
        [key] = connection.keys(f"*:upload:{damaged.upload_id}")
        connection.hset(key, "issued_at", "no number")
    clock.move(UPLOAD_CHECKS_SECONDS[0])

    assert service.reconciliation(Applications()).run()["checked"] == 1
    assert state(service, sound) is UploadState.ISSUED
