"""One text, one reader: an event is the same when it comes and when the journal gives it back.

A body that two readers read differently lets its sender show one event to the check and another to the app.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import pytest

from tests.fuzz.parsers import check_notification

BODIES = int(os.environ.get("TEST_BODIES", "5000"))
"""How many are generated; `.ci/run` asks for 250,000."""
NAMES = (
    *("EventType", "eventType", "EventHandle", "Sign", "T", "data", "version", "eventContent", "msgHandle"),
    *("FileUploadEvent", "ProcedureStateChangeEvent", "FileId", "fileId", "MediaBasicInfo", "SourceInfo"),
    *("SourceContext", "sourceContext", "SessionContext", "TaskId", "vodTaskId", "Status", "status"),
    *("MediaProcessResultSet", "processTaskList", "Type", "TranscodeTask", "Output", "Url", "fileInfo"),
    *("", "\ud800"),
)
LEAVES: tuple[Any, ...] = (
    *("NewFileUpload", "ProcedureStateChanged", "FINISH", "387", "vuf1.a.b", "", "\udcff", "é", "\x00"),
    *(None, True, 0, -1, 2**63, 1e400, -1e400, 0.1, 1e16),
)


def body(draw: random.Random, depth: int = 0) -> Any:  # noqa: ANN401 -- any JSON value
    """Draw a JSON value of the members that VOD's events have, in places where they belong and do not."""
    kind = draw.random()
    if depth and (depth > 3 or kind < 0.5):
        return draw.choice(LEAVES)
    if depth and kind < 0.6:
        return [body(draw, depth + 1) for _ in range(draw.randrange(3))]
    members = {draw.choice(NAMES): body(draw, depth + 1) for _ in range(draw.randrange(5))}
    if not depth and kind < 0.8:
        members["EventType" if kind < 0.5 else "eventType"] = draw.choice(LEAVES[:2])
    return members


@pytest.mark.no_cover  # the tracer takes three times as long as the test
def test_every_way_in_and_the_journal_read_the_same() -> None:
    """Push, pull and journal agree on every generated body, whatever it wraps."""
    draw = random.Random(1)  # noqa: S311 -- to be repeatable is the point
    for _ in range(BODIES):
        check_notification(json.dumps(body(draw)).replace("Infinity", "1e400").encode())
