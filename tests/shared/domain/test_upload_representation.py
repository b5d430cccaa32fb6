from __future__ import annotations

from typing import Any

import pytest

from shared.domain.file_limits import FileLimits
from shared.domain.policy import Grant
from shared.domain.session import ProcedureOutcome, UploadSession, UploadState
from shared.domain.upload_representation import (
    POLL_SECONDS,
    entity_tag,
    matches,
    subtask_json,
    upload_answer,
)
from shared.vod.notification_types import Subtask

NOW = 1_793_318_400
SESSION = UploadSession(
    upload_id="01M81669D17WFRRRZ186G60VX5",
    user_id="alice",
    grant=Grant("course", 600, one_time=True, context="lesson 3"),
    issued_at=NOW - 60,
    ends_at=NOW + 600,
    updated_at=NOW - 60,
)


def test_instants_are_iso_8601_in_utc() -> None:
    """As GNU date spells them: date -u -d @1793318400 +%FT%TZ."""
    answer = upload_answer(SESSION._replace(uploaded_at=NOW), now=NOW)

    assert answer["uploadedAt"] == "2026-10-30T00:00:00Z"
    assert answer["issuedAt"] == "2026-10-29T23:59:00Z"
    assert answer["expiresAt"] == "2026-10-30T00:10:00Z"
    assert answer["cancelledAt"] is None


def test_owner_is_not_told_who_he_is() -> None:
    """The answer, whose members the OpenAPI document lists, does not hold the user's id."""
    assert "alice" not in upload_answer(SESSION, now=NOW).values()


def test_outcome_lists_its_subtasks() -> None:
    """Each subtask has the members that a player needs."""
    subtask = Subtask(group="media", kind="Transcode", definition=7, status="SUCCESS", output_urls=("u",))
    outcome = ProcedureOutcome("FINISH", succeeded=True, subtasks=(subtask,))

    answer: Any = upload_answer(SESSION._replace(uploaded_at=NOW, procedure=outcome), now=NOW)

    assert answer["state"] == "ready"
    assert (answer["procedure"]["status"], answer["procedure"]["succeeded"]) == ("FINISH", True)
    assert answer["procedure"]["subtasks"][0]["definition"] == 7


@pytest.mark.parametrize(
    ("status", "word", "number", "retriable"),
    [
        ("FAIL", "InternalError", 70000, True),
        ("FAIL", "InvalidInput[Definition]", None, False),
        ("FAIL", "SourceFileError[Decode]", None, False),
        ("FAIL", "", 70000, True),
        ("FAIL", "", 60000, False),
        ("FAIL", "OfNextYear", 70000, None),
        ("FAIL", "", None, None),
        ("SUCCESS", "", 0, None),
    ],
)
def test_failed_subtask_says_whether_another_try_can_succeed(
    status: str, word: str, number: int | None, *, retriable: bool | None
) -> None:
    """VOD's own failure may pass; a file or a template that is wrong stays so (doc 266/33953)."""
    subtask = Subtask(group="media", kind="Transcode", status=status, err_code_ext=word, err_code=number)

    assert subtask_json(subtask)["retriable"] is retriable


@pytest.mark.parametrize(
    ("told", "violations"),
    [
        ({"size": None, "duration": None, "media_type": ""}, None),
        ({}, []),
        ({"duration": 61.5}, [{"limit": "maxDuration", "allowed": 60, "actual": 61.5}]),
        ({"uploaded_at": None}, None),
    ],
    ids=["nothing told of it", "within", "beyond", "no file"],
)
def test_owner_is_told_what_his_file_is_beyond(told: dict[str, Any], violations: object) -> None:
    """As the app is; before there is a file, nobody knows (F12)."""
    limits = FileLimits(max_file_size=100, max_duration=60, file_types=("mp4",))
    file: dict[str, Any] = {"uploaded_at": NOW, "size": 100, "duration": 60.5, "media_type": "mp4"}
    session = SESSION._replace(grant=SESSION.grant._replace(limits=limits), **{**file, **told})

    assert upload_answer(session, now=NOW)["breaches"] == violations


def test_every_state_that_is_not_final_says_when_to_ask_again() -> None:
    """Otherwise a client that waits would have to guess."""
    assert set(POLL_SECONDS) == {UploadState.ISSUED, UploadState.PROCESSING}


def test_tag_stands_for_the_content() -> None:
    """Equal answers have one tag, whatever the order of their members; others have another."""
    answer = upload_answer(SESSION, now=NOW)

    assert entity_tag(answer) == entity_tag(dict(reversed(answer.items())))
    assert entity_tag(answer) != entity_tag({**answer, "state": "uploaded"})
    assert entity_tag(answer) != entity_tag(upload_answer(SESSION, now=NOW + 600))


@pytest.mark.parametrize("known", ['"a"', 'W/"a"', '"x", "a"', '"x",W/"a" , "y"', "*", " * "])
def test_known_tags_match(known: str) -> None:
    """Weak and strong ones alike, anywhere in the list (RFC 9110, section 13.1.2)."""
    assert matches(known, '"a"')


@pytest.mark.parametrize("known", ["", "a", '"b"', 'w/"a"', '"a', '"aa"', "**", '"x", *'])
def test_other_tags_do_not(known: str) -> None:
    """An ETag matches only with its quotes."""
    assert not matches(known, '"a"')
