"""Rate limits under concurrency: exactly the allowed number passes (R13)."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from shared.domain.rate_limits import UploadLimits
from shared.errors import RateLimitedError
from shared.store.connection import StoreScope
from shared.store.journal import Store
from tests.shared.uploads import NOW, new_session

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.reliability

ROUNDS, CROWD = 200, 64
MANY = 1_000_000
SCOPE = StoreScope("test", 604_800)
KINDS: dict[str, Callable[[int], UploadLimits]] = {
    "user": UploadLimits,
    "network": lambda limit: UploadLimits(MANY, network_per_minute=limit),
    "open": lambda limit: UploadLimits(MANY, open_uploads=limit),
    "day": lambda limit: UploadLimits(MANY, per_day=limit),
}


def may_begin(store: Store, user: str, nonce: int, limits: UploadLimits, *, now: float = NOW) -> bool:
    """Begin an upload in a network of the user's own; return whether the limits allowed it."""
    networks = (f"198.51.100.7/32 {user}",)
    try:
        store.begin_upload(new_session(user), randoms=[nonce], now=now, limits=limits, networks=networks)
    except RateLimitedError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_the_limit_passes_in_every_round(valkey_url: str, kind: str) -> None:
    """Of 64 who ask at once, as many pass as the limit says, in 200 rounds with limits from 1 to 63 (R13)."""
    draw, nonces, start = random.Random(1), count(), Barrier(CROWD)  # noqa: S311 -- the rounds are the same in every run
    limits = [draw.randint(1, CROWD - 1) for _ in range(ROUNDS)]

    def ask_in_every_round(store: Store) -> list[bool]:
        answers = []
        for number, limit in enumerate(limits):
            start.wait()
            answers.append(may_begin(store, f"user-{number}", next(nonces), KINDS[kind](limit)))
        return answers

    with ThreadPoolExecutor(CROWD) as threads:
        answers = threads.map(ask_in_every_round, [Store(valkey_url, SCOPE) for _ in range(CROWD)])
        passed = [sum(answers_of_a_round) for answers_of_a_round in zip(*answers, strict=True)]

    assert passed == limits


@pytest.mark.parametrize("per_minute", [1, 7, 30, 600])
def test_limit_fills_up_again_at_its_pace(valkey_url: str, per_minute: int) -> None:
    """Over half an hour of requests at every opportunity the limit is met to within 1 % (R13)."""
    store, minutes, requests_per_minute = Store(valkey_url, SCOPE), 30, 3 * per_minute
    instants = [NOW + 60 * number / requests_per_minute for number in range(requests_per_minute * minutes)]

    passed = sum(
        may_begin(store, "alice", number, UploadLimits(per_minute), now=now)
        for number, now in enumerate(instants)
    )

    assert passed == pytest.approx(per_minute * (minutes + 1), rel=0.01, abs=1)
