from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, cast

from shared.invocation_log import InvocationRecord, note, recorded, timed


def calls(record: InvocationRecord) -> dict[str, object]:
    """Return the numbers of calls among the figures."""
    return {name: number for name, number in record.figures().items() if name.startswith("calls_")}


def test_waiting_is_counted_by_whom_it_was_for() -> None:
    """Milliseconds and numbers of calls, a failed call as well as others; the total is at least their sum."""
    with recorded() as record:
        for _ in range(2):
            with timed("store"):
                time.sleep(0.002)
        with contextlib.suppress(OSError), timed("webhook"):
            raise OSError
        figures = cast("dict[str, Any]", record.figures())

    assert list(figures)[:3] == ["durations_total", "durations_store", "durations_webhook"]
    assert 4 <= figures["durations_store"] <= figures["durations_total"]
    assert 0 <= figures["durations_webhook"] <= figures["durations_total"]
    assert calls(record) == {"calls_store": 2, "calls_webhook": 1}


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

    assert (record.event, record.about, calls(record)) == ("", {}, {})


def test_invocations_beside_each_other_have_records_of_their_own() -> None:
    """On a developer's machine handlers run in threads."""
    both, kept = threading.Barrier(2), {}

    def invoke(name: str) -> None:
        with recorded() as record:
            note(name)
            both.wait()
            with timed("store"):
                both.wait()
        kept[name] = (record.event, calls(record))

    threads = [threading.Thread(target=invoke, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert kept == {name: (name, {"calls_store": 1}) for name in ("one", "two")}
