from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import InvalidRequestError
from shared.vod.notification import identity, notification_from_pull, parse_notification, raw_json

if TYPE_CHECKING:
    from shared.vod.notification_types import EventNotification

SAMPLES = Path(__file__).parents[2] / "samples" / "vod"
PUSHES = sorted(
    [*SAMPLES.glob("examples/*push*.json"), *SAMPLES.glob("v3/*.json"), *SAMPLES.glob("legacy/*.json")]
)
BODIES = [json.loads(path.read_bytes()) for path in PUSHES]

Steps = tuple[str | int, ...]


def strings_in(value: object) -> list[str]:
    """Return every typed string of a notification, at any depth."""
    if dataclasses.is_dataclass(value):
        members = [getattr(value, field.name) for field in dataclasses.fields(value) if field.name != "raw"]
        return [text for member in members for text in strings_in(member)]
    if isinstance(value, tuple):
        return [text for item in value for text in strings_in(item)]
    return [value] if isinstance(value, str) else []


def assert_can_be_stored(notification: EventNotification) -> None:
    """Assert that everything derived from a notification can be stored and read back."""
    for text in strings_in(notification):
        text.encode("utf-8")
    assert identity(notification).isascii()
    assert len(identity(notification)) <= 128
    assert raw_json(notification).isascii()
    assert json.loads(raw_json(notification)) == notification.raw


def paths_in(node: object, path: Steps = ()) -> list[Steps]:
    """Return the path to each node of a JSON value, the value itself first."""
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(below for name, child in members for below in paths_in(child, (*path, name)))]


def mutated(node: object, path: Steps, replacement: object, *, drop: bool) -> object:
    """Copy a JSON value with one node replaced or dropped; a path that leads nowhere changes nothing."""
    if not path:
        return replacement
    name, *rest = path
    members: dict[Any, Any] = dict(
        node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    )
    if name not in members:
        return node
    if drop and not rest:
        del members[name]
    else:
        members[name] = mutated(members[name], tuple(rest), replacement, drop=drop)
    return members if isinstance(node, dict) else list(members.values())


# JSON texts, for there are some that no Python value can stand for.
HOSTILE_VALUES = [
    "null",
    "true",
    "-1",
    "1.5",
    "-1e999",
    "9223372036854775808",
    "1" + "0" * 4000,
    '""',
    r'"\ud800\ud800\udc00"',
    r'"\u0000\r\n"',
    '"' + "x" * 100_000 + '"',
    "[]",
    "[null]",
    "{}",
    '{"": {}}',
    '[{"Type": []}, {"Type": "Transcode", "TranscodeTask": []}, 7]',
    "[" * 50 + "]" * 50,
]
UPLOAD = '{"EventType": "NewFileUpload", "FileUploadEvent": %s}'
STATE = '{"EventType": "ProcedureStateChanged", "ProcedureStateChangeEvent": %s}'
LEGACY_STATE = '{"eventType": "ProcedureStateChanged", "data": %s}'
FRAMES = [
    '{"EventType": ?}',
    '{"EventType": "X", "Sign": ?, "T": ?}',
    '{"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": ?, "Input": ?}}',
    '{"version": ?, "eventType": ?, "data": ?}',
    '{"eventType": "NewFileUpload", "data": {"fileId": ?, "sourceContext": ?}}',
    '{"eventType": "FileDeleted", "data": {"fileInfo": ?}}',
    UPLOAD % "?",
    UPLOAD % '{"FileId": ?, "MediaBasicInfo": ?, "ProcedureTaskId": ?, "MetaData": ?}',
    UPLOAD % '{"MediaBasicInfo": {"SourceInfo": ?, "ClassId": ?}, "MetaData": {"Size": ?, "Duration": ?}}',
    UPLOAD % '{"MediaBasicInfo": {"SourceInfo": {"SourceType": ?, "SourceContext": ?}}}',
    STATE % "?",
    STATE % '{"TaskId": ?, "Status": ?, "MediaProcessResultSet": ?, "AiAnalysisResultSet": ?}',
    STATE % '{"TaskId": "t", "MediaProcessResultSet": [{"Type": ?, "X": {"Input": ?, "Progress": ?}}]}',
    STATE % '{"TaskId": "t", "MediaProcessResultSet": [{"X": {"Output": {"Url": ?, "ImageUrlSet": ?}}}]}',
    STATE % '{"TaskId": "t", "MediaProcessResultSet": [{"X": {"Output": {"PicInfoSet": [?, {"Url": ?}]}}}]}',
    LEGACY_STATE % '{"processTaskList": ?, "status": ?, "vodTaskId": ?}',
    LEGACY_STATE % '{"processTaskList": [{"taskType": ?, "input": ?, "output": ?}]}',
    LEGACY_STATE % '{"processTaskList": [{"output": {"imgInfo": ?, "imageUrls": ?, "url": ?}}]}',
]

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
NAMES = (
    st.sampled_from(sorted({str(name) for body in BODIES for path in paths_in(body) for name in path}))
    | ANY_TEXT
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**63) - 1, 10**400])
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT
)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=4),
    max_leaves=8,
)
# Of each sample: the way to any node below its root, whether it is dropped, and what replaces it if not.
MUTATIONS = st.sampled_from([(body, paths_in(body)[1:]) for body in BODIES]).flatmap(
    lambda sample: st.tuples(
        st.just(sample[0]),
        st.lists(st.tuples(st.sampled_from(sample[1]), st.booleans(), VALUES), min_size=1, max_size=3),
    )
)
# The runner may be slow and shared: how long one example takes says nothing here.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.parametrize("value", HOSTILE_VALUES, ids=lambda value: value[:12])
@pytest.mark.parametrize("frame", FRAMES)
def test_no_value_anywhere_is_a_reason_to_refuse_an_object(frame: str, value: str) -> None:
    """Whatever stands where a value was expected, the notification is read and can be stored (S28)."""
    assert_can_be_stored(parse_notification(frame.replace("?", value).encode()))


# About 11,000 bodies in all: up to three a mutation, three an object, one a corruption.
@settings(patient, max_examples=2000)
@given(MUTATIONS)
def test_mutated_samples_are_read(mutations: tuple[object, list[tuple[Steps, bool, object]]]) -> None:
    """Any node of a real body may be missing or something else, pushed or pulled."""
    body, changes = mutations
    for path, drop, replacement in changes:
        body = mutated(body, path, replacement, drop=drop)
        assert isinstance(body, dict)
        pushed = parse_notification(json.dumps(body).encode())

        assert_can_be_stored(pushed)
        assert identity(notification_from_pull(body)) == identity(pushed)


@settings(patient, max_examples=1000)
@given(
    st.sampled_from(["NewFileUpload", "ProcedureStateChanged", "Unheard"]),
    st.dictionaries(NAMES, VALUES, max_size=5),
)
def test_arbitrary_objects_are_read(event_type: str, members: dict[str, object]) -> None:
    """Any JSON object at all is a notification of some kind."""
    v3 = {"EventType": event_type, "FileUploadEvent": members, "ProcedureStateChangeEvent": members}

    for body in (v3, {"eventType": event_type, "data": members}, members):
        assert_can_be_stored(parse_notification(json.dumps(body).encode()))


@settings(patient, max_examples=4000)
@given(st.sampled_from(PUSHES), st.integers(0, 3000), st.integers(0, 20), st.binary(max_size=8))
def test_corrupted_bytes_are_read_or_refused(path: Path, start: int, length: int, patch: bytes) -> None:
    """Of bytes broken on the way, nothing of Python's own escapes."""
    body = path.read_bytes()

    try:
        notification = parse_notification(body[:start] + patch + body[start + length :])
    except InvalidRequestError:
        return

    assert_can_be_stored(notification)
