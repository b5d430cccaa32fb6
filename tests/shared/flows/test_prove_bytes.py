"""The proof of an upload's bytes: VOD's digests against those that its request declared."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain.app_event import PULL, PUSH
from shared.errors import VodApiError
from shared.flows.prove_bytes import BUDGET_SECONDS, LEASE_SECONDS, PROOF_SECONDS, Proofs
from shared.flows.verify_event import attributes_event
from shared.vod.context_token import UploadContext, seal
from tests.shared.service import CONTEXT_KEY, STAGE, new_lease, token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, uploaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain.session import UploadSession
    from tests.shared.flows.world import World

TASK_ID = "1500012345-GetMediaAttributes-1"
MINUTES, HOUR = 60, 3600


def digests_of(content: bytes) -> dict[str, str]:
    """Return the digests of some bytes, by the members of a request."""
    return {name: hashlib.new(name, content, usedforsecurity=False).hexdigest() for name in ("md5", "sha1")}


RIGHT, WRONG = digests_of(b"as it was declared"), digests_of(b"changed on the way")


def as_vod_names(digests: Mapping[str, str]) -> dict[str, str]:
    """Return digests as the members of a task's output."""
    return {name.capitalize(): digest for name, digest in digests.items()}


def prove(world: World, *, after: float = 0, seconds: float = 10, own: int | None = None) -> dict[str, int]:
    """Let time pass, and prove what is due as the timer does; return the figures that are not 0."""
    world.clock.move(after)
    deadline = world.clock() + seconds
    figures = Proofs(world.ingester, lambda: world.vod, world.clock, new_lease, deadline, own).run()
    return {name: count for name, count in figures.items() if count}


def begin(
    world: World, user: str = "alice", *, file_id: str = FILE_ID, declared: Mapping[str, str] = RIGHT
) -> UploadSession:
    """Begin an upload with its digests, and pull the event of its file."""
    session = world.begin_now(user, **declared)
    world.keep(token_of(session), file_id=file_id)
    world.ingest(uploaded(token_of(session), file_id=file_id), PULL)
    return session


def result(session: UploadSession, digests: Mapping[str, str], *, task_id: str = TASK_ID) -> dict[str, Any]:
    """Return the event that VOD sends when it has computed digests."""
    task = {"TaskId": task_id, "Status": "SUCCESS", "FileId": FILE_ID, "Output": as_vod_names(digests)}
    return attributes_event(task, token_of(session))


def proofs_told(world: World) -> list[dict[str, Any]]:
    """Return what the app was told of digests."""
    return [event for event in world.told() if event["type"] == "upload.integrity"]


@pytest.mark.no_cover  # the tracer takes as long as the test
@pytest.mark.parametrize(
    ("declared", "computed", "outcome"),
    [
        ({"md5": RIGHT["md5"]}, RIGHT, "match"),
        ({"sha1": RIGHT["sha1"]}, RIGHT, "match"),
        (RIGHT, RIGHT, "match"),
        (RIGHT, {name: digest.upper() for name, digest in RIGHT.items()}, "match"),
        (RIGHT, {"md5": RIGHT["md5"]}, "match"),
        ({"sha1": RIGHT["sha1"]}, WRONG, "mismatch"),
        (RIGHT, {**RIGHT, "sha1": WRONG["sha1"]}, "mismatch"),
    ],
)
@pytest.mark.parametrize("origin", [PUSH, PULL])
def test_app_is_told_whether_the_bytes_are_those_declared(
    world: World, origin: str, declared: dict[str, str], computed: dict[str, str], outcome: str
) -> None:
    """Each digest that was declared and that VOD computes is compared, whatever case VOD writes it in."""
    session = begin(world, declared=declared)

    assert prove(world) == {"begun": 1}
    world.vod.digests[FILE_ID] = as_vod_names(computed)
    world.deliver(result(session, computed), origin)

    [event] = proofs_told(world)
    compared = [
        {"algorithm": name, "declared": digest, "actual": computed[name].lower()}
        for name, digest in declared.items()
        if name in computed
    ]
    told = {"outcome": outcome, "digests": compared, "fileId": FILE_ID, "uploadId": session.upload_id}
    assert event["data"].items() >= {**told, "verdict": "attributed", "verified": True}.items()
    assert (event["data"]["reconciled"], event["data"]["sequence"]) == (False, 2)
    assert prove(world, after=PROOF_SECONDS) == {}


def test_copies_in_any_order_are_one_event(world: World) -> None:
    """The event pushed and pulled, of this task or another one, and the timer's own look, in all orders."""
    world.vod.digests[FILE_ID] = as_vod_names(RIGHT)

    def copy_again(session: UploadSession, step: str) -> None:
        if step == "look":
            prove(world, after=5 * MINUTES)
        elif step == "push":
            world.deliver(
                result(session, RIGHT, task_id=world.store.proof_task(session.user_id, session.upload_id))
            )
        else:
            world.ingest(result(session, RIGHT, task_id="another"), PULL)

    uploads = []
    for number, steps in enumerate(product(("look", "push", "pull"), repeat=3)):
        uploads.append(session := begin(world, f"user-{number}"))
        prove(world)
        for step in steps:
            copy_again(session, step)

    told = [event["data"]["uploadId"] for event in proofs_told(world)]
    assert sorted(told) == sorted(session.upload_id for session in uploads)


@pytest.mark.parametrize("after_vod", [False, True])
def test_forged_digests_are_told_to_nobody(world: World, *, after_vod: bool) -> None:
    """A push names the digests that were declared: VOD's are told, those of the task that was begun here."""
    session = begin(world)
    forged = result(session, RIGHT, task_id="1500012345-GetMediaAttributes-invented")
    if not after_vod:
        ahead = world.ingest(forged, PUSH)
        with pytest.raises(VodApiError):
            world.verified(ahead)
        assert world.given_up(ahead).journaled.outcome == "quarantined"
    prove(world)
    world.vod.digests[FILE_ID] = as_vod_names(WRONG)

    world.deliver(forged)

    [event] = proofs_told(world)
    assert event["data"]["outcome"] == "mismatch"
    assert {each["actual"] for each in event["data"]["digests"]} == set(WRONG.values())


def test_forged_digests_of_an_upload_that_declared_none_are_quarantined(world: World) -> None:
    """No task was begun for it, so that there is none to ask VOD about."""
    session = begin(world, declared={})

    assert world.given_up(world.ingest(result(session, RIGHT), PUSH)).journaled.outcome == "quarantined"
    assert prove(world) == {}
    assert proofs_told(world) == []


def test_result_without_an_event_is_read_from_the_task(world: World) -> None:
    """The event is lost, or does not name its upload: the next look finds the result in VOD."""
    session = begin(world)
    prove(world)
    world.vod.digests[FILE_ID] = as_vod_names(RIGHT)
    world.vod.attributes[TASK_ID]["SessionContext"] = ""

    assert prove(world, after=5 * MINUTES) == {"reconciled": 1}
    [event] = proofs_told(world)
    assert (event["data"]["reconciled"], event["data"]["uploader"]) == (True, session.user_id)


@pytest.mark.parametrize("forgets", [False, True])
def test_silent_vod_is_asked_a_bounded_number_of_times(world: World, *, forgets: bool) -> None:
    """At growing intervals, for three days; then the log has it as unproven, and the app hears nothing.

    A task that VOD no longer knows is begun anew, one that runs is waited for.
    """
    begin(world)
    figures = Counter[str]()
    for _ in range(4 * PROOF_SECONDS // (3 * 10 * MINUTES)):
        if forgets:
            world.vod.attributes.clear()
        figures.update(prove(world, after=10 * MINUTES))

    assert figures == {"begun": 17 if forgets else 1, "unproven": 1}
    assert len(world.vod.calls) <= 36
    assert prove(world, after=PROOF_SECONDS) == {}
    assert proofs_told(world) == []


def test_vod_that_cannot_be_asked_is_asked_again(world: World) -> None:
    """A call that fails is made again, one without budget after half a minute; after three days none is."""
    begin(world, "alice")
    begin(world, "bob")
    world.vod.spent = {"describe_file_attributes"}
    assert prove(world) == {}
    world.vod.spent, world.vod.failing = set(), {"describe_file_attributes"}
    assert prove(world, after=BUDGET_SECONDS) == {"unanswered": 2}
    world.vod.failing = set()
    assert prove(world) == {}
    assert prove(world, after=5 * MINUTES) == {"begun": 2}
    world.vod.failing = {"attributes_task"}
    assert prove(world, after=PROOF_SECONDS) == {"unanswered": 2, "unproven": 2}


def test_upload_whose_token_does_not_fit_any_more_holds_up_no_other(world: World) -> None:
    """Its sub-application was the deployment's own, which no token names, and is another one now."""
    noise = hashlib.sha512(b"1").digest() + hashlib.sha512(b"2").digest()
    long, own = base64.b64encode(noise).decode()[:112], 1500011111
    for user, context in (("alice", long), ("bob", "")):
        session = world.begin_now(user, context=context, vod_sub_app_id=own, **RIGHT)
        token = seal(UploadContext(session.upload_id, user, context), keys=(CONTEXT_KEY,), stage=STAGE)
        world.keep(token, file_id=FILE_ID if context else OTHER_FILE_ID)
        world.ingest(uploaded(token, file_id=FILE_ID if context else OTHER_FILE_ID), PULL)

    assert prove(world) == {"begun": 1, "unanswered": 1}


def test_digest_that_vod_does_not_compute_proves_nothing(world: World) -> None:
    """VOD's international site documents MD5 alone: a declared SHA-1 is then compared with nothing."""
    session = begin(world, declared={"sha1": RIGHT["sha1"]})
    prove(world)
    world.vod.digests[FILE_ID] = {"Md5": RIGHT["md5"]}
    world.ingest(result(session, {"md5": RIGHT["md5"]}), PULL)

    assert prove(world, after=5 * MINUTES) == {"unproven": 1}
    assert [event["type"] for event in world.told()] == [
        "upload.completed",
        "vod.DescribeFileAttributesComplete",
    ]


def test_first_look_may_be_late(world: World) -> None:
    """After an outage of days the digests are asked for all the same."""
    begin(world)

    assert prove(world, after=2 * PROOF_SECONDS) == {"begun": 1}
    world.vod.digests[FILE_ID] = as_vod_names(RIGHT)
    assert prove(world, after=6 * HOUR) == {"reconciled": 1}


def test_look_after_an_outage_of_a_day_is_not_the_last(world: World) -> None:
    """VOD has forgotten the task, and cannot be asked at once: a later look begins another."""
    begin(world)
    prove(world)
    world.vod.attributes.clear()
    world.vod.failing = {"attributes_task"}
    assert prove(world, after=34 * HOUR) == {"unanswered": 1}
    world.vod.failing = set()
    assert prove(world, after=6 * HOUR) == {"begun": 1}
    world.vod.digests[FILE_ID] = as_vod_names(RIGHT)

    assert prove(world, after=6 * HOUR) == {"reconciled": 1}


def test_run_that_has_no_time_leaves_the_rest_to_the_next(world: World) -> None:
    """What a run has taken and not looked at comes again when its lease ends, and nobody takes it before."""
    begin(world, "alice")
    begin(world, "bob")
    assert prove(world, seconds=0) == {}
    world.vod.after_call = lambda: world.clock.move(20)
    assert prove(world) == {"begun": 1}
    assert prove(world) == {}
    assert prove(world, after=LEASE_SECONDS) == {"begun": 1}


def test_only_what_vod_has_confirmed_is_asked_about(world: World) -> None:
    """A pushed file is asked about once it is verified; a second file under its upload never."""
    session = world.begin_now(**RIGHT)
    held = world.ingest(uploaded(token_of(session)), PUSH)
    assert prove(world) == {}
    world.keep(token_of(session))
    world.verified(held)
    world.ingest(uploaded(token_of(session), file_id=OTHER_FILE_ID), PULL)

    assert prove(world) == {"begun": 1}
    assert [task["FileId"] for task in world.vod.attributes.values()] == [FILE_ID]


@pytest.mark.parametrize(("own", "elsewhere"), [(None, 1500099999), (1500099999, None)])
def test_task_runs_in_the_uploads_sub_application(
    world: World, own: int | None, elsewhere: int | None
) -> None:
    """It carries the token that the upload's signatures carried."""
    session = world.begin_now(vod_sub_app_id=1500099999, **RIGHT)
    context = UploadContext(session.upload_id, session.user_id, session.grant.context, elsewhere)
    token = seal(context, keys=(CONTEXT_KEY,), stage=STAGE)
    world.ingest(uploaded(token), PULL)

    assert prove(world, own=own) == {"begun": 1}
    assert (world.vod.applications, world.vod.attributes[TASK_ID]["SessionContext"]) == ([1500099999], token)


def test_digests_of_others_are_told_as_they_come(world: World) -> None:
    """An app may have VOD compute digests of its own files: that is no proof of an upload."""
    strange = attributes_event({"FileId": FILE_ID, "Output": as_vod_names(RIGHT)}, "order-9001")
    world.deliver(strange, PUSH)

    assert [event["type"] for event in world.told()] == ["vod.DescribeFileAttributesComplete"]
