from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from shared import log

if TYPE_CHECKING:
    import pytest


def test_one_call_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """CLS reads line by line: when, how bad, what, of which request, and what goes with it."""
    before = time.time()
    log.write("upload.cancelled", request_id="r-1", uploadId="01K", count=2)

    (line,) = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert list(entry) == ["time", "level", "event", "requestId", "uploadId", "count"]
    assert before - 1 <= entry.pop("time") <= time.time() + 1
    assert entry == {
        "level": "info",
        "event": "upload.cancelled",
        "requestId": "r-1",
        "uploadId": "01K",
        "count": 2,
    }


def test_nothing_in_a_value_breaks_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks, lone surrogates and values that JSON has no word for are all spelt in ASCII."""
    log.write("x", request_id="a\nb", level="error", detail="\ud800\u2028\x00", odd=b"bytes", kind=ValueError)

    written = capsys.readouterr().out
    assert written.count("\n") == 1
    assert written.isascii()
    entry = json.loads(written)
    assert (entry["level"], entry["requestId"], entry["odd"]) == ("error", "a\nb", "b'bytes'")
