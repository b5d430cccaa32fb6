from __future__ import annotations

import base64
import hashlib
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.file_limits import DELETE, FORBID, REPORT, FileLimits
from shared.domain.policy import Grant
from shared.domain.session import ProcedureOutcome
from shared.errors import UnreadableRecordError
from shared.store.upload_record import (
    OUTCOME_DICTIONARY,
    PART_BYTES,
    joined,
    read_outcome,
    read_session,
    session_fields,
    write_outcome,
)
from shared.vod.notification_types import Subtask
from tests.shared.uploads import new_session

SUBTASK = Subtask(
    group="media",
    kind="Transcode",
    definition=100030,
    status="FAIL",
    err_code_ext="InternalError",
    err_code=70000,
    message="internal error",
    progress=0,
    output_urls=("https://a.example.test/1", "https://a.example.test/2"),
)
HEX = "0123456789abcdef"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
GRANTS = st.builds(
    Grant,
    policy=TEXTS,
    ttl_seconds=st.integers(0, 86_400),
    one_time=st.booleans(),
    context=TEXTS,
    procedure=st.none() | TEXTS,
    storage_region=st.none() | TEXTS,
    class_id=st.none() | st.integers(),
    task_priority=st.integers(-10, 10),
    vod_sub_app_id=st.none() | st.integers(1),
    task_notify_mode=TEXTS,
    file_name=TEXTS,
    file_size=st.none() | st.integers(1),
    file_type=TEXTS,
    md5=st.none() | st.text(HEX, min_size=32, max_size=32),
    sha1=st.none() | st.text(HEX, min_size=40, max_size=40),
    limits=st.none()
    | st.builds(
        FileLimits,
        max_file_size=st.none() | st.integers(1),
        max_duration=st.none() | st.integers(1),
        file_types=st.lists(TEXTS).map(tuple),
    ),
    on_violation=st.sampled_from([REPORT, FORBID, DELETE]),
)
OUTCOMES = st.builds(
    ProcedureOutcome,
    status=TEXTS,
    succeeded=st.booleans(),
    subtasks=st.lists(
        st.builds(
            Subtask,
            group=st.sampled_from(["media", "review", "analysis", "recognition"]),
            kind=TEXTS,
            message=TEXTS,
            progress=st.none() | st.integers(),
            output_urls=st.lists(TEXTS).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
)


def test_session_is_spelt_as_flat_texts() -> None:
    """A new session becomes texts; what is not set is not written, and no fact of an event is among it."""
    session = new_session()._replace(grant=Grant("default", 600, one_time=True, class_id=0))

    parts = session_fields(session)
    fields = joined(parts)

    assert max(map(len, parts.values())) <= PART_BYTES
    assert fields.keys() == {"user_id", "grant", "issued_at", "ends_at", "updated_at"}
    assert all(isinstance(text, str) for text in fields.values())
    assert json.loads(fields["grant"]) == {
        "policy": "default",
        "ttl_seconds": 600,
        "one_time": True,
        "context": "",
        "class_id": 0,
        "task_priority": 0,
        "task_notify_mode": "Finish",
    }


@given(grant=GRANTS, user_id=TEXTS)
def test_session_survives_being_kept(grant: Grant, user_id: str) -> None:
    """What is read back is what was written, for every grant and user."""
    session = new_session(user_id)._replace(grant=grant, signed_until=0)

    assert read_session(session.upload_id, session_fields(session)) == session


@given(OUTCOMES)
def test_outcome_survives_being_kept(outcome: ProcedureOutcome) -> None:
    """The outcome of a task flow comes back with every subtask and address, in order."""
    assert read_outcome(write_outcome(outcome)) == outcome


def test_outcome_of_another_release_is_read() -> None:
    """One that did not compress outcomes, and one that does, with this dictionary."""
    outcome = ProcedureOutcome("FINISH", succeeded=False, subtasks=(SUBTASK,))
    fields = outcome._asdict() | {"subtasks": [SUBTASK._asdict()]}
    text = json.dumps(fields)
    stream = zlib.compressobj(zdict=OUTCOME_DICTIONARY)
    compressed = stream.compress(text.encode()) + stream.flush()

    assert read_outcome(text) == outcome
    assert read_outcome("z:" + base64.b64encode(compressed).decode()) == outcome
    assert (
        hashlib.sha256(OUTCOME_DICTIONARY).hexdigest()
        == "b81792e8bf1dfae809f29e7d8434e8598f288f53f4f4699ab5fc028869bb85ca"
    )


@pytest.mark.parametrize("missing", ["user_id", "grant", "issued_at", "ends_at", "updated_at"])
def test_incomplete_record_is_a_defect(missing: str) -> None:
    """A record without the members that every session begins with cannot be read."""
    fields = session_fields(new_session())
    del fields[missing]

    with pytest.raises(UnreadableRecordError, match=r"\(KeyError\)\.$"):
        read_session("", fields)


@given(GRANTS, st.text(st.characters(exclude_categories=["Cs"]), min_size=30, max_size=120))
def test_long_texts_are_read_whole_or_in_parts(grant: Grant, url: str) -> None:
    """Each part but the last has 64 bytes, whatever characters they cut in two."""
    session = new_session()._replace(grant=grant)
    fields = {**session_fields(session), "media_url": url}
    parts = {}
    for name, text in fields.items():
        content = text.encode()
        for place in range(0, max(1, len(content)), 64):
            part = content[place : place + 64].decode("utf-8", "surrogateescape")
            parts[f"{name}.{place // 64}" if place else name] = part

    assert read_session("u", fields) == read_session("u", parts)
    assert read_session("u", parts).media_url == url
