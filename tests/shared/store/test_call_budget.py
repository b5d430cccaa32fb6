"""The budget of calls of VOD's API that all instances share."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared.store.connection import StoreScope
from shared.store.journal import Store

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL_SECONDS = 1.0
"""With one call a second; a burst of two is the least there is."""
Take = partial[float]


@pytest.fixture
def take(valkey_url: str) -> Callable[..., Take]:
    """Return a call of an instance of its own, at one call a second."""

    def take(action: str = "DescribeMediaInfos", *, foreign: bool = False, waits: bool = True) -> Take:
        store = Store(valkey_url, StoreScope("test", 604_800))
        return partial(store.take_call, action, per_second=1, foreign=foreign, waits=waits)

    return take


def at_once(*calls: Take) -> list[bool]:
    """Return which calls are granted, all within a second; repeat them if they took longer."""
    while True:
        began = time.monotonic()
        granted = [call() == 0 for call in calls]
        if time.monotonic() - began < INTERVAL_SECONDS / 2:
            return granted
        time.sleep(3 * INTERVAL_SECONDS)


def test_all_instances_share_the_calls_of_an_action(take: Callable[..., Take]) -> None:
    """A burst is granted, whoever asks, and no more; another action has a budget of its own."""
    one, other = take(), take()
    another = take("DescribeTasks")

    assert at_once(one, other, one, other, another) == [True, True, False, False, True]


def test_refusal_says_when_to_ask_again(take: Callable[..., Take]) -> None:
    """After the wait there is a call again."""
    call = take()
    while (pause := call()) == 0:
        pass

    assert 0 < pause <= INTERVAL_SECONDS
    time.sleep(pause)
    assert call() == 0


def test_foreign_events_leave_half_of_a_burst_to_all_others(take: Callable[..., Take]) -> None:
    """However many of them there are, the next call of another is granted at once; theirs wait for quiet."""
    foreign, genuine = take(foreign=True), take()

    assert at_once(foreign, foreign, foreign, genuine, foreign) == [True, False, False, True, False]


def test_call_that_waits_goes_before_a_flood_of_those_that_do_not(take: Callable[..., Take]) -> None:
    """However many callbacks ask, a timer has its call at once."""
    callback, timer = take(waits=False), take()

    assert at_once(callback, callback, callback, timer, callback) == [True, False, False, True, False]


@pytest.mark.parametrize(("per_second", "burst"), [(80, 20), (100, 25), (7, 2)])
def test_burst_is_a_quarter_of_a_second(valkey_url: str, per_second: int, burst: int) -> None:
    """So no second has more than five quarters of the rate: of 80, at most VOD's 100."""
    store = Store(valkey_url, StoreScope("test", 604_800))
    began = time.monotonic()
    granted = 0
    while store.take_call("SearchMedia", per_second=per_second, foreign=False) == 0:
        granted += 1

    # A slow machine is granted further calls for the time that it took.
    passed = time.monotonic() - began
    assert burst <= granted <= burst + passed * per_second + 1
