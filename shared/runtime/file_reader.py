"""Read files of VOD's for several threads by one call: while one calls, the others gather for the next.

Nobody waits for company, so a single thread is served as if it were alone.
"""

from __future__ import annotations

import _thread
from typing import TYPE_CHECKING

from shared.deadline import Deadline
from shared.errors import VodApiError

if TYPE_CHECKING:
    from shared.vod_api import ReadFiles

FILES_AT_ONCE = 20
"""The most that DescribeMediaInfos takes in one call (API model)."""
_REFUSED = "InvalidParameter"


class FileReader:
    """The files that the threads of a process read.

    One whose id is none of VOD's (decimal digits) is asked about by itself, and so is each of a call that VOD
    refuses, so that no event's file prevents that of another from being read.
    """

    def __init__(self) -> None:
        self._groups: dict[object, _Group] = {}

    def read(
        self, file_id: str, call: ReadFiles, *, kind: object, timeout_seconds: float
    ) -> dict[str, object] | None:
        """Return what VOD has of a file, None if nothing; `call` reads several, for each `kind` another way.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        deadline = Deadline(timeout_seconds)
        try:
            answer = None
            if file_id.isascii() and file_id.isdecimal():
                answer = self._groups.setdefault(kind, _Group()).read(file_id, call, deadline)
            return (call([file_id], deadline.left()) if answer is None else answer).get(file_id)
        except TimeoutError:
            raise VodApiError("DescribeMediaInfos failed: TimeoutError.", vod_code="TimeoutError") from None


class _Wish:
    """A file to read, and how the call about it ended: an answer, an error, or a refusal (None)."""

    def __init__(self, file_id: str) -> None:
        self.file_id = file_id
        self.has_ended = False
        self.ending: dict[str, dict[str, object]] | VodApiError | None = None


class _Group:
    """The files that wait for the next call; the thread that has the turn makes it."""

    def __init__(self) -> None:
        self._turn = _thread.allocate_lock()
        self._waiting: dict[_Wish, None] = {}

    def read(self, file_id: str, call: ReadFiles, deadline: Deadline) -> dict[str, dict[str, object]] | None:
        """Return the answer to the call that asked about a file; None if VOD has refused the files together.

        Raises:
            VodApiError: the call has failed.
            TimeoutError: none was made in time.

        """
        wish, seconds = _Wish(file_id), deadline.left()
        self._waiting[wish] = None
        if self._turn.acquire(timeout=seconds):
            try:
                if not wish.has_ended:
                    self._call(wish, call, deadline)
            finally:
                self._turn.release()
        self._waiting.pop(wish, None)
        if not wish.has_ended:
            raise TimeoutError
        if isinstance(wish.ending, VodApiError):
            raise wish.ending
        return wish.ending

    def _call(self, own: _Wish, call: ReadFiles, deadline: Deadline) -> None:
        """Ask about the own file, and those that wait."""
        batch = [own, *(wish for wish in list(self._waiting) if wish is not own)][:FILES_AT_ONCE]
        for wish in batch:
            self._waiting.pop(wish, None)
        ending: dict[str, dict[str, object]] | VodApiError | None
        try:
            ending = call(list(dict.fromkeys(wish.file_id for wish in batch)), deadline.left())
        except VodApiError as error:
            ending = None if len(batch) > 1 and error.vod_code.startswith(_REFUSED) else error
        for wish in batch:
            wish.ending, wish.has_ended = ending, True


OF_THE_PROCESS = FileReader()
"""Made by the import, of which there is one however many threads ask for it first."""
