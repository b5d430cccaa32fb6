from __future__ import annotations

import threading

import pytest

from shared.deadline import BackgroundCall, Deadline


def test_deadline_has_less_left_as_time_passes() -> None:
    """The seconds left become fewer, and after the last one TimeoutError is raised."""
    seconds = iter([100.0, 100.0, 102.5, 103.0])
    deadline = Deadline(3.0, lambda: next(seconds))

    assert deadline.left() == 3.0
    assert deadline.left() == 0.5
    with pytest.raises(TimeoutError):
        deadline.left()


def test_failure_of_a_call_is_raised_where_its_result_is_asked_for() -> None:
    """`result` raises the error of the function."""

    def fail() -> None:
        raise LookupError("no such thing")

    for call in (BackgroundCall(fail), BackgroundCall(fail, lambda function: function())):
        with pytest.raises(LookupError, match="no such thing"):
            call.result(60)


def test_call_that_takes_too_long_is_left_behind_and_may_be_asked_again() -> None:
    """`result` raises TimeoutError; the call goes on, and its result can be read later, more than once."""
    release = threading.Event()
    call = BackgroundCall(release.wait)

    with pytest.raises(TimeoutError):
        call.result(0.01)
    assert not call.has_ended

    release.set()
    assert [call.result(60), call.result(60)] == [True, True]
    assert call.has_ended


def test_caller_decides_where_a_call_runs() -> None:
    """A `start` that calls the function directly runs it in the caller's thread."""
    assert BackgroundCall(threading.get_ident, lambda function: function()).result(0) == threading.get_ident()
