"""VOD's list of media is read on by creation time: what no event told is found, whatever the upload did."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import redis

from shared.domain.list_position import PAGE, SEARCH_LIMIT, ListPosition, TailLease
from shared.domain.retry_schedule import DELAYS_SECONDS
from shared.domain.session import APPLICATION_CHECK_SECONDS, UploadState
from shared.flows.ingest_event import LEASE_SECONDS
from shared.flows.tail_uploads import AHEAD_SECONDS, FIRST_PASS_SECONDS, INDEX_SECONDS, LATER_SECONDS
from shared.flows.verify_event import MAX_ATTEMPTS
from shared.vod.context_token import UploadContext, seal
from tests.shared.service import CONTEXT_KEY, STAGE, token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, SESSION_SECONDS, TASK_ID, new_session, uploaded
from tests.shared.vod_records import META_DATA, Records, iso

if TYPE_CHECKING:
    from tests.shared.flows.world import World
    from tests.shared.service import Clock

SECOND_PASS_SECONDS = FIRST_PASS_SECONDS + SESSION_SECONDS + LATER_SECONDS
OTHER_APPLICATION = 1500067890


def test_lost_push_is_found_at_the_distance_of_the_index(world: World) -> None:
    """All three pushes lost: the app gets the event 45 minutes later at most, marked as reconciled.

    What comes after all is a copy of it: an app that got either needs no other.
    """
    world.reconcile()
    session = world.begin_now()
    file_id = world.keep(token_of(session))

    assert world.reconcile(after=INDEX_SECONDS - 1) == {}
    assert world.reconcile(after=AHEAD_SECONDS + 1) == {"listed": 1, "reconciled": 1}

    [event] = world.told()
    content = event["data"]
    assert (event["type"], content["fileId"], content["uploader"]) == ("upload.completed", file_id, "alice")
    assert (content["reconciled"], content["verified"], content["verdict"]) == (True, True, "attributed")
    assert content["size"] == META_DATA["Size"]
    assert (world.state(session), world.checks()) == (UploadState.UPLOADED, {})
    late = world.ingest(uploaded(token_of(session), file_id=file_id), "push")
    assert (late.journaled.outcome, late.event.event_id) == ("duplicate", event["id"])


def test_lost_push_is_found_whatever_the_clock_of_the_signature(world: World) -> None:
    """The clock of the instance that issued the signature was an hour fast."""
    world.reconcile()
    world.clock.move(3600)
    session = world.begin_now()
    world.clock.move(-3600)
    world.keep(token_of(session))

    assert world.reconcile(after=FIRST_PASS_SECONDS) == {"listed": 1, "reconciled": 1}


@pytest.mark.no_cover  # the tracer takes as long as the test
def test_known_file_is_listed_twice_and_ingested_once(world_of_copies: World) -> None:
    """An upload of which the event came costs two places in pages, and nothing else."""
    world = world_of_copies
    world.reconcile()
    token = token_of(world.begin_now(procedure="LongVideoPreset"))
    world.keep(token, flow="FINISH")
    assert world.deliver(uploaded(token, task_id=TASK_ID)) == "delivered"
    world.vod.calls.clear()
    began, listed = world.clock(), 0

    while world.clock() < began + SECOND_PASS_SECONDS + 3600:
        listed += world.reconcile(after=600).get("listed", 0)

    assert listed == 2
    assert "tasks_of_file" not in world.vod.calls
    assert [record["origin"] for record in world.records() if "uploaded" in record["raw"]] == []


def test_second_file_and_the_file_of_a_cancelled_upload_are_found(world: World) -> None:
    """Whoever used a signature again is found too, although the first file was told long ago."""
    token = token_of(world.begin_now())
    world.keep(token)
    world.push(uploaded(token))
    cancelled = world.begin_now("bob")
    world.store.cancel_upload("bob", cancelled.upload_id, now=int(world.clock()))
    world.clock.move(3600)
    world.keep(token, file_id=OTHER_FILE_ID)
    world.keep(token_of(cancelled), file_id="73")

    assert world.reconcile(after=FIRST_PASS_SECONDS)["reconciled"] == 2
    told = {event["data"]["fileId"]: (event["type"], event["data"]["verdict"]) for event in world.told()}
    assert told == {
        FILE_ID: ("upload.completed", "attributed"),
        OTHER_FILE_ID: ("upload.replayed", "replayed"),
        "73": ("upload.completed", "late"),
    }


@pytest.mark.parametrize(
    "token",
    [
        "",
        "order-7781",
        "vuf1.W10.c2lnbmF0dXJl",
        seal(UploadContext("01M03", "alice"), keys=(CONTEXT_KEY,), stage=STAGE),
    ],
    ids=["none", "the app's own", "a broken seal", "issued long ago"],
)
def test_files_of_others_are_passed_over(world: World, token: str) -> None:
    """A file without a token of ours is ignored, and one of an upload that the journal may have forgotten."""
    world.keep(token)

    assert world.reconcile(after=FIRST_PASS_SECONDS) == {"listed": 1}
    assert world.records() == []


def test_event_that_was_verified_too_early_is_rescued(world: World) -> None:
    """Read-backs that did not find the file yet quarantined its event; VOD's own list outweighs that."""
    session = world.begin_now()
    early = world.ingest(uploaded(token_of(session)), "push")
    runs = [world.run(after=delay) for delay in (LEASE_SECONDS, *DELAYS_SECONDS[1 : MAX_ATTEMPTS + 1])]
    assert runs == [{"held": 1}] * MAX_ATTEMPTS + [{"quarantined": 1}]
    world.keep(token_of(session))

    assert world.reconcile(after=FIRST_PASS_SECONDS)["reconciled"] == 1
    [event] = world.told()
    assert (event["id"], event["data"]["verdict"]) == (early.event.event_id, "attributed")
    assert world.state(session) is UploadState.UPLOADED


@pytest.mark.no_cover  # the tracer takes as long as the test
@pytest.mark.parametrize("hidden", [FIRST_PASS_SECONDS + 1, SESSION_SECONDS + LATER_SECONDS])
def test_file_that_is_listed_late_is_found_by_the_second_pass(world: World, hidden: int) -> None:
    """The index was behind, or CreateTime is that of an Apply whose Commit took until the next day."""
    session = world.begin_now()
    created = world.clock()
    world.reconcile(after=1)
    for _ in range(3):
        world.reconcile(after=hidden / 3)
    world.keep(token_of(session), created=created)

    runs = [world.reconcile(after=600).get("reconciled", 0) for _ in range(SECOND_PASS_SECONDS // 600)]

    assert sum(runs) == 1
    assert world.find(session).file_id == FILE_ID


def test_deletion_between_two_pages_hides_no_file(world: World) -> None:
    """The next page goes on from a time, so that it does not matter how many files were before it."""
    for number in range(3 * PAGE):
        world.keep("order-7781", file_id=f"7{number}", created=world.clock() + number / 3)
    for file_id in ("80", "81"):
        world.keep(token_of(world.begin_now()), file_id=file_id, created=world.clock() + 33)

    def delete_the_first() -> None:
        world.vod.kept.pop(next(iter(world.vod.kept)))

    world.vod.after_call = delete_the_first

    assert world.reconcile(after=FIRST_PASS_SECONDS + PAGE)["reconciled"] == 2


@pytest.mark.no_cover  # the tracer takes as long as the test
@pytest.mark.parametrize(("files", "crowded"), [(SEARCH_LIMIT - 1, 0), (SEARCH_LIMIT + 50, 1)])
def test_many_files_of_one_second_are_skipped_by_an_offset(world: World, files: int, crowded: int) -> None:
    """VOD lists 5000 files of a search; a second with more is counted, and reading goes on behind it."""
    earlier = [world.keep("order-7781", file_id=f"6{n}", created=world.clock() - 1) for n in range(30)]
    for number in range(files - 1):
        world.keep("order-7781", file_id=f"7{number}")
    found = [world.keep(token_of(world.begin_now()), file_id="79"), world.keep(token_of(world.begin_now()))]
    world.vod.created[FILE_ID] += 1

    figures = world.reconcile(after=FIRST_PASS_SECONDS)

    assert figures.get("crowded", 0) == crowded
    assert figures["reconciled"] == len(found) - crowded
    assert figures["listed"] <= len(earlier) + min(files, SEARCH_LIMIT) + 2 * PAGE


@pytest.mark.parametrize("wrong", ["", "yesterday"])
def test_times_that_cannot_be_read_end_in_pages_and_not_in_a_circle(world: World, wrong: str) -> None:
    """Reading goes on by offsets, as in one second."""
    world = replace(world, vod=Undated(wrong))
    for number in range(3 * PAGE):
        world.keep("order-7781", file_id=f"7{number}")

    assert world.reconcile(after=FIRST_PASS_SECONDS)["listed"] == 3 * PAGE


def test_list_that_was_not_read_to_its_end_ends_no_upload_and_goes_on_from_there(world: World) -> None:
    """The time is up after the first page: what is on the second is found by the next run."""
    session = world.begin_now()
    for number in range(PAGE):
        world.keep("order-7781", file_id=f"7{number}", created=world.clock() + number)
    world.keep(token_of(session), created=world.clock() + PAGE)
    world.vod.after_call = lambda: world.clock.move(18)

    cut_short = world.reconcile(after=SESSION_SECONDS, seconds=53)
    assert (cut_short["checked"], cut_short["listed"], "expired" in cut_short) == (1, PAGE, False)
    figures = world.reconcile(seconds=53)
    assert (figures["listed"], figures["reconciled"]) == (2, 1)


def test_run_without_time_for_a_whole_page_ingests_the_rest_in_the_next(world: World) -> None:
    """A page of lost uploads, each of which takes ten seconds: every run brings at least one."""
    for number in range(3):
        token = token_of(world.begin_now(f"user-{number}"))
        world.keep(token, file_id=f"7{number}")
    run = world.reconciliation()
    world.clock.move(FIRST_PASS_SECONDS)

    def take_long() -> str:
        world.clock.move(10)
        return "lease"

    brought = []
    while len(world.records()) < 3:
        run = run._replace(new_lease=take_long, deadline=world.clock() + 53)
        brought.append(run.run()["reconciled"])
    assert brought == [1, 1, 1]


def test_two_runs_at_once_do_not_read_the_same_and_a_killed_one_holds_up_nobody(world: World) -> None:
    """A position is held under a lease, which ends soon after the time of its run."""
    world.keep(token_of(world.begin_now()))
    world.clock.move(FIRST_PASS_SECONDS)
    of_the_other = {}

    def be_killed() -> None:
        world.vod.after_call = lambda: None
        of_the_other.update(world.reconcile())
        raise KeyboardInterrupt

    world.vod.after_call = be_killed
    with pytest.raises(KeyboardInterrupt):
        world.reconcile()

    assert of_the_other == {"behindSeconds": SESSION_SECONDS - FIRST_PASS_SECONDS}
    assert world.reconcile(after=60) == {"listed": 1, "reconciled": 1}


def test_run_that_took_longer_than_its_lease_stops(world: World) -> None:
    """Another run has read on from the same position: its own is the one that counts."""
    for number in range(PAGE + 1):
        world.keep("order-7781", file_id=f"7{number}", created=world.clock() + number)
    world.clock.move(FIRST_PASS_SECONDS + PAGE)

    def be_overtaken() -> None:
        world.vod.after_call = lambda: None
        assert world.reconcile(after=100)["listed"] == PAGE + 2

    world.vod.after_call = be_overtaken

    assert world.reconcile()["listed"] == PAGE
    assert world.reconcile() == {}


def test_position_that_was_lost_is_the_begin_of_the_oldest_open_upload(world: World) -> None:
    """A new store, or a damaged position: files of the time of a session are listed again, and known."""
    old = world.keep(token_of(world.begin_now()), file_id="71", created=world.clock() - SESSION_SECONDS)
    world.reconcile(after=FIRST_PASS_SECONDS)
    assert old not in str(world.records())
    world.keep(token_of(world.begin_now()))
    world.reconcile(after=FIRST_PASS_SECONDS)
    with redis.Redis.from_url(world.redis_url) as client:
        for key in client.scan_iter("*:tail:own:1"):
            client.hset(key, "position", "x")

    assert world.reconcile() == {"listed": 1}
    assert len(world.records()) == 1


def test_each_sub_application_has_its_own_list(world: World) -> None:
    """It is read once an upload to it was checked, or told of; a token counts in its own list only."""
    world.begin_now("bob", vod_sub_app_id=OTHER_APPLICATION)
    world.reconcile(after=APPLICATION_CHECK_SECONDS)
    assert sorted(world.vod.applications, key=str) == [OTHER_APPLICATION, OTHER_APPLICATION, None, None]

    told, strange = (world.begin_now("bob", vod_sub_app_id=OTHER_APPLICATION + n) for n in (1, 2))
    token = seal(
        UploadContext(told.upload_id, "bob", "", OTHER_APPLICATION + 1), keys=(CONTEXT_KEY,), stage=STAGE
    )
    world.ingest(uploaded(token))
    world.keep(token, file_id=OTHER_FILE_ID)
    figures = world.reconcile(after=FIRST_PASS_SECONDS)
    assert {OTHER_APPLICATION + 1, OTHER_APPLICATION + 2} <= set(world.vod.applications)
    assert figures["reconciled"] == 1
    assert world.state(strange) is UploadState.ISSUED


def test_own_sub_application_has_one_list_whether_or_not_it_is_named(world: World) -> None:
    """With VOD_SUB_APP_ID every upload names it: its list is read once a pass, and its uploads end by it."""
    own = world.with_settings(VOD_SUB_APP_ID=str(OTHER_APPLICATION))
    session = own.begin_now("bob", vod_sub_app_id=OTHER_APPLICATION)
    own.reconcile(after=APPLICATION_CHECK_SECONDS)
    assert own.vod.applications == [None, None]

    assert own.reconcile(after=SESSION_SECONDS + FIRST_PASS_SECONDS)["expired"] == 1
    assert own.state(session) is UploadState.EXPIRED


@pytest.mark.no_cover  # the tracer takes as long as the test
@pytest.mark.parametrize("files", [149_000, 1_000_000])
def test_day_of_many_files_is_read_at_the_pace_of_the_clock(world: World, files: int) -> None:
    """At 0.3 s a page and 13 s a run a lost upload is found in the first run after its lag (F1).

    An abandoned upload ends, and a pass takes at most a tenth more calls than there are pages.
    """
    minutes, every, now = 120, SESSION_SECONDS / files, int(world.clock())
    begin = now - SECOND_PASS_SECONDS
    vod = LongList(world.clock, begin, every, until=now + 2 * 3600)
    world = replace(world, vod=vod)
    free = TailLease("", 0)
    world.store.take_tail("own:1", first=ListPosition(now - FIRST_PASS_SECONDS), now=now, lease=free)
    abandoned = world.begin(new_session(issued_at=int(world.clock()) - SESSION_SECONDS + 60))
    lost = world.begin_now("bob")
    vod.ours[int((now + 3600 - begin) / every)] = token_of(lost)

    for minute in range(minutes):
        world.clock.now = now + 60 * minute
        figures = world.reconcile(seconds=13)
        assert "behindSeconds" not in figures
        is_found = world.find(lost).uploaded_at is not None
        assert is_found or world.clock() - 13 < now + 3600 + FIRST_PASS_SECONDS + every

    assert is_found
    assert world.state(abandoned) is UploadState.EXPIRED
    assert vod.calls.count("uploads_created") <= 2 * 1.1 * files * 60 * minutes / SESSION_SECONDS / PAGE


@pytest.mark.no_cover  # the tracer takes as long as the test
def test_hundred_thousand_abandoned_uploads_a_day_end_each_in_the_run_after_its_lag(world: World) -> None:
    """Among a million files, each page of which takes 0.3 s, one shard with 13 s a run ends them all in time.

    Its lists take 7 % of its time, and a run checks at least 20 uploads of each of 16 partitions.
    """
    every, now = SESSION_SECONDS / 100_000, int(world.clock())
    vod = LongList(world.clock, now - SECOND_PASS_SECONDS, SESSION_SECONDS / 10**6, until=now + 3600)
    world = replace(world, vod=vod)
    free = TailLease("", 0)
    world.store.take_tail("own:1", first=ListPosition(now - FIRST_PASS_SECONDS), now=now, lease=free)
    abandoned = int(5 * 60 / every)
    for number in range(abandoned):
        world.begin(new_session(f"user-{number}", issued_at=int(now - SESSION_SECONDS + number * every)))

    expired = 0
    for minute in range(5 + 1 + FIRST_PASS_SECONDS // 60):
        world.clock.now = now + 60 * minute
        expired += world.reconcile(seconds=13).get("expired", 0)
        assert expired >= min(abandoned, int((60 * minute - FIRST_PASS_SECONDS) / every))

    assert expired == abandoned
    assert world.checks() == {}


class Undated(Records):
    """Media whose time of creation cannot be read."""

    def __init__(self, wrong: str) -> None:
        """Have this text in its place."""
        super().__init__()
        self._wrong = wrong

    def _media(self, file_id: str) -> dict[str, object]:
        return super()._media(file_id) | {"BasicInfo": {"CreateTime": self._wrong}}


class LongList(Records):
    """A list in which files follow one another at the same pace; `ours` are tokens, each call takes 0.3 s."""

    def __init__(self, clock: Clock, begin: int, every: float, *, until: int) -> None:
        """Have a file every so many seconds."""
        super().__init__()
        self._clock, self.ours = clock, dict[int, str]()
        self._created = [int(begin + number * every) for number in range(int((until - begin) / every))]

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """List a page."""
        self._ask("uploads_created", sub_app_id, timeout_seconds)
        self._clock.move(0.3)
        first = bisect_left(self._created, after, key=iso) + offset
        end = min(bisect_right(self._created, before, key=iso), first + PAGE)
        return tuple(self._file(number) for number in range(first, end))

    def _file(self, number: int) -> dict[str, object]:
        source = {"SourceType": "Upload", "SourceContext": self.ours.get(number, "")}
        basic = {"CreateTime": iso(self._created[number]), "SourceInfo": source}
        return {"FileId": str(number), "BasicInfo": basic}
