"""What an event is when it comes: whose, trusted or held, new or a copy; and that the journal keeps it so.

What VOD is asked about a held event is shown in test_verify_event.py and test_foreign_events.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain.app_event import PULL, PUSH, RECONCILED
from shared.domain.event_status import Verdict
from shared.domain.ingested_event import journal_name
from shared.domain.session import UploadState
from shared.errors import VodApiError
from shared.flows import own_events
from shared.flows.ingest_event import LEASE_SECONDS
from shared.flows.verify_event import MAX_ATTEMPTS
from shared.vod.context_token import UploadContext, seal
from tests.shared.service import CONTEXT_KEY, STAGE, token_of
from tests.shared.uploads import (
    FILE_ID,
    NOW,
    OTHER_FILE_ID,
    TASK_ID,
    changed,
    legacy_change,
    new_session,
    notification_of,
    uploaded,
)

if TYPE_CHECKING:
    from tests.shared.flows.world import World

OLD_KEY = "b" * 32
FAR = NOW


@pytest.mark.parametrize(
    ("origin", "read_back", "verified"), [(PULL, "on", True), (RECONCILED, "on", True), (PUSH, "off", False)]
)
def test_event_that_vod_itself_gave_us_is_trusted(
    world: World, origin: str, read_back: str, *, verified: bool
) -> None:
    """Who was asked over an authenticated API is believed: the upload moves, the app hears `verified`.

    The operator may do without the read-back: the app is told `verified: false` (S23b).
    """
    world = world.with_settings(READ_BACK=read_back)
    session = world.begin_now(context="lesson 3")

    ingested = world.ingest(uploaded(token_of(session)), origin)

    event = ingested.event
    assert (ingested.journaled.outcome, ingested.deliverable) == ("applied", True)
    assert (event.verdict, event.verified, event.sequence) == (Verdict.ATTRIBUTED, verified, 1)
    assert event.uploader == UploadContext(session.upload_id, "alice", "lesson 3")
    assert world.find(session).file_id == FILE_ID


def test_pushed_event_is_held_until_vod_has_confirmed_its_file(world: World) -> None:
    """A callback proves nothing about its sender: VOD's own record is read first, also from the journal."""
    session = world.begin_now(context="lesson 3")
    held = world.ingest(uploaded(token_of(session)), PUSH)

    assert (held.journaled.outcome, held.deliverable, world.find(session).file_id) == ("held", False, "")

    world.keep(token_of(session))
    sure = world.verified(world.recall_due())

    assert (sure.journaled.outcome, sure.deliverable) == ("verified", True)
    assert (sure.event.verified, sure.event.sequence) == (True, 1)
    assert sure.event.uploader == UploadContext(session.upload_id, "alice", "lesson 3")
    assert world.find(session).file_id == FILE_ID


@pytest.mark.parametrize("context", ["", "order-7781", '{"u":"user-42"}', "vuf2.abc.def", "vuf1", "\ufffd"])
def test_event_of_somebody_elses_upload_is_unattributed(world: World, context: str) -> None:
    """What the console or the server API uploads has no token of ours: it is passed on as it is (F34)."""
    ingested = world.ingest(uploaded(context), PUSH)

    assert (ingested.journaled.outcome, ingested.deliverable) == ("recorded", True)
    assert (ingested.event.verdict, ingested.event.uploader) == (Verdict.UNATTRIBUTED, None)
    assert ingested.event.type == "vod.NewFileUpload"


@pytest.mark.parametrize("origin", [PUSH, PULL])
def test_broken_seal_is_quarantined(world: World, origin: str) -> None:
    """A token that is broken in any way is kept, and never delivered (S24)."""
    ingested = world.ingest(uploaded(token_of(new_session(), stage="prod")), origin)

    assert (ingested.event.verdict, ingested.event.uploader) == (Verdict.QUARANTINED, None)
    assert not ingested.deliverable
    assert world.due(after=FAR) == 0


def test_token_of_the_old_key_still_opens(world: World) -> None:
    """During a rotation tokens of both keys are ours (F19)."""
    world = world.with_settings(CONTEXT_KEYS=f"{CONTEXT_KEY},{OLD_KEY}")
    ingested = world.ingest(uploaded(token_of(new_session(), key=OLD_KEY)))

    assert ingested.event.verdict is Verdict.ATTRIBUTED


@pytest.mark.parametrize("users", [("forger", "victim"), ("alice", "alice")])
def test_forged_file_is_quarantined_and_the_genuine_event_still_counts(
    world: World, users: tuple[str, str]
) -> None:
    """An uploader posts his own token with a foreign file: nobody is harmed by it (S23b).

    The victim's event and the forger's own upload go on as if it had not been, also in one partition.
    """
    forger, victim = map(world.begin_now, users)
    own, genuine = token_of(forger), token_of(victim)
    world.keep(genuine)
    world.keep(own, file_id=OTHER_FILE_ID)

    events = (uploaded(own), uploaded(genuine), uploaded(own, file_id=OTHER_FILE_ID))
    forged, true, later = map(world.push, events)

    assert (forged.event.verdict, forged.event.verified, forged.deliverable) == (
        Verdict.QUARANTINED,
        False,
        False,
    )
    assert (true.event.verdict, true.deliverable) == (Verdict.ATTRIBUTED, True)
    assert (later.event.verdict, later.event.sequence) == (Verdict.ATTRIBUTED, 1)
    assert (world.find(victim).file_id, world.find(forger).file_id) == (FILE_ID, OTHER_FILE_ID)


@pytest.mark.parametrize(("file_id", "asked"), [(OTHER_FILE_ID, 1), ("", 0), ("\ufffd", 1), ("0" * 5000, 1)])
def test_invented_file_is_quarantined(world: World, file_id: str, asked: int) -> None:
    """A file that VOD still does not have, or an event that names none, is taken for a forgery (S23b)."""
    session = world.begin_now()
    world.keep(token_of(session))
    held = world.ingest(uploaded(token_of(session), file_id=file_id), PUSH)

    assert world.given_up(held).event.verdict is Verdict.QUARANTINED
    assert len(world.vod.asked) == asked
    assert world.state(session) is UploadState.ISSUED


@pytest.mark.parametrize("attempts", range(MAX_ATTEMPTS))
def test_file_that_vod_does_not_know_yet_is_asked_for_again(world: World, attempts: int) -> None:
    """An event can be ahead of VOD's own index: it stays held, and is not called a forgery at once."""
    token = token_of(world.begin_now())
    early = world.ingest(uploaded(token), PUSH)

    with pytest.raises(VodApiError):
        world.verified(early, attempts=attempts)

    world.keep(token)
    assert world.verified(early, attempts=attempts).event.verdict is Verdict.ATTRIBUTED


@pytest.mark.parametrize(("first", "second"), [(PULL, PUSH), (PUSH, PUSH), (PULL, PULL)])
def test_one_event_by_two_ways_is_one_event(world: World, first: str, second: str) -> None:
    """Switching from pull to push loses and doubles nothing (F36)."""
    event = uploaded(token_of(world.begin_now()))

    one, two = world.ingest(event, first), world.ingest(event, second)

    assert (two.journaled.outcome, two.deliverable) == ("duplicate", False)
    assert one.event.event_id == two.event.event_id


def test_lead_of_a_push_is_its_functions_own(world: World) -> None:
    """A pushed event is due for the timer only after its function's time; a pulled one at once."""
    world.ingest(uploaded(token_of(world.begin_now())), PUSH)

    assert (world.due(after=LEASE_SECONDS - 1), world.due(after=LEASE_SECONDS)) == (0, 1)

    world.ingest(uploaded("console", file_id=OTHER_FILE_ID))
    assert world.due() == 1


def test_nothing_is_due_where_no_webhook_is_set_up(world: World) -> None:
    """With the webhook off events are journaled and shown as kept; held ones wait for VOD."""
    off = world.with_settings(APP_WEBHOOK_URL="off")

    kept = off.ingest(uploaded("console"))
    assert (off.record(kept)["delivery"], off.due(after=FAR)) == ("kept", 0)

    off.ingest(uploaded(token_of(off.begin_now())), PUSH)
    assert off.due(after=FAR) == 1


@pytest.mark.parametrize(
    "event", [uploaded("order-7781", task_id=TASK_ID), changed("x"), {"EventType": "New"}]
)
def test_event_comes_back_from_the_journal_as_it_went_in(world: World, event: dict[str, object]) -> None:
    """An event read from the journal equals the ingested one."""
    ingested = world.ingest(event, PUSH)

    recalled = world.recall_due()

    assert recalled.event == ingested.event
    assert recalled.journaled.outcome == ingested.journaled.outcome
    assert (recalled.deliverable, recalled.entry.name) == (ingested.deliverable, ingested.entry.name)
    assert recalled.entry.lease != ingested.entry.lease


def test_expired_upload_is_an_event_for_the_app(world: World) -> None:
    """The end of an unused upload is journaled once, and comes back from the journal as it was."""
    session = world.begin_now()

    ingested, again = (
        own_events.expire(world.ingester, session, now=session.ends_at, lease="timer") for _ in range(2)
    )

    event = ingested.event
    assert (event.type, event.verdict, event.sequence) == ("upload.expired", Verdict.ATTRIBUTED, 1)
    assert again.journaled.outcome == "duplicate"
    assert world.recall_due(after=FAR).event == event


def legacy_upload(token: str) -> dict[str, object]:
    """Create NewFileUpload in the legacy format."""
    content = {"fileId": FILE_ID, "fileUrl": "", "sourceContext": token, "procedureTaskId": TASK_ID}
    return {"version": "4.0", "eventType": "NewFileUpload", "data": content}


def test_legacy_task_flow_belongs_to_the_upload_that_started_it(world: World) -> None:
    """The legacy format names no context in a task flow's event: the upload's event gives it away."""
    session = world.begin_now()
    world.ingest(legacy_upload(token_of(session)))

    ingested = world.ingest(legacy_change())

    assert (ingested.event.type, ingested.event.verdict) == ("procedure.finished", Verdict.ATTRIBUTED)
    assert world.state(session) is UploadState.READY
    record = world.record(ingested)
    assert (record["upload_id"], record["user_id"]) == (session.upload_id, "alice")


@pytest.mark.parametrize("task_id", [TASK_ID, ""])
def test_legacy_task_flow_of_an_unknown_upload_is_unattributed(world: World, task_id: str) -> None:
    """One that no upload is known to have started is passed on; sent again later it is the same event."""
    early = world.ingest(legacy_change(task_id=task_id))
    world.ingest(legacy_upload(token_of(world.begin_now())))

    assert (early.event.type, early.event.verdict) == ("vod.ProcedureStateChanged", Verdict.UNATTRIBUTED)
    assert world.ingest(legacy_change(task_id=task_id)).journaled.outcome == "duplicate"


def test_forged_legacy_upload_takes_no_task_flow_over(world: World) -> None:
    """Only an upload that VOD has confirmed is remembered as the one that started a task flow."""
    session, other = world.begin_now(), world.begin_now()
    world.keep(token_of(session), flow="FINISH")

    for event in (legacy_upload(token_of(other)), legacy_upload(token_of(session))):
        world.push(event)
    ingested = world.push(legacy_change())

    assert ingested.event.verdict is Verdict.ATTRIBUTED
    assert world.state(session) is UploadState.READY


def test_name_of_an_event_depends_on_its_token() -> None:
    """Two events that differ in their token alone are two, so that a forgery takes nobody's place."""
    names = {journal_name(notification_of(uploaded(token))) for token in ("", "one", "two")}

    assert len(names) == 3
    assert all(name.isascii() and len(name) <= 128 for name in names)


@pytest.mark.parametrize("sub_app_id", [None, 1500067890])
def test_file_is_looked_for_where_the_upload_went(world: World, sub_app_id: int | None) -> None:
    """A policy can send uploads to another sub-application; the token says which, also after a recall."""
    session = new_session()
    context = UploadContext(session.upload_id, session.user_id, "", sub_app_id)
    token = seal(context, keys=(CONTEXT_KEY,), stage=STAGE)
    world.keep(token)
    world.ingest(uploaded(token), PUSH)

    recalled = world.verified(world.recall_due())

    assert recalled.event.verdict is not Verdict.QUARANTINED
    assert world.vod.applications == [sub_app_id] * 2
    assert world.find(session).grant.vod_sub_app_id == sub_app_id
