"""One call of DescribeMediaInfos for the files that several threads read."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from shared.errors import VodApiError
from shared.runtime.file_reader import FILES_AT_ONCE, FileReader
from tests.waiting import PATIENCE_SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    Answer = dict[str, object] | None

FIRST = "5576678020000000000"


@dataclass
class Vod:
    """VOD's answers: the first call is answered once all others wait; `errors` are those of later calls."""

    reader: FileReader = field(default_factory=FileReader)
    calls: list[list[str]] = field(default_factory=list)
    errors: list[VodApiError | None] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def call(self, file_ids: Sequence[str], seconds: float) -> dict[str, dict[str, object]]:
        """Answer that every file is there whose id does not end in 9."""
        assert seconds > 0
        self.calls.append(list(file_ids))
        if file_ids[0] == FIRST:
            self.go_on.wait()
        elif self.errors and (error := self.errors.pop(0)):
            raise error
        return {file_id: {"FileId": file_id} for file_id in file_ids if not file_id.endswith("9")}

    def read(self, file_id: str, kind: str = "", seconds: float = PATIENCE_SECONDS) -> Answer:
        """Read a file."""
        return self.reader.read(file_id, self.call, kind=kind, timeout_seconds=seconds)

    def read_together(self, *file_ids: str) -> list[Future[Answer]]:
        """Read files in a thread each, while the call for another is made; return how they ended."""
        with ThreadPoolExecutor(1 + len(file_ids)) as pool:
            first = pool.submit(self.read, FIRST)
            wait_until(lambda: self.calls == [[FIRST]])
            others = [pool.submit(self.read, file_id) for file_id in file_ids]
            waiting = self.reader._groups[""]._waiting  # noqa: SLF001 -- there is no other sign
            wait_until(lambda: len(waiting) == len(file_ids))
            self.go_on.set()
            assert first.result() == {"FileId": FIRST}
        return others


def refused(code: str) -> VodApiError:
    """Return a refusal."""
    return VodApiError("refused", vod_code=code)


def test_files_that_wait_are_read_by_one_call_of_twenty() -> None:
    """While one call is made, 30 threads gather: two calls answer them, each with its own file."""
    vod, file_ids = Vod(), [f"7{number:03}" for number in range(30)]

    answers = [it.result() for it in vod.read_together(*file_ids)]

    assert answers == [None if it.endswith("9") else {"FileId": it} for it in file_ids]
    assert [len(call) for call in vod.calls] == [1, FILES_AT_ONCE, 30 - FILES_AT_ONCE]


def test_thread_alone_waits_for_nobody() -> None:
    """Each call has one file; the same file is read anew each time."""
    vod = Vod()

    assert [vod.read("71"), vod.read("71"), vod.read("79")] == [{"FileId": "71"}] * 2 + [None]
    assert vod.calls == [["71"], ["71"], ["79"]]


def test_file_that_two_threads_want_is_asked_about_once() -> None:
    """Two events of one file have one place in the call."""
    vod = Vod()

    assert [it.result() for it in vod.read_together("71", "71")] == [{"FileId": "71"}] * 2
    assert vod.calls[1:] == [["71"]]


def test_kinds_are_read_apart() -> None:
    """Files of another sub-application, or of foreign events, are in no call with these."""
    vod = Vod()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(vod.read, FIRST)
        wait_until(lambda: vod.calls == [[FIRST]])
        assert vod.read("71", kind="another") == {"FileId": "71"}
        vod.go_on.set()
        first.result()


def test_id_that_is_none_of_vods_is_asked_about_alone() -> None:
    """Whoever pushes an event with such an id costs nobody else an answer."""
    vod = Vod()

    assert [vod.read(file_id) for file_id in ("no id", "", "٣")] == [
        {"FileId": it} for it in ("no id", "", "٣")
    ]
    assert vod.calls == [["no id"], [""], ["٣"]]


def test_files_that_vod_refuses_together_are_read_one_by_one() -> None:
    """One id that VOD takes for wrong fails for its own event alone."""
    vod = Vod(errors=[refused("InvalidParameterValue.FileIds"), refused("InvalidParameterValue.FileIds")])

    endings = vod.read_together("71", "72", "73")

    failed = [it for it in endings if it.exception()]
    assert len(failed) == 1
    assert sorted(len(call) for call in vod.calls[1:]) == [1, 1, 1, 3]


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "TimeoutError", "InternalError"])
def test_call_that_fails_otherwise_fails_for_all(code: str) -> None:
    """VOD is not asked so many times more where it is of no use."""
    vod = Vod(errors=[refused(code)])

    endings = vod.read_together("71", "72")

    assert [it.exception().vod_code for it in endings] == [code, code]  # type: ignore[union-attr]
    assert len(vod.calls) == 2


def test_thread_that_could_not_ask_leaves_the_turn_to_the_next() -> None:
    """What ended the thread, such as a store without the budget, is its own; the others are read."""
    vod = Vod(errors=[KeyboardInterrupt()])  # type: ignore[list-item]

    endings = vod.read_together("71", "72")

    assert sorted(str(type(it.exception()).__name__) for it in endings) == ["KeyboardInterrupt", "NoneType"]


def test_turn_that_does_not_come_in_time_is_an_error() -> None:
    """Each thread waits no longer than it has time, for its turn as for its call."""
    vod = Vod()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(vod.read, FIRST)
        wait_until(lambda: vod.calls == [[FIRST]])
        for seconds in (0.01, 0):
            with pytest.raises(VodApiError) as failure:
                vod.read("71", seconds=seconds)
            assert failure.value.vod_code == "TimeoutError"
        vod.go_on.set()
        first.result()

    assert vod.calls == [[FIRST]]
