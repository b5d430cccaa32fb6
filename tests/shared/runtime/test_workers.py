"""Calls in threads, and what they use in turn."""

from __future__ import annotations

import threading

import pytest

from shared.invocation_log import note, recorded, timed
from shared.runtime.workers import Pool, Workers

FOR_EVER = 600.0


def test_calls_are_made_at_the_same_time() -> None:
    """Each waits for the others, and is collected once; no more can be begun than there are workers."""
    workers, together = Workers[int](3), threading.Barrier(3)
    for _ in range(3):
        workers.begin(lambda: together.wait(FOR_EVER))
    assert (workers.free, workers.busy) == (0, 3)

    results: list[int] = []
    while workers.busy:
        results += workers.ended(FOR_EVER)

    assert sorted(results) == [0, 1, 2]
    assert (workers.free, workers.ended(FOR_EVER)) == (3, [])


def test_call_that_has_not_ended_is_not_waited_for_without_end() -> None:
    """After the time that is given there is no result."""
    workers, may_end = Workers[bool](1), threading.Event()
    workers.begin(lambda: may_end.wait(FOR_EVER))

    assert (workers.ended(0), workers.ended(-1), workers.busy) == ([], [], 1)
    may_end.set()
    assert workers.ended(FOR_EVER) == [True]


def test_what_a_call_raises_is_raised_where_it_is_collected() -> None:
    """Also what is no `Exception`."""
    workers = Workers[object](1)

    def fail() -> object:
        raise KeyboardInterrupt

    workers.begin(fail)

    with pytest.raises(KeyboardInterrupt):
        workers.ended(FOR_EVER)
    assert workers.busy == 0


def test_calls_are_recorded_in_the_invocation_that_began_them() -> None:
    """Its log line counts what its workers have called, and nothing of others."""
    workers = Workers[None](9)

    def call() -> None:
        with timed("webhook"):
            note(seen=1)

    with recorded() as record:
        for _ in range(9):
            workers.begin(call)
        while workers.busy:
            workers.ended(FOR_EVER)
    workers.begin(call)
    workers.ended(FOR_EVER)

    assert record.figures()["calls_webhook"] == 9
    assert record.about == {"seen": 1}


def test_thing_of_a_pool_is_used_by_one_at_a_time() -> None:
    """It is kept for the next, also after a failure; another is made while it is in use."""
    pool = Pool(object)
    with pool.lent() as first, pool.lent() as second:
        assert first is not second
    with pytest.raises(ZeroDivisionError), pool.lent() as third:
        raise ZeroDivisionError
    with pool.lent() as fourth:
        pass

    assert third is fourth
    assert third in (first, second)
