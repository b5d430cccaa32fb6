"""What a run leaves behind: nothing, or a sentence about it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.conformance.cleanup import clean_up
from local.conformance.examination import Verdict, ask, ask_all, compare
from local.conformance.http_calls import CALL_SECONDS
from local.conformance.question import FREE, Question
from local.conformance.questions import QUESTIONS
from local.conformance.uploads import applied, commit, store, uploaded
from tests.local.conformance.planting import refused

if TYPE_CHECKING:
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject
    from tests.local.conformance.conftest import Peer

FREE_OF_COST = [question for question in QUESTIONS if question.cost.is_free]


def test_free_questions_leave_no_media_and_no_configuration(peer: Peer) -> None:
    """What is called free stores nothing that has to be deleted, and changes nothing."""
    subject = peer.subject()
    before = _configuration(peer)
    ask_all(subject, FREE_OF_COST, objection=lambda _question: "")

    assert subject.ledger.files == []
    assert _media(peer) == 0
    assert _configuration(peer) == before


def test_media_and_configuration_are_as_before(peer: Peer) -> None:
    """After questions of every kind the media are deleted, and the event configuration is put back."""
    subject = peer.subject()
    before = _configuration(peer)
    wanted = ("upload-pull", "upload-server", "cover-changed", "pull-sign", "push-sign")
    ask_all(subject, [one for one in QUESTIONS if one.id in wanted], objection=lambda _question: "")
    stored = _media(peer)
    removal = clean_up(subject)

    assert (removal.deleted, removal.leftovers) == (stored, ())
    assert stored > len(wanted) - 1
    assert _media(peer) == 0
    assert _configuration(peer) == before


@pytest.mark.parametrize(
    ("kind", "stored", "reason"),
    [
        ("drop-reply", 1, "POST vod2.qcloud.com got no answer (ReadTimeout)"),
        ("error", 0, "CommitUploadUGC was refused: 503 no code"),
    ],
)
def test_media_whose_id_nobody_told_is_searched_for(peer: Peer, kind: str, stored: int, reason: str) -> None:
    """After a lost reply or a 5xx it may be there: it is found by the name of the run."""
    subject = peer.subject()
    rules: list[Any] = [{"action": "CommitUploadUGC", "kind": kind, "times": 1}]
    address = f"{peer.served.url}/local/simulator/faults"
    requests.put(address, json={"faults": rules}, timeout=10).raise_for_status()
    answered = ask(subject, replace(FREE_OF_COST[0], ask=_upload_in_a_hurry if stored else _upload_or_fail))
    subject.http.call_seconds = CALL_SECONDS
    removal = clean_up(subject)

    assert (answered.failed, answered.reason) == (True, reason)
    assert removal.deleted == stored
    assert removal.leftovers == (
        () if stored else (f"perhaps media that the index shows late: search for {subject.run}",)
    )
    assert _media(peer) == 0


def test_what_cannot_be_deleted_is_named(peer: Peer) -> None:
    """The FileId and the code, so that somebody can do it by hand."""
    subject = peer.subject()
    file_id = str(uploaded(subject)["fileId"])
    peer.planting.changes = {"DeleteMedia": refused("UnauthorizedOperation")}
    removal = clean_up(subject)

    assert removal.deleted == 0
    assert removal.leftovers == (f"the media {file_id} (200 UnauthorizedOperation)",)


def test_configuration_that_cannot_be_restored_is_named(peer: Peer) -> None:
    """It stays as the run set it, and the report has the code."""
    subject = peer.subject()
    subject.events.configure_pull()
    peer.planting.changes = {"ModifyEventConfig": refused("RequestLimitExceeded")}
    removal = clean_up(subject)

    assert removal.leftovers == ("the event configuration as the run set it (200 RequestLimitExceeded)",)


def test_second_interrupt_leaves_everything_and_names_it(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever does not wait for the cleaning up is told what there is to do."""
    subject = peer.subject()
    subject.events.configure_pull()
    file_id = str(uploaded(subject)["fileId"])

    def interrupted(*_arguments: object, **_parameters: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subject.http, "send", interrupted)
    removal = clean_up(subject)

    assert removal.deleted == 0
    assert removal.leftovers == (
        "the event configuration as the run set it (not tried: interrupted)",
        f"the media {file_id} (not tried: interrupted)",
    )


def test_failed_question_is_reported_and_the_next_is_asked(peer: Peer) -> None:
    """An answer that lacks what a question reads, a refusal and a lost reply are failures of that one."""
    subject = peer.subject()
    peer.planting.changes = {"DescribeStorageRegions": refused("InternalError")}
    names = ("region-precedence", "api-regions", "event-config")
    asked = [one for one in QUESTIONS if one.id in names]
    answers = ask_all(subject, asked, objection=lambda _question: "")
    verdicts = {one.question.id: one.verdict for one in compare(asked, answers, peer.reference)}

    assert verdicts == {
        "region-precedence": Verdict.FAILED,
        "api-regions": Verdict.FAILED,
        "event-config": Verdict.SAME,
    }
    assert "InternalError" in answers["api-regions"].reason


def test_reply_in_another_form_is_a_failure(peer: Peer) -> None:
    """The question ends with the name of what it missed, and not with a traceback."""
    nothing: Answer = {}
    question = Question("odd", "?", source="", concerns="", cost=FREE, ask=lambda _vod: nothing["b"])
    answered = ask(peer.subject(), question)

    assert answered.failed
    assert answered.reason == "a reply is not as expected: KeyError 'b'"


def test_question_has_a_deadline(peer: Peer) -> None:
    """Calls after it are not begun."""
    question = replace(FREE_OF_COST[0], ask=_upload_too_late)
    answered = ask(peer.subject(), question)

    assert answered.failed
    assert "took too long" in answered.reason


def _upload(vod: Subject) -> Answer:
    session = applied(vod)
    store(vod, session)
    return {"Commit": commit(vod, session).word}


def _upload_or_fail(vod: Subject) -> Answer:
    return {"fileId": bool(uploaded(vod)["fileId"])}


def _upload_too_late(vod: Subject) -> Answer:
    vod.http.begin(0)
    return {"fileId": bool(uploaded(vod)["fileId"])}


def _upload_in_a_hurry(vod: Subject) -> Answer:
    session = applied(vod)
    store(vod, session)
    vod.http.call_seconds = 0.2
    return {"Commit": commit(vod, session).word}


def _media(peer: Peer) -> int:
    return int(peer.served.query("SELECT count(*) FROM media")[0][0])


def _configuration(peer: Peer) -> dict[str, object]:
    address = f"{peer.served.url}/local/simulator/config"
    return dict(json.loads(requests.get(address, timeout=10).content))
