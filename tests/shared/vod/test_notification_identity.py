from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from shared.vod.notification import identity, notification_from_pull, parse_notification

SAMPLES = Path(__file__).parents[2] / "samples" / "vod"
ALL_PUSHES = sorted(
    [*SAMPLES.glob("v3/*.json"), *SAMPLES.glob("legacy/*.json"), *SAMPLES.glob("examples/*push*.json")]
)

Body = dict[str, Any]


def sample(name: str) -> Body:
    """Return the JSON object of a sample."""
    body: Body = json.loads((SAMPLES / name).read_bytes())
    return body


def identity_of(body: Body) -> str:
    """Push the body and return the identity of the event."""
    return identity(parse_notification(json.dumps(body).encode()))


def running(**subtask: object) -> Body:
    """Return the body of a running task flow with one subtask, with these changes."""
    task = {
        "Status": "PROCESSING",
        "Progress": 10,
        "ErrCodeExt": "",
        "ErrCode": 0,
        "Input": {"Definition": 10},
    }
    return {
        "EventType": "ProcedureStateChanged",
        "ProcedureStateChangeEvent": {
            "TaskId": "t-1",
            "Status": "PROCESSING",
            "MediaProcessResultSet": [{"Type": "Transcode", "TranscodeTask": {**task, **subtask}}],
        },
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "examples/v3_push_NewFileUpload.json",
            "upload-89016e5f936af4bcb910982f690859550b65edd677d8506278ff60300b7bfda6",
        ),
        (
            "examples/v3_push_ProcedureStateChanged.json",
            "procedure-90504bea8afef12c98f78bc4f13e4a813a5990b68a61c43b6a946a0464750aa9",
        ),
        (
            "v3/FileDeleted.json",
            "event-bcf980c38bf6bf0d04095a81339265f35cc3beee6276558a46ab3a95c8e0aefa",
        ),
    ],
)
def test_identity_is_the_known_one(name: str, expected: str) -> None:
    """What is stored under an identity today must be found tomorrow, so its value is fixed.

    Computed with sha256sum over `["5576678020011223344"]`, over the list of task id, `"FINISH"`
    and `[]`, and over `["v3",<jq -cS of the sample>]`.
    """
    assert identity_of(sample(name)) == expected


@pytest.mark.parametrize("path", ALL_PUSHES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_push_retry_and_pull_of_one_event_share_an_identity(path: Path) -> None:
    """A retry has another Sign and T, a pull a handle and nulls: the event stays the same one."""
    body = json.loads(path.read_bytes())
    retry = {**body, "Sign": "0" * 32, "T": 1999999999}
    pulled = {**body, "EventHandle": "h-1", "NotThisEvent": None}

    expected = identity_of(body)

    assert identity_of(retry) == expected
    assert identity(notification_from_pull(pulled)) == expected


def test_nulls_anywhere_do_not_change_the_identity() -> None:
    """A push leaves null members out where a pull sends them, at any depth."""
    body = sample("v3/FileDeleted.json")
    pulled = copy.deepcopy(body)
    pulled["FileDeleteEvent"]["FileDeleteResultInfo"][0]["DeleteParts"][0]["Reserved"] = None

    assert identity_of(pulled) == identity_of(body)


def test_all_samples_have_different_identities() -> None:
    """Different events never share an identity, whatever they have in common."""
    identities = {identity_of(json.loads(path.read_bytes())) for path in ALL_PUSHES}

    assert len(identities) == len(ALL_PUSHES)


@pytest.mark.parametrize("path", ALL_PUSHES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_identity_is_safe_in_a_redis_key(path: Path) -> None:
    """It is short and plain, whatever the event holds."""
    assert re.fullmatch(r"(upload|procedure|event)-[0-9a-f]{64}", identity_of(json.loads(path.read_bytes())))


def test_legacy_and_v3_agree_on_the_same_file() -> None:
    """An account with both callback URLs gets each upload twice, and delivers it once."""
    v3 = {"EventType": "NewFileUpload", "FileUploadEvent": {"FileId": "42"}}
    legacy = {"eventType": "NewFileUpload", "data": {"fileId": "42"}}

    assert identity_of(v3) == identity_of(legacy)


def test_uploads_of_two_files_differ() -> None:
    """The file id alone tells two uploads apart, be all else equal."""
    body = sample("v3/NewFileUpload.json")
    other = copy.deepcopy(body)
    other["FileUploadEvent"]["FileId"] = "5576678020044556678"

    assert identity_of(body) != identity_of(other)


@pytest.mark.parametrize(
    "step",
    [
        {"Progress": 11},
        {"Status": "SUCCESS"},
        {"Status": "FAIL"},
        {"ErrCodeExt": "InternalError"},
        {"ErrCode": 70000},
        {"Input": {"Definition": 20}},
    ],
)
def test_each_step_of_a_running_flow_is_an_event_of_its_own(step: Body) -> None:
    """In notify mode Change every step is told, so none may pass for a repetition of another."""
    assert identity_of(running()) == identity_of(running())
    assert identity_of(running(**step)) != identity_of(running())


def test_a_flow_finishes_once() -> None:
    """The end of a flow is one event even if its subtasks are worded differently the second time."""
    first, second = running(Progress=100), running(Progress=99)
    for body in (first, second):
        body["ProcedureStateChangeEvent"]["Status"] = "FINISH"

    assert identity_of(first) == identity_of(second)
    assert identity_of(first) != identity_of(running())


@pytest.mark.parametrize("file_id", ["", None, [], "\ud800", "字"])
def test_upload_without_a_usable_file_id_falls_back_to_its_content(file_id: object) -> None:
    """Two uploads that name no file are told apart by what else they say."""
    first = {"EventType": "NewFileUpload", "FileUploadEvent": {"FileId": file_id, "X": 1}}
    second = {"EventType": "NewFileUpload", "FileUploadEvent": {"FileId": file_id, "X": 2}}

    assert identity_of(first) == identity_of(first)
    assert identity_of(first) != identity_of(second)


@pytest.mark.parametrize(("task_id", "status"), [("", "FINISH"), ("t-1", "\ud800"), ("\ud800", "FINISH")])
def test_state_without_a_usable_task_id_or_status_falls_back_to_its_content(
    task_id: str, status: str
) -> None:
    """Two states that name no task are told apart by what else they say."""
    event = {"TaskId": task_id, "Status": status, "FileId": "1"}
    first = {"EventType": "ProcedureStateChanged", "ProcedureStateChangeEvent": event}
    second = {"EventType": "ProcedureStateChanged", "ProcedureStateChangeEvent": {**event, "FileId": "2"}}

    assert identity_of(first) != identity_of(second)


def test_different_surrogates_are_different_events() -> None:
    """Typed values show both as U+FFFD; the identity still tells them apart."""
    first = {"EventType": "NewFileUpload", "FileUploadEvent": {"FileId": "\ud800"}}
    second = {"EventType": "NewFileUpload", "FileUploadEvent": {"FileId": "\ud801"}}

    assert identity_of(first) != identity_of(second)


def turned_round(value: object) -> object:
    """Copy a JSON value with the members of each object in the opposite order."""
    if isinstance(value, dict):
        return {name: turned_round(value[name]) for name in reversed(value)}
    return [turned_round(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", ALL_PUSHES, ids=lambda path: path.stem)
def test_order_of_members_does_not_change_the_identity(path: Path) -> None:
    """What is kept of an event is sorted, and a replay of it has to be the same event."""
    body = json.loads(path.read_bytes())

    assert identity_of(turned_round(body)) == identity_of(body)  # type: ignore[arg-type]  # an object stays one


def test_two_objects_in_one_result_have_no_order() -> None:
    """A result has one; should VOD ever send a second, the event is still the same event."""
    body = running()
    (result,) = body["ProcedureStateChangeEvent"]["MediaProcessResultSet"]
    result["AnotherTask"] = {"Status": "FAIL"}

    assert identity_of(turned_round(body)) == identity_of(body)  # type: ignore[arg-type]  # as above
