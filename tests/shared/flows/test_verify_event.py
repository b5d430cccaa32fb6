"""Verification: every value of a pushed event is replaced by VOD's, once, in any order of events."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import redis

from shared.domain.app_event import PULL, PUSH, RECONCILED, to_json
from shared.domain.event_status import Verdict
from shared.domain.session import UploadState
from shared.errors import VodApiError
from shared.flows.verify_event import MAX_ATTEMPTS
from shared.vod.context_token import UploadContext
from tests.shared.service import Clock, Service, token_of
from tests.shared.uploads import (
    FILE_ID,
    OTHER_FILE_ID,
    TASK_ID,
    changed,
    new_session,
    uploaded,
)
from tests.shared.vod_records import META_DATA, Records

if TYPE_CHECKING:
    from shared.domain.ingested_event import IngestedEvent
    from shared.domain.session import UploadSession

DAY = 86_400
LIE = "https://evil.example.test/lie.mp4"


@pytest.fixture
def service(valkey_url: str) -> Service:
    """Return a deployment with the read-back on."""
    changes = {"READ_BACK": "on", "APP_WEBHOOK_URL": "https://app.example.test/hook"}
    return Service(valkey_url, changes, Clock())


@pytest.fixture
def session(service: Service) -> UploadSession:
    """Begin an upload."""
    return service.begin(new_session(context="lesson 3"))


@pytest.fixture
def token(session: UploadSession) -> str:
    """Return the token that the uploader can read in the signature."""
    return token_of(session)


def push(service: Service, event: dict[str, Any], records: Records) -> IngestedEvent:
    """Ingest a pushed event, and verify it."""
    ingested = service.ingest(event, PUSH)
    return service.verify(ingested, records) if ingested.journaled.outcome == "held" else ingested


def give_up(service: Service, ingested: IngestedEvent, records: Records) -> IngestedEvent:
    """Verify an event for the last time."""
    return service.verify(replace(ingested, attempts=MAX_ATTEMPTS), records)


def let_pass(service: Service, seconds: int) -> None:
    """Let time pass."""
    assert isinstance(service.clock, Clock)
    service.clock.move(seconds)


def told(ingested: IngestedEvent) -> dict[str, Any]:
    """Return what the app would receive."""
    data = to_json(ingested.event)["data"]
    assert isinstance(data, dict)
    return data


def running(token: str) -> dict[str, Any]:
    """Return the event of a task flow that has just begun."""
    return changed(token, status="PROCESSING", subtask="PROCESSING", progress=5)


def lied_about(token: str) -> dict[str, Any]:
    """Return the upload's event with the genuine file and token, and everything else false."""
    event = uploaded(token, task_id="1500012345-Procedure-invented")
    upload = event["FileUploadEvent"]
    assert isinstance(upload, dict)
    upload["MediaBasicInfo"] |= {
        "Name": "lie",
        "MediaUrl": LIE,
        "CoverUrl": LIE,
        "Type": "exe",
        "ClassId": 7,
        "StorageRegion": "na-lie",
    }
    upload["MediaBasicInfo"]["SourceInfo"]["SourceType"] = "Lie"
    upload["MetaData"] = {"Size": 1, "Duration": 1.0}
    upload["ReviewAudioVideoTaskId"] = "invented-review"
    return event


def test_nothing_of_a_pushed_upload_is_the_pushers_word(
    service: Service, session: UploadSession, token: str
) -> None:
    """Address, cover, name, type, size, duration, class, region, tasks: the app hears VOD's (S23b)."""
    records = Records({FILE_ID: token})
    records.run(running(token))
    records.listed = [
        {"TaskId": "review-1", "TaskType": "ReviewAudioVideo", "SessionContext": token},
        {"TaskId": "of-another-context", "TaskType": "Procedure", "SessionContext": "order-7781"},
    ]

    ingested = push(service, lied_about(token), records)

    address = f"https://1500012345.vod-example.test/{FILE_ID}"
    assert told(ingested) == {
        "uploadId": session.upload_id,
        "uploader": "alice",
        "context": "lesson 3",
        "sourceContext": None,
        "fileId": FILE_ID,
        "fileName": "harbour-walk",
        "mediaUrl": f"{address}/original.mp4",
        "coverUrl": f"{address}/cover.png",
        "mediaType": "mp4",
        "size": META_DATA["Size"],
        "duration": META_DATA["Duration"],
        "storageRegion": None,
        "classId": None,
        "procedureTaskId": TASK_ID,
        "reviewTaskId": "review-1",
        "sourceType": "Upload",
        "breaches": None,
        "verdict": "attributed",
        "verified": True,
        "reconciled": False,
        "sequence": 1,
    }
    assert "lie" not in json.dumps(to_json(ingested.event)).lower()
    found = service.find(session)
    assert (found.media_url, found.procedure_task_id) == (f"{address}/original.mp4", TASK_ID)


def test_uploader_on_record_must_be_the_one_that_vod_names(service: Service, token: str) -> None:
    """A record that says another user than the token which VOD has is told to nobody."""
    ingested = service.ingest(uploaded(token), PUSH)
    mallory = replace(ingested.event, uploader=UploadContext("01M7Q5CQG00000000000000001", "mallory"))
    records = Records({FILE_ID: token})

    verified = service.verify(replace(ingested, event=mallory), records)

    assert verified.journaled.outcome == "quarantined"
    assert service.verify(service.ingest(uploaded(token), PUSH), records).event.verified


def test_verified_event_is_kept_and_delivered_later(service: Service, token: str) -> None:
    """The journal holds the verified event, which every delivery is made from, and what was pushed."""
    lie = lied_about(token)

    ingested = push(service, lie, Records({FILE_ID: token}))

    record = service.record(ingested)
    assert "lie" not in record["raw"].lower()
    assert json.loads(record["pushed"]) == lie
    assert to_json(service.recall_due().event) == to_json(ingested.event)


@pytest.mark.parametrize("second", [PUSH, PULL, RECONCILED])
def test_true_event_after_a_false_one_is_a_duplicate(service: Service, token: str, second: str) -> None:
    """VOD's own event after a false one was settled is a duplicate: the app has VOD's values already."""
    records = Records({FILE_ID: token})
    first = push(service, lied_about(token), records)

    again = service.ingest(uploaded(token), second)

    assert again.journaled.outcome == "duplicate"
    assert again.event.event_id == first.event.event_id
    assert told(first)["mediaUrl"] != LIE


def test_task_flow_that_was_hidden_is_found(service: Service, session: UploadSession, token: str) -> None:
    """An uploader who hides that a task flow has started does not get his upload called finished."""
    records = Records({FILE_ID: token})
    records.run(running(token))

    ingested = push(service, uploaded(token), records)

    assert told(ingested)["procedureTaskId"] == TASK_ID
    assert service.state(session) is UploadState.PROCESSING


def test_task_flow_of_another_file_is_not_the_uploads(service: Service, token: str) -> None:
    """A task id that was made up, or is another file's, leads nowhere (S23b)."""
    records = Records({FILE_ID: token, OTHER_FILE_ID: "victim"})
    records.run(changed("victim", file_id=OTHER_FILE_ID))

    ingested = push(service, uploaded(token, task_id=TASK_ID), records)

    assert told(ingested)["procedureTaskId"] is None


def test_upload_does_not_wait_for_its_task_flow_without_end(service: Service, token: str) -> None:
    """Where the list of tasks cannot be had, the upload is delivered without it after some attempts."""
    records = Records({FILE_ID: token}, failing={"tasks_of_file"})
    held = service.ingest(uploaded(token, task_id=TASK_ID), PUSH)

    with pytest.raises(VodApiError):
        service.verify(held, records)
    ingested = give_up(service, held, records)

    assert (told(ingested)["verified"], told(ingested)["procedureTaskId"]) == (True, None)


def test_false_end_of_a_task_flow_ends_nothing(service: Service, session: UploadSession, token: str) -> None:
    """FINISH while VOD says PROCESSING: held, then quarantined; the upload stays where it is."""
    records = Records({FILE_ID: token})
    records.run(running(token))
    push(service, uploaded(token), records)

    forged = service.ingest(changed(token), PUSH)
    with pytest.raises(VodApiError):
        service.verify(forged, records)
    assert service.state(session) is UploadState.PROCESSING

    given_up = give_up(service, forged, records)
    assert (given_up.event.verdict, given_up.deliverable) == (Verdict.QUARANTINED, False)
    assert service.state(session) is UploadState.PROCESSING


@pytest.mark.parametrize("origin", [PUSH, PULL, RECONCILED])
@pytest.mark.parametrize("given", ["held", "quarantined"])
def test_true_end_after_a_false_one_is_heard_once(
    service: Service, session: UploadSession, token: str, origin: str, given: str
) -> None:
    """A premature FINISH does not suppress VOD's own, which is delivered with its failed subtask."""
    records = Records({FILE_ID: token})
    records.run(running(token))
    forged = service.ingest(changed(token), PUSH)
    with pytest.raises(VodApiError):
        service.verify(forged, records)
    if given == "quarantined":
        give_up(service, forged, records)
    else:
        let_pass(service, 60)

    true = changed(token, subtask="FAIL")
    records.run(true)
    ingested = service.ingest(true, origin)
    if ingested.journaled.outcome == "duplicate":
        ingested = service.verify(service.recall_due(after=0), records)
    elif ingested.journaled.outcome == "held":
        ingested = service.verify(ingested, records)

    assert (ingested.event.type, told(ingested)["verified"]) == ("procedure.finished", True)
    assert told(ingested)["procedure"]["succeeded"] is False
    assert service.state(session) is UploadState.FAILED
    assert service.ingest(true, PUSH).journaled.outcome == "duplicate"
    assert service.find(session).sequence == 1


def test_outcome_of_a_task_flow_is_vods(service: Service, session: UploadSession, token: str) -> None:
    """It has ended, and the pusher lies about how: subtasks, addresses and file are VOD's."""
    records = Records({FILE_ID: token})
    records.run(changed(token, subtask="FAIL"))
    forged = copy.deepcopy(changed(token, file_id=OTHER_FILE_ID))
    state: Any = forged["ProcedureStateChangeEvent"]
    state["FileUrl"] = LIE
    state["MediaProcessResultSet"][0]["TranscodeTask"]["Output"]["Url"] = LIE

    ingested = push(service, forged, records)

    assert told(ingested)["fileId"] == FILE_ID
    assert told(ingested)["procedure"]["subtasks"][0]["status"] == "FAIL"
    assert LIE not in json.dumps(to_json(ingested.event))
    assert service.state(session) is UploadState.FAILED


@pytest.mark.parametrize("status", ["PROCESSING", "WAITING", "", "\u00e9"])
def test_report_that_was_overtaken_ends_nothing(
    service: Service, session: UploadSession, token: str, status: str
) -> None:
    """If the flow has ended by the time of the check, its report is confirmed; its end has its own event."""
    records = Records({FILE_ID: token})
    records.run(changed(token))

    late = push(service, changed(token, status=status, subtask="PROCESSING", progress=5), records)
    assert (late.event.type, told(late)["procedure"]["status"]) == ("procedure.changed", "PROCESSING")
    assert told(late)["procedure"]["subtasks"][0]["status"] == "SUCCESS"
    assert service.state(session) is UploadState.PROCESSING

    end = push(service, changed(token), records)
    assert (end.event.type, told(end)["sequence"]) == ("procedure.finished", 2)
    assert service.state(session) is UploadState.READY


def test_task_flow_that_vod_does_not_know_yet_is_looked_for(service: Service, token: str) -> None:
    """The event may be ahead of the API; one that stays unknown is invented."""
    records = Records({FILE_ID: token})
    held = service.ingest(changed(token), PUSH)

    with pytest.raises(VodApiError):
        service.verify(held, records)

    assert give_up(service, held, records).event.verdict is Verdict.QUARANTINED


def test_task_flow_under_another_token_is_quarantined(service: Service, token: str) -> None:
    """VOD knows the task flow, and it is another upload's (S23b)."""
    records = Records({FILE_ID: "victim"})
    records.run(changed("victim"))

    assert push(service, changed(token), records).event.verdict is Verdict.QUARANTINED


def test_unknown_task_flow_of_anothers_file_is_quarantined_at_once(service: Service, token: str) -> None:
    """There is nothing to wait for: the file is somebody else's."""
    assert push(service, changed(token), Records({FILE_ID: "victim"})).event.verdict is Verdict.QUARANTINED


@pytest.mark.parametrize("call", ["media_info", "procedure_task"])
def test_nothing_is_decided_while_vod_cannot_be_asked(service: Service, token: str, call: str) -> None:
    """However often: an API that is down proves nothing against an event."""
    records = Records({FILE_ID: token}, failing={call})
    records.run(changed(token))
    event = uploaded(token) if call == "media_info" else changed(token)
    held = service.ingest(event, PUSH)

    with pytest.raises(VodApiError):
        give_up(service, held, records)

    records.failing = set()
    assert service.verify(held, records).journaled.outcome == "verified"


def test_event_of_another_type_is_its_uploads_and_not_verified(service: Service, token: str) -> None:
    """Nobody can be asked about what it says: the app has it, marked as the pusher's word."""
    event = {"EventType": "SomethingNew", "NewEvent": {"FileId": FILE_ID, "SessionContext": token, "Ok": 1}}
    records = Records({FILE_ID: token})

    ingested = push(service, event, records)

    assert ingested.deliverable
    assert (ingested.event.type, told(ingested)["uploader"], told(ingested)["verified"]) == (
        "vod.SomethingNew",
        "alice",
        False,
    )
    assert ingested.event.notification.raw == event


def test_event_of_another_type_about_anothers_file_is_quarantined(service: Service, token: str) -> None:
    """The file of an event of another type must be the upload's."""
    event = {"EventType": "SomethingNew", "NewEvent": {"FileId": FILE_ID, "SessionContext": token}}

    assert push(service, event, Records({FILE_ID: "victim"})).event.verdict is Verdict.QUARANTINED


def test_second_file_is_replayed_in_vods_words(service: Service, token: str) -> None:
    """A signature was used twice, and the pusher lies about the second file: marked, and true."""
    records = Records({FILE_ID: token, OTHER_FILE_ID: token})
    push(service, uploaded(token), records)
    forged = lied_about(token)
    forged["FileUploadEvent"]["FileId"] = OTHER_FILE_ID

    ingested = push(service, forged, records)

    assert (ingested.event.type, told(ingested)["verified"]) == ("upload.replayed", True)
    assert LIE not in json.dumps(to_json(ingested.event))


def test_late_file_is_told_in_vods_words(service: Service, session: UploadSession, token: str) -> None:
    """After the end of the upload a file is late, true, and not what the pusher says of it (S27)."""
    let_pass(service, session.ends_at - session.issued_at)

    ingested = push(service, lied_about(token), Records({FILE_ID: token}))

    assert (told(ingested)["verdict"], told(ingested)["verified"]) == ("late", True)
    assert LIE not in json.dumps(to_json(ingested.event))


@pytest.mark.parametrize("origin", [PUSH, PULL])
def test_replay_after_days_is_a_copy(
    service: Service, session: UploadSession, token: str, origin: str
) -> None:
    """Six days later the same body moves nothing, and the app hears nothing (S26)."""
    push(service, uploaded(token), Records({FILE_ID: token}))
    before = service.find(session)

    let_pass(service, 6 * DAY)
    again = service.ingest(uploaded(token), origin)

    assert (again.journaled.outcome, again.deliverable) == ("duplicate", False)
    assert service.find(session) == before


def test_replay_after_the_retention_is_told_again_as_late_and_under_its_old_id(
    service: Service, token: str
) -> None:
    """Journal and record are gone by then: VOD is asked anew, and the app knows the event by its id (S26)."""
    records = Records({FILE_ID: token})
    first = push(service, uploaded(token), records)
    let_pass(service, 8 * DAY)
    forget_everything(service)

    again = push(service, lied_about(token), records)

    assert again.event.event_id == first.event.event_id
    assert (told(again)["verdict"], told(again)["verified"], told(again)["mediaUrl"]) == (
        "late",
        True,
        told(first)["mediaUrl"],
    )
    assert push(service, uploaded(token), records).journaled.outcome == "duplicate"


def test_replay_of_a_file_that_is_gone_is_told_to_nobody(service: Service, token: str) -> None:
    """Years later, with the file deleted in VOD, a body that was genuine once is no more than that (S26)."""
    let_pass(service, 800 * DAY)

    replayed = service.ingest(uploaded(token), PUSH)

    assert give_up(service, replayed, Records()).event.verdict is Verdict.QUARANTINED


def forget_everything(service: Service) -> None:
    """Delete all records, as RETENTION_SECONDS would: the store's clock cannot be moved."""
    with redis.Redis.from_url(service.redis_url) as client:
        ttls = [client.ttl(key) for key in client.scan_iter("*:event:*")]
        assert all(0 < ttl <= service.settings.retention_seconds for ttl in ttls)
        client.flushall()
