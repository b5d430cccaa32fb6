"""Files beyond their policies are forbidden or deleted, by VOD's answer at that time, and told once (F12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis

from shared.domain.file_limits import FileLimits
from shared.errors import StoreUnavailableError
from shared.flows.enforce_limits import (
    BEHIND_SECONDS,
    LEASE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    SHORTEST_PAUSE_SECONDS,
    UNKNOWN_SECONDS,
)
from tests.shared.service import token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, SESSION_SECONDS, uploaded
from tests.shared.vod_records import META_DATA

if TYPE_CHECKING:
    from shared.domain.session import UploadSession
    from tests.shared.flows.world import World

DAY = 86_400
SMALL = FileLimits(max_file_size=100)
TOO_LARGE = [{"limit": "maxFileSize", "allowed": 100, "actual": META_DATA["Size"]}]


def send_file(world: World, measure: str, *, file_id: str = FILE_ID, user: str = "alice") -> UploadSession:
    """Upload a file beyond its policy, whose event tells nothing that is measured."""
    session = world.begin_now(user, limits=SMALL, on_violation=measure)
    world.ingest(uploaded(token_of(session), file_id=world.keep(token_of(session), file_id=file_id)))
    return session


def rejections(world: World) -> list[dict[str, Any]]:
    """Return what the app was told of files beyond their policies."""
    return [event for event in world.told() if event["type"] == "upload.rejected"]


def left(world: World) -> int:
    """Return the number of files that are still to be looked at."""
    with redis.Redis.from_url(world.redis_url) as client:
        return sum(client.zcard(key) for key in client.keys("*:enforcements"))


def test_file_beyond_its_policy_is_forbidden_at_once(world: World) -> None:
    """VOD is asked for the file, forbids it, and the app hears once what it exceeds and what was done."""
    session = send_file(world, "forbid")

    assert world.enforce() == {"forbidden": 1}
    assert world.enforce(after=DAY) == {}

    assert (world.vod.forbidden, world.vod.deleted) == ([FILE_ID], [])
    [event] = rejections(world)
    assert event["data"] == {
        "uploadId": session.upload_id,
        "uploader": "alice",
        "context": "",
        "sourceContext": None,
        "fileId": FILE_ID,
        "action": "forbidden",
        "reason": None,
        "breaches": TOO_LARGE,
        "verdict": "attributed",
        "verified": True,
        "reconciled": False,
        "sequence": 2,
    }
    assert (event["raw"], event["occurredAt"]) == ({}, event["timestamp"])
    assert world.audited == [
        {
            "uploadId": session.upload_id,
            "fileId": FILE_ID,
            "user": "alice",
            "policy": "default",
            "limits": ["maxFileSize"],
            "action": "forbidden",
            "dryRun": 0,
        }
    ]


def test_file_is_deleted_after_the_grace(world: World) -> None:
    """A day after it was told it is looked at again, and then deleted."""
    send_file(world, "delete")

    assert world.enforce() == {"waiting": 1}
    assert world.enforce(after=DAY - 1) == {}
    assert world.vod.calls == []
    assert world.enforce(after=1) == {"deleted": 1}

    assert (world.vod.deleted, world.vod.forbidden) == ([FILE_ID], [])
    assert [event["data"]["action"] for event in rejections(world)] == ["deleted"]


@pytest.mark.parametrize("measure", ["forbid", "delete"])
def test_file_that_is_within_its_policy_by_now_is_left_alone(world: World, measure: str) -> None:
    """What VOD measures at that time counts, not what it told before."""
    session = world.begin_now(limits=SMALL, on_violation=measure)
    event = uploaded(token_of(session), file_id=world.keep(token_of(session)))
    event["FileUploadEvent"]["MetaData"] = META_DATA
    world.ingest(event)
    world.vod.meta_data = {"Size": 100}

    world.enforce()
    world.enforce(after=DAY)

    assert (world.vod.forbidden, world.vod.deleted, rejections(world)) == ([], [], [])
    assert (left(world), world.audited) == (0, [])


def test_file_that_was_told_to_be_within_its_policy_costs_no_call(world: World) -> None:
    """The upload's record has what VOD measured; `report` leaves nothing to look at."""
    session = world.begin_now(limits=SMALL, on_violation="delete")
    event = uploaded(token_of(session))
    event["FileUploadEvent"]["MetaData"] = {"Size": 100}
    world.ingest(event)
    send_file(world, "report", file_id=OTHER_FILE_ID)

    assert left(world) == 1
    assert world.enforce() == {"within": 1}
    assert (left(world), world.vod.calls) == (0, [])


def test_claim_that_a_file_is_within_its_policy_is_not_believed(world: World) -> None:
    """Where pushed events are trusted (READ_BACK=off), VOD is asked all the same before a file is let be."""
    session = world.begin_now(limits=SMALL, on_violation="forbid")
    event = uploaded(token_of(session), file_id=world.keep(token_of(session)))
    event["FileUploadEvent"]["MetaData"] = {"Size": 100}
    world.with_settings(READ_BACK="off").ingest(event, "push")

    assert world.enforce() == {"forbidden": 1}


@pytest.mark.parametrize("measure", ["forbid", "delete"])
def test_further_file_of_an_upload_is_forbidden_at_most(world: World, measure: str) -> None:
    """Out of order the true file can look like it; the upload's own file is deleted as usual."""
    session = send_file(world, measure)
    world.ingest(uploaded(token_of(session), file_id=world.keep(token_of(session), file_id=OTHER_FILE_ID)))

    world.enforce()
    world.enforce(after=DAY)

    assert OTHER_FILE_ID in world.vod.forbidden
    assert world.vod.deleted == ([FILE_ID] if measure == "delete" else [])
    told = {event["data"]["fileId"]: event["data"]["verdict"] for event in rejections(world)}
    assert told == {FILE_ID: "attributed", OTHER_FILE_ID: "replayed"}


def test_late_file_is_forbidden_at_most(world: World) -> None:
    """A file that came after the end of its upload is not deleted."""
    session = world.begin_now(limits=SMALL, on_violation="delete")
    world.clock.move(SESSION_SECONDS + 1)
    world.ingest(uploaded(token_of(session), file_id=world.keep(token_of(session))))

    assert world.enforce() == {"forbidden": 1}
    assert world.vod.deleted == []


@pytest.mark.parametrize("kind", ["another's token", "no token", "another upload of his"])
def test_file_that_is_not_of_the_upload_is_never_touched(world: World, kind: str) -> None:
    """What somebody pushed named it; VOD says under which token it was uploaded."""
    world = world.with_settings(READ_BACK="off")
    session = world.begin_now(limits=SMALL, on_violation="forbid")
    true_token = {"no token": "", "another upload of his": token_of(world.begin_now())}
    world.keep(true_token.get(kind, token_of(world.begin_now("bob"))))
    world.ingest(uploaded(token_of(session)), "push")

    assert world.enforce() == {"foreign": 1}
    assert (world.vod.forbidden, rejections(world), left(world)) == ([], [], 0)


def test_refusals_of_the_api_are_outlasted(world: World) -> None:
    """Attempts go on with growing pauses; how long it is overdue is in the figures."""
    send_file(world, "forbid")
    world.vod.failing = {"forbid_media"}

    figures = [world.enforce(after=pause) for pause in (0, SHORTEST_PAUSE_SECONDS - 1, 1)]
    for _ in range(60):
        last = world.enforce(after=LONGEST_PAUSE_SECONDS)
    world.vod.failing = {"media_info"}
    unread = world.enforce(after=LONGEST_PAUSE_SECONDS)
    world.vod.failing = set()

    assert figures == [{"unanswered": 1}, {}, {"unanswered": 1, "overdueSeconds": SHORTEST_PAUSE_SECONDS}]
    assert last == {"unanswered": 1, "overdueSeconds": 60 * LONGEST_PAUSE_SECONDS + SHORTEST_PAUSE_SECONDS}
    assert unread["unanswered"] == 1
    assert world.enforce(after=LONGEST_PAUSE_SECONDS) == {"forbidden": 1}
    assert [event["data"]["action"] for event in rejections(world)] == ["forbidden"]


@pytest.mark.parametrize("measure", ["forbid", "delete"])
def test_run_that_is_killed_after_the_call_has_told_nothing_and_its_successor_tells(
    world: World, measure: str
) -> None:
    """What an attempt began is kept: a file that is gone, or is forbidden, is still told, once."""
    send_file(world, measure)
    world.enforce()
    if measure == "forbid":
        send_file(world, measure, file_id=OTHER_FILE_ID)

    def kill() -> None:
        raise StoreUnavailableError("The run is killed.")

    world.vod.after_call = kill
    with pytest.raises(StoreUnavailableError):
        world.enforce(after=DAY)
    world.vod.after_call = lambda: None
    told = len(rejections(world))

    assert world.enforce(after=LEASE_SECONDS - 1) == {}
    world.enforce(after=1)
    assert len(rejections(world)) == told + 1
    assert len(world.vod.forbidden + world.vod.deleted) == told + 1


def test_file_that_is_gone_is_done(world: World) -> None:
    """Whoever deleted it, nothing was done here, and nothing is told; VOD may be behind its own event."""
    session = send_file(world, "forbid")
    del world.vod.kept[FILE_ID]

    assert world.enforce() == {}
    assert left(world) == 1
    assert world.enforce(after=BEHIND_SECONDS) == {"gone": 1}
    assert (rejections(world), left(world)) == ([], 0)
    assert world.find(session).file_id == FILE_ID


@pytest.mark.parametrize("how", ["StorageClass", "code"])
def test_file_that_cannot_be_forbidden_is_told_as_such(world: World, how: str) -> None:
    """VOD forbids files of two storage classes alone (doc 266/40636)."""
    send_file(world, "forbid")
    if how == "code":
        world.vod.refusal = "InvalidParameterValue.UnsupportedStorageClass"
    else:
        world.vod.shown[FILE_ID] = {"StorageClass": "ARCHIVE"}

    assert world.enforce() == {"impossible": 1}
    assert world.enforce(after=DAY) == {}
    [event] = rejections(world)
    assert (event["data"]["action"], event["data"]["reason"]) == ("none", "storageClass")
    assert world.vod.forbidden == []


def test_other_refusal_is_none_of_the_storage_class(world: World) -> None:
    """Such as a right that is missing: it is tried again."""
    send_file(world, "forbid")
    world.vod.refusal = "UnauthorizedOperation"

    assert world.enforce() == {"unanswered": 1}


@pytest.mark.parametrize("status", ["Forbidden", "SystemForbidden"])
def test_file_that_is_forbidden_already_is_told_without_a_call(world: World, status: str) -> None:
    """By the app, by VOD itself, or by an attempt whose answer was lost."""
    send_file(world, "forbid")
    world.vod.shown[FILE_ID] = {"Status": status}

    assert world.enforce() == {"forbidden": 1}
    assert (world.vod.forbidden, len(rejections(world))) == ([], 1)


def test_file_of_which_vod_measures_nothing_is_let_be_in_the_end(world: World) -> None:
    """VOD is asked for a day; what nobody knows breaks no limit."""
    send_file(world, "forbid")
    world.vod.meta_data = {}

    assert world.enforce() == {}
    assert world.enforce(after=UNKNOWN_SECONDS) == {"within": 1}
    assert (world.vod.forbidden, rejections(world), left(world)) == ([], [], 0)


def test_dry_run_writes_what_it_would_have_done(world: World) -> None:
    """VOD and the app hear nothing, now or when the dry run is over."""
    world = world.with_settings(LIMIT_ENFORCEMENT="dry-run")
    send_file(world, "delete")

    assert world.enforce() == {"waiting": 1}
    assert world.enforce(after=DAY) == {"dryRun": 1}
    assert [(line["action"], line["dryRun"]) for line in world.audited] == [("deleted", 1)]
    assert world.with_settings(LIMIT_ENFORCEMENT="on").enforce(after=DAY) == {}
    assert (world.vod.deleted, rejections(world)) == ([], [])


def test_grace_is_a_setting(world: World) -> None:
    """Without a grace the file is deleted by the next run."""
    world = world.with_settings(DELETE_GRACE_SECONDS="0")
    send_file(world, "delete")

    assert world.enforce() == {"deleted": 1}


def test_two_runs_at_once_share_the_work(world: World) -> None:
    """What one has taken the other does not see."""
    send_file(world, "forbid")
    inner: list[dict[str, int]] = []
    world.vod.after_call = lambda: inner.append(world.enforce())

    assert (world.enforce(), inner) == ({"forbidden": 1}, [{}])
    assert (world.vod.forbidden, len(rejections(world))) == ([FILE_ID], 1)


def test_run_ends_with_its_time(world: World) -> None:
    """What it has taken and not begun is due when its lease ends."""
    for number in range(20):
        send_file(world, "forbid", file_id=f"55766780200112{number:05}", user=f"user {number}")
    world.vod.after_call = lambda: world.clock.move(30)

    assert world.enforce(seconds=53)["forbidden"] == 2
    world.vod.after_call = lambda: None
    assert world.enforce(after=LEASE_SECONDS)["forbidden"] == 18
    assert len(set(world.vod.forbidden)) == len(world.vod.forbidden) == len(rejections(world)) == 20


@pytest.mark.parametrize("broken", ["gone", "unreadable", "erased in the call", "made anew"])
def test_record_that_is_of_no_use_holds_up_nobody(world: World, broken: str) -> None:
    """Without what the upload began with nothing is done; what another release wrote is read again."""
    session = send_file(world, "forbid")
    send_file(world, "forbid", file_id=OTHER_FILE_ID)
    with redis.Redis.from_url(world.redis_url) as client:
        [key] = client.keys(f"*:upload:{session.upload_id}")
        if broken == "unreadable":
            client.hset(key, f"enforce:{FILE_ID}", "soon")
        elif broken == "erased in the call":
            ask = world.vod.media_info
            world.vod.media_info = lambda *args, **more: (client.delete(key), ask(*args, **more))[1]  # type: ignore[method-assign]
        else:
            client.delete(key)
        if broken == "made anew":
            world.ingest(uploaded(token_of(session), file_id="1"))

        figures = world.enforce()

    assert figures == {"forbidden": 1} | ({"stopped": 1} if broken == "erased in the call" else {})
    assert world.vod.forbidden == [OTHER_FILE_ID]
    assert left(world) == (broken == "unreadable")
