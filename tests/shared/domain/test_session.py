from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.session import (
    COMMIT_RETRY_SECONDS,
    TASK_FLOW_CHECK_SECONDS,
    UPLOAD_CHECKS_SECONDS,
    Facts,
    ProcedureOutcome,
    UploadSession,
    expiry_facts,
    facts_of,
    first_check_at,
    is_final,
    may_renew,
    next_check_at,
    state_of,
)
from tests.shared.uploads import (
    FILE_ID,
    NOW,
    SESSION_SECONDS,
    TASK_ID,
    changed,
    facts_in,
    new_session,
    notification_of,
    uploaded,
)

RUNNING = ProcedureOutcome("PROCESSING", succeeded=False)
READY = ProcedureOutcome("FINISH", succeeded=True)
FAILED = ProcedureOutcome("FINISH", succeeded=False)
END = NOW + SESSION_SECONDS

ISSUED = new_session()
UPLOADED = replace(ISSUED, uploaded_at=NOW + 60, file_id=FILE_ID)
FLOWING = replace(UPLOADED, procedure_task_id=TASK_ID)
SILENT = replace(FLOWING, grant=replace(FLOWING.grant, task_notify_mode="None"))

STATES = [
    pytest.param(ISSUED, NOW, "issued", id="new"),
    pytest.param(ISSUED, END - 1, "issued", id="in its last second"),
    pytest.param(ISSUED, END, "expired", id="at its end"),
    pytest.param(replace(ISSUED, expired_at=NOW), NOW, "expired", id="ended by the timer"),
    pytest.param(replace(ISSUED, cancelled_at=NOW), NOW, "cancelled", id="cancelled"),
    pytest.param(replace(ISSUED, cancelled_at=NOW), END, "cancelled", id="cancelled, later"),
    pytest.param(UPLOADED, NOW + 60, "uploaded", id="uploaded"),
    pytest.param(UPLOADED, END, "uploaded", id="uploaded, later"),
    pytest.param(replace(UPLOADED, cancelled_at=NOW), END, "uploaded", id="uploaded though cancelled"),
    pytest.param(replace(UPLOADED, expired_at=NOW), END, "uploaded", id="uploaded though expired"),
    pytest.param(FLOWING, NOW + 60, "processing", id="task flow started"),
    pytest.param(SILENT, NOW + 60, "uploaded", id="task flow that will not report"),
    pytest.param(replace(ISSUED, procedure_task_id=TASK_ID), NOW, "issued", id="task id without a file"),
    pytest.param(replace(FLOWING, procedure=RUNNING), NOW, "processing", id="running"),
    pytest.param(replace(ISSUED, procedure=RUNNING), END, "processing", id="running, upload unheard of"),
    pytest.param(replace(FLOWING, procedure=READY), NOW, "ready", id="ready"),
    pytest.param(replace(ISSUED, procedure=READY), NOW, "ready", id="ready, upload unheard of"),
    pytest.param(replace(SILENT, procedure=READY), NOW, "ready", id="ready though silent"),
    pytest.param(replace(FLOWING, procedure=FAILED), NOW, "failed", id="failed"),
    pytest.param(replace(FLOWING, procedure=FAILED, cancelled_at=NOW), END, "failed", id="failed, cancelled"),
]


@pytest.mark.parametrize(("session", "now", "state"), STATES)
def test_state_is_read_off_the_facts(session: UploadSession, now: int, state: str) -> None:
    """Every combination of facts has one state; a file that VOD has outweighs any ending of ours.

    A client goes on asking while an upload is issued or processing, and stops at all other states.
    """
    assert state_of(session, now=now).value == state
    assert is_final(session, now=now) is (state not in {"issued", "processing"})


RETRY_END = NOW + 60 + COMMIT_RETRY_SECONDS


@pytest.mark.parametrize(
    ("session", "now", "allowed"),
    [
        pytest.param(ISSUED, NOW, True, id="new"),
        pytest.param(ISSUED, END - 1, True, id="in its last second"),
        pytest.param(ISSUED, END, False, id="at its end"),
        pytest.param(replace(ISSUED, cancelled_at=NOW), NOW, False, id="cancelled"),
        pytest.param(replace(ISSUED, expired_at=NOW), NOW, False, id="expired"),
        pytest.param(UPLOADED, RETRY_END - 1, True, id="uploaded, the Commit's answer was lost"),
        pytest.param(UPLOADED, RETRY_END, False, id="uploaded, too long ago"),
        pytest.param(FLOWING, RETRY_END - 1, True, id="processing, the Commit's answer was lost"),
        pytest.param(replace(FLOWING, procedure=READY), RETRY_END - 1, True, id="ready at once"),
        pytest.param(replace(UPLOADED, cancelled_at=NOW), NOW + 61, False, id="uploaded though cancelled"),
    ],
)
def test_renewal_is_allowed_until_the_upload_has_ended(
    session: UploadSession, now: int, *, allowed: bool
) -> None:
    """An open upload may be signed for again, and a finished one for as long as an SDK repeats its Commit."""
    assert may_renew(session, now=now) is allowed


def test_upload_event_says_what_vod_has() -> None:
    """The first event about a file gives its id, its addresses, its task flow and the time."""
    address = f"https://1500012345.vod-example.test/{FILE_ID}"

    facts = facts_in(uploaded(task_id=TASK_ID), received_at=NOW + 5)

    assert facts == Facts(
        FILE_ID,
        (
            ("uploaded_at", str(NOW + 5)),
            ("media_url", f"{address}/original.mp4"),
            ("cover_url", f"{address}/cover.png"),
            ("procedure_task_id", TASK_ID),
            ("media_type", "mp4"),
        ),
        check_after=TASK_FLOW_CHECK_SECONDS,
    )


def test_upload_event_says_what_the_file_is() -> None:
    """Its size and length are kept too, to be held against what its policy allows (F12)."""
    event: dict[str, Any] = uploaded()
    event["FileUploadEvent"]["MetaData"] = {"Size": 0, "Duration": 120.04}

    first = dict(facts_in(event).first)

    assert (first["size"], first["duration"]) == ("0", "120.04")


def test_upload_event_leaves_out_what_it_does_not_know() -> None:
    """An address that was not sent is no fact: a later event may still tell it."""
    event = {"EventType": "NewFileUpload", "FileUploadEvent": {"FileId": FILE_ID}}

    assert facts_in(event) == Facts(FILE_ID, (("uploaded_at", str(NOW)),), check_after=0)


@pytest.mark.parametrize(
    ("event", "check_after"),
    [
        (changed(status="PROCESSING", subtask="PROCESSING", progress=40), TASK_FLOW_CHECK_SECONDS),
        (changed(status="FINISH", subtask="FAIL"), 0),
    ],
    ids=["running", "finished"],
)
def test_task_flow_event_says_how_far_it_has_come(event: dict[str, object], check_after: int) -> None:
    """A report of a task flow carries its outcome, and schedules a check in case the next one is missed."""
    state = notification_of(event).procedure_state
    assert state is not None

    facts = facts_in(event)

    assert facts.check_after == check_after
    assert facts.outcome == ProcedureOutcome(state.status, succeeded=False, subtasks=state.subtasks)


def test_task_flows_reports_are_ordered_by_how_far_it_has_come() -> None:
    """Started, then each percent, then a subtask's end, then the end of all: each outranks the one before."""
    stages = [
        changed(status="PROCESSING", subtask="WAITING", progress=0),
        changed(status="PROCESSING", subtask="PROCESSING", progress=0),
        changed(status="PROCESSING", subtask="PROCESSING", progress=99),
        changed(status="PROCESSING", subtask="SUCCESS", progress=100),
        changed(status="FINISH", subtask="SUCCESS", progress=100),
    ]

    ranks = [facts_in(stage).rank for stage in stages]

    assert ranks == sorted(set(ranks))
    assert ranks[0] > 0


@pytest.mark.parametrize("progress", [-5, 101, 2**62])
def test_progress_that_is_none_cannot_outrank_the_end(progress: int) -> None:
    """A number from outside does not decide: it counts as 0 to 100 percent."""
    wild = facts_in(changed(status="PROCESSING", subtask="PROCESSING", progress=progress))
    plain = facts_in(changed(status="PROCESSING", subtask="PROCESSING", progress=100))
    end = facts_in(changed())

    assert wild.rank <= plain.rank < end.rank


def test_other_event_says_only_which_file_it_is_about() -> None:
    """An event type that moves no upload adds nothing but its file."""
    event = {"EventType": "ReviewAudioVideoComplete", "ReviewAudioVideoCompleteEvent": {"FileId": FILE_ID}}

    assert facts_of(notification_of(event), received_at=NOW) == Facts(FILE_ID)


def test_expiry_says_when_and_ends_the_checks() -> None:
    """The end of an unused upload is a fact like any other."""
    assert expiry_facts(now=NOW) == Facts("", (("expired_at", str(NOW)),), check_after=0)


def test_first_check_is_soon_but_never_after_the_end() -> None:
    """A new upload is checked after a quarter of an hour, a shorter session at its end."""
    assert first_check_at(ISSUED) == NOW + UPLOAD_CHECKS_SECONDS[0]
    assert first_check_at(replace(ISSUED, ends_at=NOW + 60)) == NOW + 60


@pytest.mark.parametrize(
    ("session", "now", "expected"),
    [
        pytest.param(ISSUED, NOW, NOW + 900, id="new"),
        pytest.param(ISSUED, NOW + 900, NOW + 3600, id="after the first check"),
        pytest.param(ISSUED, NOW + 3600, NOW + 4 * 3600, id="after the second"),
        pytest.param(ISSUED, NOW + 4 * 3600, END, id="after the third"),
        pytest.param(ISSUED, END + 5, END + 6, id="past its end"),
        pytest.param(replace(ISSUED, cancelled_at=NOW), NOW, NOW + 900, id="cancelled"),
        pytest.param(replace(ISSUED, cancelled_at=NOW), END, None, id="cancelled, past its end"),
        pytest.param(replace(ISSUED, expired_at=END), END, None, id="expired"),
        pytest.param(UPLOADED, NOW + 60, None, id="uploaded"),
        pytest.param(FLOWING, NOW + 60, NOW + 60 + TASK_FLOW_CHECK_SECONDS, id="task flow started"),
        pytest.param(SILENT, NOW + 60, None, id="task flow that will not report"),
        pytest.param(replace(FLOWING, procedure=READY), NOW + 60, None, id="ready"),
    ],
)
def test_next_check_is_planned_while_something_may_come(
    session: UploadSession, now: int, expected: int | None
) -> None:
    """Checks grow rarer; the last check of an unused upload expires it, and a finished one has none."""
    assert next_check_at(session, now=now) == expected
