from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, cast

from shared.invocation_log import note, recorded, timed


def test_waiting_is_counted_by_whom_it_was_for() -> None:
    """Milliseconds and numbers of calls, a failed call as well as others; the total is at least their sum."""
    with recorded() as record:
        for _ in range(2):
            with timed("store"):
                time.sleep(0.002)
        with contextlib.suppress(OSError), timed("webhook"):
            raise OSError
        figures = cast("dict[str, Any]", record.figures())

    assert figures["calls"] == {"store": 2, "webhook": 1}
    durations = figures["durations"]
    assert list(durations) == ["total", "store", "webhook"]
    assert 4 <= durations["store"] <= durations["total"]
    assert 0 <= durations["webhook"] <= durations["total"]


def test_notes_add_up_and_the_last_word_counts() -> None:
    """A field is recorded as soon as it is known, so that an error's line has it; the last value counts."""
    with recorded() as record:
        note("upload.read", uploadId="01K")
        note(outcome="held")
        note("upload.cancelled", outcome="done")

    assert (record.event, record.about) == ("upload.cancelled", {"uploadId": "01K", "outcome": "done"})


def test_nothing_is_kept_outside_an_invocation() -> None:
    """Outside an invocation, as in the commands of `local/`, nothing is recorded."""
    note("upload.read", uploadId="01K")
    with timed("store"):
        pass
    with recorded() as record:
        pass
    note("upload.read", uploadId="01K")

    assert (record.event, record.about, cast("dict[str, Any]", record.figures())["calls"]) == ("", {}, {})


def test_invocations_beside_each_other_have_records_of_their_own() -> None:
    """On a developer's machine handlers run in threads."""
    both, kept = threading.Barrier(2), {}

    def invoke(name: str) -> None:
        with recorded() as record:
            note(name)
            both.wait()
            with timed("store"):
                both.wait()
        kept[name] = (record.event, cast("dict[str, Any]", record.figures())["calls"])

    threads = [threading.Thread(target=invoke, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert kept == {name: (name, {"store": 1}) for name in ("one", "two")}
