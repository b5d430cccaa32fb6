from __future__ import annotations

from typing import Any

import pytest

from shared.domain.session import (
    APPLICATION_CHECK_SECONDS,
    COMMIT_RETRY_SECONDS,
    LONGEST_CHECK_SECONDS,
    RETRY_SECONDS,
    TASK_FLOW_CHECK_SECONDS,
    Facts,
    ProcedureOutcome,
    UploadSession,
    expiry_facts,
    facts_of,
    first_check_at,
    is_final,
    next_check_at,
    signature_ends_at,
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
UPLOADED = ISSUED._replace(uploaded_at=NOW + 60, file_id=FILE_ID)
FLOWING = UPLOADED._replace(procedure_task_id=TASK_ID)
DAYS_LATER = NOW + 5 * 86_400
SILENT = FLOWING._replace(grant=FLOWING.grant._replace(task_notify_mode="None"))

RETRY_END = NOW + 60 + COMMIT_RETRY_SECONDS
FLOW_CHECK = TASK_FLOW_CHECK_SECONDS
LAG = 2700
SITUATIONS: dict[str, tuple[UploadSession, int, str, int | None]] = {
    "new": (ISSUED, NOW, "issued", END),
    "in its last second": (ISSUED, END - 1, "issued", END),
    "at its end": (ISSUED, END, "expired", END + LAG),
    "its signature is out": (ISSUED._replace(signed_until=END + 9), END, "expired", END + 9),
    "past its end": (ISSUED, END + 5, "expired", END + 5 + LAG),
    "ended by the timer": (ISSUED._replace(expired_at=NOW), NOW, "expired", None),
    "cancelled": (ISSUED._replace(cancelled_at=NOW), NOW, "cancelled", END),
    "cancelled, past its end": (ISSUED._replace(cancelled_at=NOW), END, "cancelled", None),
    "uploaded": (UPLOADED, NOW + 60, "uploaded", None),
    "the Commit's answer was lost": (UPLOADED, RETRY_END - 1, "uploaded", None),
    "uploaded, too long ago": (UPLOADED, RETRY_END, "uploaded", None),
    "uploaded though cancelled": (UPLOADED._replace(cancelled_at=NOW), NOW + 61, "uploaded", None),
    "uploaded though expired": (UPLOADED._replace(expired_at=NOW), END, "uploaded", None),
    "task flow started": (FLOWING, RETRY_END - 1, "processing", RETRY_END - 1 + FLOW_CHECK),
    "task flow that will not report": (SILENT, NOW + 60, "uploaded", None),
    "task id without a file": (ISSUED._replace(procedure_task_id="t"), NOW, "issued", NOW + FLOW_CHECK),
    "running for days": (FLOWING, DAYS_LATER, "processing", DAYS_LATER + 6 * 3600),
    "running": (FLOWING._replace(procedure=RUNNING), NOW, "processing", NOW + FLOW_CHECK),
    "running, upload unheard of": (ISSUED._replace(procedure=RUNNING), END, "processing", None),
    "ready": (FLOWING._replace(procedure=READY), RETRY_END - 1, "ready", None),
    "ready, upload unheard of": (ISSUED._replace(procedure=READY), NOW, "ready", END),
    "ready though silent": (SILENT._replace(procedure=READY), NOW, "ready", None),
    "failed": (FLOWING._replace(procedure=FAILED), NOW, "failed", None),
    "failed, cancelled": (FLOWING._replace(procedure=FAILED, cancelled_at=1), END, "failed", None),
}
"""A session, the time, its state then, and its next check."""


@pytest.mark.parametrize(("session", "now", "state", "next_check"), SITUATIONS.values(), ids=SITUATIONS)
def test_state_and_next_check_are_read_off_the_facts(
    session: UploadSession, now: int, state: str, next_check: int | None
) -> None:
    """Every combination of facts has one state; a file that VOD has outweighs any ending of ours.

    A client goes on asking while an upload is issued or processing. Checks of a task flow grow rarer; an
    unused upload is checked at its end and until VOD's list is read so far, and there is none where nothing
    more may come.
    """
    assert state_of(session, now=now).value == state
    assert is_final(session, now=now) is (state not in {"issued", "processing"})
    assert next_check_at(session, now=now, listed_until=END - LAG) == next_check


@pytest.mark.parametrize(
    ("listed_until", "pause"), [(END, RETRY_SECONDS), (END - 600, 600), (NOW, LONGEST_CHECK_SECONDS)]
)
def test_ended_upload_waits_as_long_as_reading_takes(listed_until: int, pause: int) -> None:
    """A list that is far behind is not compared with every upload at every run."""
    assert next_check_at(ISSUED, now=END, listed_until=listed_until) == END + pause


@pytest.mark.parametrize(
    ("session", "expires_at"),
    [(ISSUED, NOW + 100 + 600), (UPLOADED, NOW + 60 + COMMIT_RETRY_SECONDS)],
    ids=["open", "has a file"],
)
def test_signature_for_a_repeated_commit_ends_early(session: UploadSession, expires_at: int) -> None:
    """A signature lives as the policy says, and after the file no longer than a Commit is repeated."""
    assert signature_ends_at(session, now=NOW + 100) == expires_at


def test_upload_event_says_what_vod_has() -> None:
    """The first event about a file gives its id, its addresses, its task flow, what it is and the time.

    Its size and length are held against what its policy allows (F12).
    """
    address = f"https://1500012345.vod-example.test/{FILE_ID}"
    event: dict[str, Any] = uploaded(task_id=TASK_ID)
    event["FileUploadEvent"]["MetaData"] = {"Size": 0, "Duration": 120.04}

    facts = facts_in(event, received_at=NOW + 5)

    assert (facts.file_id, facts.check_after) == (FILE_ID, TASK_FLOW_CHECK_SECONDS)
    assert facts.first == (
        ("uploaded_at", str(NOW + 5)),
        ("media_url", f"{address}/original.mp4"),
        ("cover_url", f"{address}/cover.png"),
        ("procedure_task_id", TASK_ID),
        *(("size", "0"), ("duration", "120.04"), ("media_type", "mp4")),
    )


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


def test_first_check_is_at_the_end_and_sooner_in_another_sub_application() -> None:
    """VOD's list of another sub-application is read from the first check on."""
    elsewhere = ISSUED._replace(grant=ISSUED.grant._replace(vod_sub_app_id=1500067890))

    assert first_check_at(ISSUED) == END
    assert first_check_at(elsewhere) == NOW + APPLICATION_CHECK_SECONDS
    assert first_check_at(elsewhere._replace(ends_at=NOW + 60)) == NOW + 60
