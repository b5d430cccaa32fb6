from __future__ import annotations

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


def as_pulled(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """Copy a JSON value; each object gets a member that is null, and its members the opposite order."""
    if isinstance(value, dict):
        return {"Absent": None, **{name: as_pulled(value[name]) for name in reversed(value)}}
    return [as_pulled(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "v3_push_NewFileUpload",
            "upload-89016e5f936af4bcb910982f690859550b65edd677d8506278ff60300b7bfda6",
        ),
        (
            "v3_push_ProcedureStateChanged",
            "procedure-90504bea8afef12c98f78bc4f13e4a813a5990b68a61c43b6a946a0464750aa9",
        ),
        ("FileDeleted", "event-bcf980c38bf6bf0d04095a81339265f35cc3beee6276558a46ab3a95c8e0aefa"),
    ],
)
def test_identity_is_the_known_one(name: str, expected: str) -> None:
    """What is stored under an identity today must be found tomorrow, so its value is fixed.

    Computed with sha256sum over `["5576678020011223344"]`, over the list of task id, `"FINISH"`
    and `[]`, and over `["v3",<jq -cS of the sample>]`.
    """
    (path,) = (path for path in ALL_PUSHES if path.stem == name and path.parent.name != "legacy")

    assert identity_of(json.loads(path.read_bytes())) == expected


@pytest.mark.parametrize("path", ALL_PUSHES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_push_retry_pull_and_replay_of_one_event_share_an_identity(path: Path) -> None:
    """Another Sign and T, a handle, nulls at any depth and another order leave it, plain enough for a key."""
    body = json.loads(path.read_bytes())
    expected = identity_of(body)

    assert identity_of({**body, "Sign": "0" * 32, "T": 1999999999}) == expected
    assert identity(notification_from_pull({**as_pulled(body), "EventHandle": "h-1"})) == expected
    assert re.fullmatch(r"(upload|procedure|event)-[0-9a-f]{64}", expected)


def test_two_objects_in_one_result_have_no_order() -> None:
    """A result has one; should VOD ever send a second, the event is still the same event."""
    body = running()
    (result,) = body["ProcedureStateChangeEvent"]["MediaProcessResultSet"]
    result["AnotherTask"] = {"Status": "FAIL"}

    assert identity_of(as_pulled(body)) == identity_of(body)


def test_all_samples_have_different_identities() -> None:
    """Different events never share an identity, whatever they have in common."""
    identities = {identity_of(json.loads(path.read_bytes())) for path in ALL_PUSHES}

    assert len(identities) == len(ALL_PUSHES)


def test_legacy_and_v3_agree_on_the_same_file() -> None:
    """An account with both callback URLs gets each upload twice, and delivers it once."""
    v3 = {"EventType": "NewFileUpload", "FileUploadEvent": {"FileId": "42"}}
    legacy = {"eventType": "NewFileUpload", "data": {"fileId": "42"}}

    assert identity_of(v3) == identity_of(legacy)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("Progress", 11), ("Status", "SUCCESS"), ("Status", "FAIL"), ("ErrCodeExt", "InternalError")),
        *(("ErrCode", 70000), ("Input", {"Definition": 20})),
    ],
)
def test_each_step_of_a_running_flow_is_an_event_of_its_own(member: str, value: object) -> None:
    """In notify mode Change every step is told, so none may pass for a repetition of another."""
    assert identity_of(running(**{member: value})) != identity_of(running())


def test_a_flow_finishes_once() -> None:
    """The end of a flow is one event even if its subtasks are worded differently the second time."""
    first, second = running(Progress=100), running(Progress=99)
    for body in (first, second):
        body["ProcedureStateChangeEvent"]["Status"] = "FINISH"

    assert identity_of(first) == identity_of(second) != identity_of(running())


@pytest.mark.parametrize(
    ("event_type", "member", "ids"),
    [
        *(("NewFileUpload", "FileUploadEvent", {"FileId": it}) for it in ("", None, [1], "\ud800", "字")),
        *(
            ("ProcedureStateChanged", "ProcedureStateChangeEvent", {"TaskId": task_id, "Status": status})
            for task_id, status in (("", "FINISH"), ("t-1", "\ud800"), ("\ud800", "FINISH"))
        ),
    ],
)
def test_event_without_a_usable_id_falls_back_to_its_content(event_type: str, member: str, ids: Body) -> None:
    """Two events that name no file or task are told apart by what else they say."""
    first, second = (identity_of({"EventType": event_type, member: {**ids, "X": x}}) for x in (1, 2))

    assert first != second
