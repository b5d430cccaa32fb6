from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from shared.runtime import log

if TYPE_CHECKING:
    import pytest


def test_one_call_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """CLS reads line by line: when, how bad, what, of which request, and what goes with it."""
    before = time.time()
    log.write("upload.cancelled", request_id="r-1", uploadId="01K", count=2)

    (line,) = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    names, written = zip(*entry.items(), strict=True)
    assert names == ("time", "level", "event", "requestId", "uploadId", "count")
    assert written[1:] == ("info", "upload.cancelled", "r-1", "01K", 2)
    assert before - 1 <= entry["time"] <= time.time() + 1


def test_everything_is_on_the_first_level(capsys: pytest.CaptureFixture[str]) -> None:
    """CLS would drop what lies deeper, and lists (583/55595)."""
    inner = {"delivered": 2, "by": {"push": 1}}
    log.write(
        "timer.done", request_id="r-1", figures=inner, nothing={}, trace=["KeyError", "work:7"], none=None
    )

    entry = json.loads(capsys.readouterr().out)
    assert {name: entry[name] for name in list(entry)[4:]} == {
        "figures_delivered": 2,
        "figures_by_push": 1,
        "trace": "KeyError work:7",
        "none": None,
    }


def test_nothing_in_a_value_breaks_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks, lone surrogates and values that JSON has no word for are all spelt in ASCII."""
    log.write("x", request_id="a\nb", level="error", detail="\ud800\u2028\x00", odd=b"bytes", kind=ValueError)

    written = capsys.readouterr().out
    assert written.count("\n") == 1
    assert written.isascii()
    entry = json.loads(written)
    assert (entry["level"], entry["requestId"], entry["odd"]) == ("error", "a\nb", "b'bytes'")
