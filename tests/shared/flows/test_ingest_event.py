from __future__ import annotations

from dataclasses import replace

import pytest

from shared.config.settings import EventDeliverySettings, load_settings
from shared.domain.app_event import PULL, PUSH, RECONCILED
from shared.domain.event_status import Verdict
from shared.domain.ingested_event import IngestedEvent, Source, journal_name
from shared.domain.rate_limits import UploadLimits
from shared.domain.session import UploadSession, UploadState, state_of
from shared.errors import VodApiError
from shared.flows.ingest_event import LEASE_SECONDS, Ingester
from shared.flows.verify_event import MAX_ATTEMPTS
from shared.store.connection import StoreScope
from shared.store.journal import Store
from shared.vod.context_token import UploadContext, seal
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

KEY, OLD_KEY = "a" * 32, "b" * 32
STAGE = "test"


def settings_with(valkey_url: str, **changes: str) -> EventDeliverySettings:
    """Return the settings of a deployment."""
    environment = {
        "REDIS_URL": valkey_url,
        "STAGE": STAGE,
        "CONTEXT_KEYS": f"{KEY},{OLD_KEY}",
        "VOD_SECRET_ID": "AKIDexample0000",
        "VOD_SECRET_KEY": "example-secret-key",
        "APP_WEBHOOK_URL": "https://app.example.test/hook",
        "APP_WEBHOOK_SECRETS": "whsec_" + "AAAA" * 8,
    }
    return load_settings(EventDeliverySettings, {**environment, **changes})


@pytest.fixture
def ingester(valkey_url: str) -> Ingester:
    """Return an ingester that trusts a push only after the read-back."""
    return Ingester(Store(valkey_url, StoreScope(STAGE, 7200)), settings_with(valkey_url))


def begun(
    ingester: Ingester, user_id: str = "alice", *, context: str = "lesson 3"
) -> tuple[UploadSession, str]:
    """Begin an upload; return its session and its token."""
    session = new_session(user_id, context=context)
    ingester.store.begin_upload(session, randoms=(1, 2, 3), now=NOW, limits=UploadLimits(1000))
    return session, token_of(session)


def token_of(session: UploadSession, *, key: str = KEY, stage: str = STAGE) -> str:
    """Seal the token of an upload."""
    context = UploadContext(session.upload_id, session.user_id, session.grant.context)
    return seal(context, keys=(key,), stage=stage)


def ingest(
    ingester: Ingester, event: dict[str, object], *, origin: str = PUSH, lease: str = "l"
) -> IngestedEvent:
    """Ingest an event, a minute after the beginning."""
    return ingester.ingest(notification_of(event), Source(origin, NOW + 60, lease))


def verify(ingester: Ingester, ingested: IngestedEvent, records: Records) -> IngestedEvent:
    """Verify an event by what VOD keeps."""
    return ingester.verify(ingested, vod_api=records, now=NOW + 61, timeout_seconds=1.0)


def found(ingester: Ingester, session: UploadSession) -> UploadSession:
    """Read the upload as it is now."""
    return ingester.store.find_upload(session.user_id, session.upload_id)


@pytest.mark.parametrize("origin", [PULL, RECONCILED])
def test_event_that_vod_itself_gave_us_is_trusted(ingester: Ingester, origin: str) -> None:
    """Who was asked over an authenticated API is believed: the upload moves, the app hears `verified`."""
    session, token = begun(ingester)

    ingested = ingest(ingester, uploaded(token), origin=origin)

    assert ingested.journaled.outcome == "applied"
    assert ingested.deliverable
    assert (ingested.event.verdict, ingested.event.verified, ingested.event.sequence) == (
        Verdict.ATTRIBUTED,
        True,
        1,
    )
    assert ingested.event.uploader == UploadContext(session.upload_id, "alice", "lesson 3")
    assert found(ingester, session).file_id == FILE_ID


def test_pushed_event_is_held_until_vod_has_confirmed_its_file(ingester: Ingester) -> None:
    """A callback proves nothing about its sender: first VOD's own record is read."""
    session, token = begun(ingester)
    held = ingest(ingester, uploaded(token))

    assert held.journaled.outcome == "held"
    assert not held.deliverable
    assert found(ingester, session).file_id == ""

    sure = verify(ingester, held, Records({FILE_ID: token}))

    assert sure.journaled.outcome == "verified"
    assert sure.deliverable
    assert (sure.event.verified, sure.event.sequence) == (True, 1)
    assert found(ingester, session).file_id == FILE_ID


def test_pushed_event_is_trusted_where_the_read_back_is_off(valkey_url: str) -> None:
    """The operator may do without: uploads move at once, and the app is told `verified: false`."""
    store = Store(valkey_url, StoreScope(STAGE, 7200))
    ingester = Ingester(store, settings_with(valkey_url, READ_BACK="off"))
    session, token = begun(ingester)

    ingested = ingest(ingester, uploaded(token))

    assert ingested.deliverable
    assert ingested.event.verified is False
    assert found(ingester, session).file_id == FILE_ID


@pytest.mark.parametrize("context", ["", "order-7781", '{"u":"user-42"}', "vuf2.abc.def", "vuf1", "\ufffd"])
@pytest.mark.parametrize("origin", [PUSH, PULL])
def test_event_of_somebody_elses_upload_is_unattributed(
    ingester: Ingester, context: str, origin: str
) -> None:
    """What the console or the server API uploads has no token of ours: it is passed on as it is (F34)."""
    ingested = ingest(ingester, uploaded(context), origin=origin)

    assert ingested.journaled.outcome == "recorded"
    assert ingested.deliverable
    assert ingested.event.verdict is Verdict.UNATTRIBUTED
    assert ingested.event.uploader is None
    assert ingested.event.type == "vod.NewFileUpload"


ALICES, BOBS = token_of(new_session("alice")), token_of(new_session("bob"))
PAYLOAD, _, DIGEST = ALICES.rpartition(".")
FORGERIES = {
    "spliced": f"{BOBS.rpartition('.')[0]}.{DIGEST}",
    "cut": ALICES[:-1],
    "without digest": f"{PAYLOAD}.",
    "without digest and dot": PAYLOAD,
    "prefix alone": "vuf1.",
    "longer": f"{ALICES}A",
    "bit turned": PAYLOAD + "." + ("B" if DIGEST[0] == "A" else "A") + DIGEST[1:],
    "foreign key": token_of(new_session(), key="c" * 32),
    "other stage": token_of(new_session(), stage="prod"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("origin", [PUSH, PULL])
def test_broken_seal_is_quarantined(ingester: Ingester, forgery: str, origin: str) -> None:
    """A changed, cut, spliced, foreign or wrong-stage token is kept, and never delivered (S24, S25)."""
    ingested = ingest(ingester, uploaded(FORGERIES[forgery]), origin=origin)

    assert ingested.event.verdict is Verdict.QUARANTINED
    assert ingested.event.uploader is None
    assert not ingested.deliverable
    assert ingester.store.due_events(now=NOW * 2, limit=10) == ()


def test_token_of_the_old_key_still_opens(ingester: Ingester) -> None:
    """During a rotation tokens of both keys are ours (F19)."""
    session, _ = begun(ingester)

    ingested = ingest(ingester, uploaded(token_of(session, key=OLD_KEY)), origin=PULL)

    assert ingested.event.verdict is Verdict.ATTRIBUTED


def test_forged_file_is_quarantined_and_the_genuine_event_still_counts(ingester: Ingester) -> None:
    """An uploader posts his own token with a foreign file: nobody is harmed by it (S23b).

    The victim's event, the forger's own upload, and further events all go on as if it had not been.
    """
    victim, victims_token = begun(ingester, "victim")
    forger, forgers_token = begun(ingester, "forger")
    records = Records({FILE_ID: victims_token, OTHER_FILE_ID: forgers_token})

    forged = verify(ingester, ingest(ingester, uploaded(forgers_token)), records)
    genuine = verify(ingester, ingest(ingester, uploaded(victims_token)), records)
    own = verify(ingester, ingest(ingester, uploaded(forgers_token, file_id=OTHER_FILE_ID)), records)

    assert (forged.event.verdict, forged.event.verified, forged.deliverable) == (
        Verdict.QUARANTINED,
        False,
        False,
    )
    assert (genuine.event.verdict, genuine.deliverable) == (Verdict.ATTRIBUTED, True)
    assert (own.event.verdict, own.event.sequence) == (Verdict.ATTRIBUTED, 1)
    assert found(ingester, victim).file_id == FILE_ID
    assert found(ingester, forger).file_id == OTHER_FILE_ID


def test_forgery_in_the_same_partition_does_not_stand_in_the_way(ingester: Ingester) -> None:
    """Also when forger and victim are one user, with two uploads, each event keeps its own place."""
    first, first_token = begun(ingester, "alice")
    second, second_token = begun(ingester, "alice")
    records = Records({FILE_ID: second_token})

    forged = verify(ingester, ingest(ingester, uploaded(first_token)), records)
    genuine = verify(ingester, ingest(ingester, uploaded(second_token)), records)

    assert forged.event.verdict is Verdict.QUARANTINED
    assert genuine.event.verdict is Verdict.ATTRIBUTED
    assert found(ingester, first).file_id == ""
    assert found(ingester, second).file_id == FILE_ID


@pytest.mark.parametrize("file_id", [OTHER_FILE_ID, "", "\ufffd", "0" * 5000])
def test_invented_file_is_quarantined(ingester: Ingester, file_id: str) -> None:
    """A file that VOD still does not have, or an event that names none, is taken for a forgery."""
    session, token = begun(ingester)
    looked_for = replace(ingest(ingester, uploaded(token, file_id=file_id)), attempts=MAX_ATTEMPTS)

    ingested = verify(ingester, looked_for, Records({FILE_ID: token}))

    assert ingested.event.verdict is Verdict.QUARANTINED
    assert state_of(found(ingester, session), now=NOW) is UploadState.ISSUED


@pytest.mark.parametrize("attempts", range(MAX_ATTEMPTS))
def test_file_that_vod_does_not_know_yet_is_asked_for_again(ingester: Ingester, attempts: int) -> None:
    """An event can be ahead of VOD's own index: it stays held, and is not called a forgery at once."""
    _, token = begun(ingester)
    early = replace(ingest(ingester, uploaded(token)), attempts=attempts)

    with pytest.raises(VodApiError):
        verify(ingester, early, Records())

    assert verify(ingester, early, Records({FILE_ID: token})).event.verdict is Verdict.ATTRIBUTED


def test_event_without_a_file_costs_no_question(ingester: Ingester) -> None:
    """VOD is not asked about an event without a file."""
    records = Records()
    _, token = begun(ingester)

    verify(ingester, ingest(ingester, uploaded(token, file_id="")), records)

    assert records.asked == []


def test_event_stays_held_while_vod_cannot_be_asked(ingester: Ingester) -> None:
    """A failed question decides nothing: the event waits, and can be settled later."""
    session, token = begun(ingester)
    held = ingest(ingester, uploaded(token))

    with pytest.raises(VodApiError):
        verify(ingester, held, Records(failing={"media_info"}))

    assert found(ingester, session).file_id == ""
    assert len(ingester.store.due_events(now=NOW + 60 + LEASE_SECONDS, limit=10)) == 1
    assert verify(ingester, held, Records({FILE_ID: token})).journaled.outcome == "verified"


@pytest.mark.parametrize(("first", "second"), [(PUSH, PULL), (PULL, PUSH), (PUSH, PUSH), (PULL, PULL)])
def test_one_event_by_two_ways_is_one_event(ingester: Ingester, first: str, second: str) -> None:
    """Switching between push and pull loses and doubles nothing (F36)."""
    _, token = begun(ingester)

    one, two = (
        ingest(ingester, uploaded(token), origin=first),
        ingest(ingester, uploaded(token), origin=second),
    )

    assert two.journaled.outcome == "duplicate"
    assert not two.deliverable
    assert one.event.event_id == two.event.event_id


def test_task_flow_is_known_by_its_session_context(ingester: Ingester) -> None:
    """The event of a task flow names its upload through sessionContext, and VOD tells the rest."""
    session, token = begun(ingester)
    records = Records({FILE_ID: token})
    records.run(changed(token))
    verify(ingester, ingest(ingester, uploaded(token, task_id=TASK_ID)), records)

    ingested = verify(ingester, ingest(ingester, changed(token)), records)

    assert (ingested.journaled.outcome, ingested.event.type) == ("verified", "procedure.finished")
    assert records.asked == [FILE_ID]
    assert state_of(found(ingester, session), now=NOW) is UploadState.READY


def test_lead_of_a_push_is_its_functions_own(ingester: Ingester) -> None:
    """A pushed event is due for the timer only after its function's time; a pulled one at once."""
    _, token = begun(ingester)
    ingest(ingester, uploaded(token))

    assert ingester.store.due_events(now=NOW + 60 + LEASE_SECONDS - 1, limit=10) == ()
    assert len(ingester.store.due_events(now=NOW + 60 + LEASE_SECONDS, limit=10)) == 1

    ingest(ingester, uploaded("console", file_id=OTHER_FILE_ID), origin=PULL)
    assert len(ingester.store.due_events(now=NOW + 60, limit=10)) == 1


def test_nothing_is_due_where_no_webhook_is_set_up(valkey_url: str) -> None:
    """With the webhook off, events are journaled and wait for nobody; held ones wait for VOD."""
    store = Store(valkey_url, StoreScope(STAGE, 7200))
    ingester = Ingester(store, settings_with(valkey_url, APP_WEBHOOK_URL="off"))
    _, token = begun(ingester)

    ingest(ingester, uploaded("console"))
    assert store.due_events(now=NOW * 2, limit=10) == ()

    ingest(ingester, uploaded(token))
    assert len(store.due_events(now=NOW * 2, limit=10)) == 1


@pytest.mark.parametrize(
    "event", [uploaded("order-7781", task_id=TASK_ID), changed("x"), {"EventType": "New"}]
)
def test_event_comes_back_from_the_journal_as_it_went_in(
    ingester: Ingester, event: dict[str, object]
) -> None:
    """An event read from the journal equals the ingested one."""
    ingested = ingest(ingester, event)
    (at,) = ingester.store.due_events(now=NOW * 2, limit=10)
    taken = ingester.store.take(at, endpoint="", now=NOW * 2, lease="timer", lease_ends_at=NOW * 3)
    assert taken is not None

    recalled = ingester.recall(taken)

    assert recalled.event == ingested.event
    assert recalled.journaled.outcome == ingested.journaled.outcome
    assert recalled.deliverable is ingested.deliverable
    assert recalled.entry.name == ingested.entry.name
    assert recalled.entry.lease == "timer"


def test_held_event_can_be_verified_from_the_journal(ingester: Ingester) -> None:
    """What the function could not verify, the timer can, from the journal alone."""
    session, token = begun(ingester)
    ingest(ingester, uploaded(token, task_id=TASK_ID))
    (at,) = ingester.store.due_events(now=NOW * 2, limit=10)
    taken = ingester.store.take(at, endpoint="", now=NOW * 2, lease="timer", lease_ends_at=NOW * 3)
    assert taken is not None

    records = Records({FILE_ID: token})
    records.run(changed(token, status="PROCESSING"))

    sure = verify(ingester, ingester.recall(taken), records)

    assert sure.deliverable
    assert (sure.event.verified, sure.event.uploader) == (
        True,
        UploadContext(session.upload_id, "alice", "lesson 3"),
    )
    assert found(ingester, session).procedure_task_id == TASK_ID


def test_expired_upload_is_an_event_for_the_app(ingester: Ingester) -> None:
    """The end of an unused upload is journaled once, and comes back from the journal as it was."""
    session, _ = begun(ingester)

    ingested = ingester.expire(session, now=session.ends_at, lease="timer")
    again = ingester.expire(session, now=session.ends_at, lease="timer")
    (at,) = ingester.store.due_events(now=NOW * 2, limit=10)
    taken = ingester.store.take(at, endpoint="", now=NOW * 2, lease="timer", lease_ends_at=NOW * 3)
    assert taken is not None

    assert (ingested.event.type, ingested.event.verdict, ingested.event.sequence) == (
        "upload.expired",
        Verdict.ATTRIBUTED,
        1,
    )
    assert again.journaled.outcome == "duplicate"
    assert ingester.recall(taken).event == ingested.event


def legacy_upload(token: str) -> dict[str, object]:
    """Return a NewFileUpload event in the legacy format."""
    content = {"fileId": FILE_ID, "fileUrl": "", "sourceContext": token, "procedureTaskId": TASK_ID}
    return {"version": "4.0", "eventType": "NewFileUpload", "data": content}


def legacy_change(*, task_id: str = TASK_ID) -> dict[str, object]:
    """Return a ProcedureStateChanged event in the legacy format, which carries no context."""
    content = {"vodTaskId": task_id, "status": "FINISH", "fileId": FILE_ID, "errCode": 0}
    return {"version": "4.0", "eventType": "ProcedureStateChanged", "data": content}


def test_legacy_task_flow_belongs_to_the_upload_that_started_it(ingester: Ingester) -> None:
    """The legacy format names no context in a task flow's event: the upload's event gives it away."""
    session, token = begun(ingester)
    ingest(ingester, legacy_upload(token), origin=PULL)

    ingested = ingest(ingester, legacy_change(), origin=PULL)

    assert (ingested.event.type, ingested.event.verdict) == ("procedure.finished", Verdict.ATTRIBUTED)
    assert state_of(found(ingester, session), now=NOW) is UploadState.READY
    recalled = [
        ingester.recall(taken).event
        for at in ingester.store.due_events(now=NOW * 2, limit=10)
        if (taken := ingester.store.take(at, endpoint="", now=NOW * 2, lease="timer", lease_ends_at=NOW * 3))
    ]
    assert ingested.event in recalled


@pytest.mark.parametrize("task_id", [TASK_ID, "", "another-task"])
def test_legacy_task_flow_of_an_unknown_upload_is_unattributed(ingester: Ingester, task_id: str) -> None:
    """A task flow that no upload of ours is known to have started is passed on as it is."""
    ingested = ingest(ingester, legacy_change(task_id=task_id))

    assert (ingested.event.type, ingested.event.verdict) == (
        "vod.ProcedureStateChanged",
        Verdict.UNATTRIBUTED,
    )


def test_name_of_an_event_depends_on_its_token() -> None:
    """Two events that differ in their token alone are two, so that a forgery takes nobody's place."""
    names = {journal_name(notification_of(uploaded(token))) for token in ("", "one", "two")}

    assert len(names) == 3
    assert all(name.isascii() and len(name) <= 128 for name in names)


def test_log_may_say_of_an_event_what_identifies_it(ingester: Ingester) -> None:
    """Ids, type and verdict: no token, no user, no context."""
    session, token = begun(ingester, "canary-user", context="canary-context")

    figures = ingest(ingester, uploaded(token)).figures

    assert figures["uploadId"] == session.upload_id
    assert figures.keys() == {"eventId", "type", "verdict", "uploadId"}
    assert "canary" not in str(figures)


def test_legacy_task_flow_before_its_upload_stays_one_event(ingester: Ingester) -> None:
    """It cannot be attributed then; sent again when its upload is known, it is still the same event."""
    _, token = begun(ingester)

    early = ingest(ingester, legacy_change(), origin=PULL)
    ingest(ingester, legacy_upload(token), origin=PULL)
    again = ingest(ingester, legacy_change(), origin=PULL)

    assert early.event.verdict is Verdict.UNATTRIBUTED
    assert again.journaled.outcome == "duplicate"


def test_forged_legacy_upload_takes_no_task_flow_over(ingester: Ingester) -> None:
    """Only an upload that VOD has confirmed is remembered as the one that started a task flow."""
    session, token = begun(ingester)
    _, others_token = begun(ingester)
    records = Records({FILE_ID: token})
    records.run(changed(token))

    verify(ingester, ingest(ingester, legacy_upload(others_token)), records)
    verify(ingester, ingest(ingester, legacy_upload(token)), records)
    ingested = verify(ingester, ingest(ingester, legacy_change()), records)

    assert ingested.event.verdict is Verdict.ATTRIBUTED
    assert state_of(found(ingester, session), now=NOW) is UploadState.READY


@pytest.mark.parametrize("sub_app_id", [None, 1500067890])
def test_file_is_looked_for_where_the_upload_went(ingester: Ingester, sub_app_id: int | None) -> None:
    """A policy can send uploads to another sub-application; the token says which, also after a recall."""
    session = new_session()
    context = UploadContext(session.upload_id, session.user_id, "", sub_app_id)
    token = seal(context, keys=(KEY,), stage=STAGE)
    records = Records({FILE_ID: token})
    ingested = ingest(ingester, uploaded(token))
    taken = ingester.store.take(
        ingester.store.key_of(ingested.entry), endpoint="", now=NOW * 2, lease="timer", lease_ends_at=NOW * 3
    )
    assert taken is not None

    recalled = verify(ingester, ingester.recall(taken), records)

    assert recalled.event.verdict is not Verdict.QUARANTINED
    assert records.applications == [sub_app_id] * 2
    assert found(ingester, session).grant.vod_sub_app_id == sub_app_id


@pytest.mark.parametrize(("url", "delivery"), [("https://app.example.test/hook", "due"), ("off", "kept")])
def test_event_says_whether_it_has_anywhere_to_go(valkey_url: str, url: str, delivery: str) -> None:
    """With the webhook off an event is kept and shown as such, not as one that waits."""
    settings = settings_with(valkey_url, APP_WEBHOOK_URL=url)
    ingester = Ingester(Store(valkey_url, StoreScope(STAGE, 7200)), settings)

    ingested = ingest(ingester, uploaded(), origin=PULL)

    assert dict(ingested.entry.fields)["delivery"] == delivery
