"""What an event is when it comes: whose, trusted or held, new or a copy; and that the journal keeps it so.

What VOD is asked about a held event is shown in test_verify_event.py and test_foreign_events.py.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.app_event import PULL, PUSH, RECONCILED
from shared.domain.event_status import Verdict
from shared.domain.ingested_event import journal_name
from shared.domain.session import UploadState, state_of
from shared.errors import VodApiError
from shared.flows.ingest_event import LEASE_SECONDS
from shared.flows.verify_event import MAX_ATTEMPTS
from shared.vod.context_token import UploadContext, seal
from tests.shared.service import CONTEXT_KEY, STAGE, Service, token_of
from tests.shared.uploads import (
    FILE_ID,
    NOW,
    OTHER_FILE_ID,
    TASK_ID,
    changed,
    new_session,
    notification_of,
    uploaded,
)
from tests.shared.vod_records import Records

OLD_KEY = "b" * 32
FAR = NOW


@pytest.fixture
def service(valkey_url: str) -> Service:
    """Return a deployment that trusts a push only after the read-back."""
    changes = {
        "READ_BACK": "on",
        "APP_WEBHOOK_URL": "https://app.example.test/hook",
        "CONTEXT_KEYS": f"{CONTEXT_KEY},{OLD_KEY}",
    }
    return Service(valkey_url, changes)


@pytest.mark.parametrize("origin", [PULL, RECONCILED])
def test_event_that_vod_itself_gave_us_is_trusted(service: Service, origin: str) -> None:
    """Who was asked over an authenticated API is believed: the upload moves, the app hears `verified`."""
    session = service.begin(new_session(context="lesson 3"))

    ingested = service.ingest(uploaded(token_of(session)), origin)

    event = ingested.event
    assert (ingested.journaled.outcome, ingested.deliverable) == ("applied", True)
    assert (event.verdict, event.verified, event.sequence) == (Verdict.ATTRIBUTED, True, 1)
    assert event.uploader == UploadContext(session.upload_id, "alice", "lesson 3")
    assert service.find(session).file_id == FILE_ID


def test_pushed_event_is_held_until_vod_has_confirmed_its_file(service: Service) -> None:
    """A callback proves nothing about its sender: VOD's own record is read first, also from the journal."""
    session = service.begin(new_session(context="lesson 3"))
    held = service.ingest(uploaded(token_of(session)), PUSH)

    assert (held.journaled.outcome, held.deliverable, service.find(session).file_id) == ("held", False, "")

    sure = service.verify(service.recall_due(), Records({FILE_ID: token_of(session)}))

    assert (sure.journaled.outcome, sure.deliverable) == ("verified", True)
    assert (sure.event.verified, sure.event.sequence) == (True, 1)
    assert sure.event.uploader == UploadContext(session.upload_id, "alice", "lesson 3")
    assert service.find(session).file_id == FILE_ID


def test_pushed_event_is_trusted_where_the_read_back_is_off(service: Service) -> None:
    """The operator may do without: uploads move at once, and the app is told `verified: false` (S23b)."""
    trusting = replace(service, changes={**service.changes, "READ_BACK": "off"})
    session = trusting.begin(new_session())

    ingested = trusting.ingest(uploaded(token_of(session)), PUSH)

    assert (ingested.deliverable, ingested.event.verified) == (True, False)
    assert trusting.find(session).file_id == FILE_ID


@pytest.mark.parametrize("context", ["", "order-7781", '{"u":"user-42"}', "vuf2.abc.def", "vuf1", "\ufffd"])
def test_event_of_somebody_elses_upload_is_unattributed(service: Service, context: str) -> None:
    """What the console or the server API uploads has no token of ours: it is passed on as it is (F34)."""
    ingested = service.ingest(uploaded(context), PUSH)

    assert (ingested.journaled.outcome, ingested.deliverable) == ("recorded", True)
    assert (ingested.event.verdict, ingested.event.uploader) == (Verdict.UNATTRIBUTED, None)
    assert ingested.event.type == "vod.NewFileUpload"


ALICES, BOBS = token_of(new_session("alice")), token_of(new_session("bob"))
PAYLOAD, _, DIGEST = ALICES.rpartition(".")
FORGERIES = {
    "spliced": f"{BOBS.rpartition('.')[0]}.{DIGEST}",
    "cut": ALICES[:-1],
    "without digest": f"{PAYLOAD}.",
    "prefix alone": "vuf1.",
    "bit turned": PAYLOAD + "." + ("B" if DIGEST[0] == "A" else "A") + DIGEST[1:],
    "foreign key": token_of(new_session(), key="c" * 32),
    "other stage": token_of(new_session(), stage="prod"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("origin", [PUSH, PULL])
def test_broken_seal_is_quarantined(service: Service, forgery: str, origin: str) -> None:
    """A changed, cut, spliced, foreign or wrong-stage token is kept, and never delivered (S24, S25)."""
    ingested = service.ingest(uploaded(FORGERIES[forgery]), origin)

    assert (ingested.event.verdict, ingested.event.uploader) == (Verdict.QUARANTINED, None)
    assert not ingested.deliverable
    assert service.due(after=FAR) == 0


def test_token_of_the_old_key_still_opens(service: Service) -> None:
    """During a rotation tokens of both keys are ours (F19)."""
    ingested = service.ingest(uploaded(token_of(new_session(), key=OLD_KEY)))

    assert ingested.event.verdict is Verdict.ATTRIBUTED


@pytest.mark.parametrize("users", [("forger", "victim"), ("alice", "alice")])
def test_forged_file_is_quarantined_and_the_genuine_event_still_counts(
    service: Service, users: tuple[str, str]
) -> None:
    """An uploader posts his own token with a foreign file: nobody is harmed by it (S23b).

    The victim's event and the forger's own upload go on as if it had not been, also in one partition.
    """
    forger, victim = (service.begin(new_session(user)) for user in users)
    own, genuine = token_of(forger), token_of(victim)
    records = Records({FILE_ID: genuine, OTHER_FILE_ID: own})

    forged, true, later = (
        service.verify(service.ingest(event, PUSH), records)
        for event in (uploaded(own), uploaded(genuine), uploaded(own, file_id=OTHER_FILE_ID))
    )

    assert (forged.event.verdict, forged.event.verified, forged.deliverable) == (
        Verdict.QUARANTINED,
        False,
        False,
    )
    assert (true.event.verdict, true.deliverable) == (Verdict.ATTRIBUTED, True)
    assert (later.event.verdict, later.event.sequence) == (Verdict.ATTRIBUTED, 1)
    assert (service.find(victim).file_id, service.find(forger).file_id) == (FILE_ID, OTHER_FILE_ID)


@pytest.mark.parametrize(("file_id", "asked"), [(OTHER_FILE_ID, 1), ("", 0), ("\ufffd", 1), ("0" * 5000, 1)])
def test_invented_file_is_quarantined(service: Service, file_id: str, asked: int) -> None:
    """A file that VOD still does not have, or an event that names none, is taken for a forgery (S23b)."""
    session = service.begin(new_session())
    records = Records({FILE_ID: token_of(session)})
    held = service.ingest(uploaded(token_of(session), file_id=file_id), PUSH)

    ingested = service.verify(replace(held, attempts=MAX_ATTEMPTS), records)

    assert ingested.event.verdict is Verdict.QUARANTINED
    assert len(records.asked) == asked
    assert state_of(service.find(session), now=NOW) is UploadState.ISSUED


@pytest.mark.parametrize("attempts", range(MAX_ATTEMPTS))
def test_file_that_vod_does_not_know_yet_is_asked_for_again(service: Service, attempts: int) -> None:
    """An event can be ahead of VOD's own index: it stays held, and is not called a forgery at once."""
    token = token_of(service.begin(new_session()))
    early = replace(service.ingest(uploaded(token), PUSH), attempts=attempts)

    with pytest.raises(VodApiError):
        service.verify(early, Records())

    assert service.verify(early, Records({FILE_ID: token})).event.verdict is Verdict.ATTRIBUTED


@pytest.mark.parametrize(("first", "second"), [(PUSH, PULL), (PULL, PUSH), (PUSH, PUSH), (PULL, PULL)])
def test_one_event_by_two_ways_is_one_event(service: Service, first: str, second: str) -> None:
    """Switching between push and pull loses and doubles nothing (F36)."""
    event = uploaded(token_of(service.begin(new_session())))

    one, two = service.ingest(event, first), service.ingest(event, second)

    assert (two.journaled.outcome, two.deliverable) == ("duplicate", False)
    assert one.event.event_id == two.event.event_id


def test_lead_of_a_push_is_its_functions_own(service: Service) -> None:
    """A pushed event is due for the timer only after its function's time; a pulled one at once."""
    service.ingest(uploaded(token_of(service.begin(new_session()))), PUSH)

    assert (service.due(after=LEASE_SECONDS - 1), service.due(after=LEASE_SECONDS)) == (0, 1)

    service.ingest(uploaded("console", file_id=OTHER_FILE_ID))
    assert service.due() == 1


def test_nothing_is_due_where_no_webhook_is_set_up(service: Service) -> None:
    """With the webhook off events are journaled and shown as kept; held ones wait for VOD."""
    off = replace(service, changes={**service.changes, "APP_WEBHOOK_URL": "off"})

    kept = off.ingest(uploaded("console"))
    assert (off.record(kept)["delivery"], off.due(after=FAR)) == ("kept", 0)

    off.ingest(uploaded(token_of(off.begin(new_session()))), PUSH)
    assert off.due(after=FAR) == 1


@pytest.mark.parametrize(
    "event", [uploaded("order-7781", task_id=TASK_ID), changed("x"), {"EventType": "New"}]
)
def test_event_comes_back_from_the_journal_as_it_went_in(service: Service, event: dict[str, object]) -> None:
    """An event read from the journal equals the ingested one."""
    ingested = service.ingest(event, PUSH)

    recalled = service.recall_due()

    assert recalled.event == ingested.event
    assert recalled.journaled.outcome == ingested.journaled.outcome
    assert (recalled.deliverable, recalled.entry.name) == (ingested.deliverable, ingested.entry.name)
    assert recalled.entry.lease != ingested.entry.lease


def test_expired_upload_is_an_event_for_the_app(service: Service) -> None:
    """The end of an unused upload is journaled once, and comes back from the journal as it was."""
    session = service.begin(new_session())

    ingested, again = (service.ingester.expire(session, now=session.ends_at, lease="timer") for _ in range(2))

    event = ingested.event
    assert (event.type, event.verdict, event.sequence) == ("upload.expired", Verdict.ATTRIBUTED, 1)
    assert again.journaled.outcome == "duplicate"
    assert service.recall_due(after=FAR).event == event


def legacy_upload(token: str) -> dict[str, object]:
    """Create NewFileUpload in the legacy format."""
    content = {"fileId": FILE_ID, "fileUrl": "", "sourceContext": token, "procedureTaskId": TASK_ID}
    return {"version": "4.0", "eventType": "NewFileUpload", "data": content}


def legacy_change(*, task_id: str = TASK_ID) -> dict[str, object]:
    """Create ProcedureStateChanged in the legacy format, which carries no context."""
    content = {"vodTaskId": task_id, "status": "FINISH", "fileId": FILE_ID, "errCode": 0}
    return {"version": "4.0", "eventType": "ProcedureStateChanged", "data": content}


def test_legacy_task_flow_belongs_to_the_upload_that_started_it(service: Service) -> None:
    """The legacy format names no context in a task flow's event: the upload's event gives it away."""
    session = service.begin(new_session())
    service.ingest(legacy_upload(token_of(session)))

    ingested = service.ingest(legacy_change())

    assert (ingested.event.type, ingested.event.verdict) == ("procedure.finished", Verdict.ATTRIBUTED)
    assert state_of(service.find(session), now=NOW) is UploadState.READY
    record = service.record(ingested)
    assert (record["upload_id"], record["user_id"]) == (session.upload_id, "alice")


@pytest.mark.parametrize("task_id", [TASK_ID, ""])
def test_legacy_task_flow_of_an_unknown_upload_is_unattributed(service: Service, task_id: str) -> None:
    """One that no upload is known to have started is passed on; sent again later it is the same event."""
    early = service.ingest(legacy_change(task_id=task_id))
    service.ingest(legacy_upload(token_of(service.begin(new_session()))))

    assert (early.event.type, early.event.verdict) == ("vod.ProcedureStateChanged", Verdict.UNATTRIBUTED)
    assert service.ingest(legacy_change(task_id=task_id)).journaled.outcome == "duplicate"


def test_forged_legacy_upload_takes_no_task_flow_over(service: Service) -> None:
    """Only an upload that VOD has confirmed is remembered as the one that started a task flow."""
    session, other = service.begin(new_session()), service.begin(new_session())
    records = Records({FILE_ID: token_of(session)})
    records.run(changed(token_of(session)))

    for event in (legacy_upload(token_of(other)), legacy_upload(token_of(session))):
        service.verify(service.ingest(event, PUSH), records)
    ingested = service.verify(service.ingest(legacy_change(), PUSH), records)

    assert ingested.event.verdict is Verdict.ATTRIBUTED
    assert state_of(service.find(session), now=NOW) is UploadState.READY


def test_name_of_an_event_depends_on_its_token() -> None:
    """Two events that differ in their token alone are two, so that a forgery takes nobody's place."""
    names = {journal_name(notification_of(uploaded(token))) for token in ("", "one", "two")}

    assert len(names) == 3
    assert all(name.isascii() and len(name) <= 128 for name in names)


@pytest.mark.parametrize("sub_app_id", [None, 1500067890])
def test_file_is_looked_for_where_the_upload_went(service: Service, sub_app_id: int | None) -> None:
    """A policy can send uploads to another sub-application; the token says which, also after a recall."""
    session = new_session()
    context = UploadContext(session.upload_id, session.user_id, "", sub_app_id)
    token = seal(context, keys=(CONTEXT_KEY,), stage=STAGE)
    records = Records({FILE_ID: token})
    service.ingest(uploaded(token), PUSH)

    recalled = service.verify(service.recall_due(), records)

    assert recalled.event.verdict is not Verdict.QUARANTINED
    assert records.applications == [sub_app_id] * 2
    assert service.find(session).grant.vod_sub_app_id == sub_app_id
