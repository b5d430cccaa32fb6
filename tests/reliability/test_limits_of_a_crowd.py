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
    from collections.abc import Callable, Iterator

    from shared.domain.session import UploadSession

pytestmark = pytest.mark.reliability

ROUNDS, CROWD = 200, 64
MANY = 1_000_000
NETWORK = ("198.51.100.7/32",)
KINDS: dict[str, Callable[[int], UploadLimits]] = {
    "user": UploadLimits,
    "network": lambda limit: UploadLimits(MANY, network_per_minute=limit),
    "open": lambda limit: UploadLimits(MANY, open_uploads=limit),
    "day": lambda limit: UploadLimits(MANY, per_day=limit),
}


class Crowd:
    """Threads that begin uploads of one user, each with a store of its own, all at the same moment."""

    def __init__(self, redis_url: str, threads: ThreadPoolExecutor) -> None:
        scope = StoreScope("test", 604_800)
        self._stores = [Store(redis_url, scope) for _ in range(CROWD)]
        self._threads = threads
        self._start = Barrier(CROWD)
        self._nonces = count()

    def passes(self, user: str, limits: UploadLimits) -> list[UploadSession]:
        """Let all of them request at once; return the uploads of those who passed."""

        def ask(number: int) -> UploadSession | None:
            session = new_session(user)
            # A network of his own for each round's user, so that the rounds do not meet in it.
            network = (f"{NETWORK[0]} {user}",)
            self._start.wait()
            try:
                self._stores[number].begin_upload(
                    session,
                    randoms=[next(self._nonces)],
                    now=NOW,
                    limits=limits,
                    networks=network,
                )
            except RateLimitedError:
                return None
            return session

        return [session for session in self._threads.map(ask, range(CROWD)) if session is not None]

    def renew(self, session: UploadSession, *, per_minute: int) -> int:
        """Let all of them renew one upload; return how many passed."""

        def ask(number: int) -> bool:
            self._start.wait()
            try:
                self._stores[number].renew_upload(
                    session.user_id,
                    session.upload_id,
                    randoms=[next(self._nonces)],
                    now=NOW,
                    per_minute=per_minute,
                )
            except RateLimitedError:
                return False
            return True

        return sum(self._threads.map(ask, range(CROWD)))


@pytest.fixture
def crowd(valkey_url: str) -> Iterator[Crowd]:
    """Return a crowd with an empty store."""
    with ThreadPoolExecutor(CROWD) as threads:
        yield Crowd(valkey_url, threads)


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_the_limit_passes_in_every_round(crowd: Crowd, kind: str) -> None:
    """Of 64 who ask at once, as many pass as the limit says, in 200 rounds with limits from 1 to 63 (R13)."""
    numbers = random.Random(1)  # noqa: S311 -- the rounds are the same in every run
    wrong = []
    for number in range(ROUNDS):
        limit = numbers.randint(1, CROWD - 1)
        passed = len(crowd.passes(f"{kind}-{number}", KINDS[kind](limit)))
        if passed != limit:
            wrong.append((number, limit, passed))

    assert wrong == []


def test_renewals_pass_while_new_uploads_are_refused(crowd: Crowd) -> None:
    """A user at every one of his limits still renews what he has begun, up to the limit of renewals."""
    limits = UploadLimits(1, open_uploads=1, per_day=1)
    (session,) = crowd.passes("alice", limits)

    assert crowd.passes("alice", limits) == []
    assert crowd.renew(session, per_minute=10) == 10


@pytest.mark.parametrize("per_minute", [1, 7, 30, 600])
def test_limit_fills_up_again_at_its_pace(valkey_url: str, per_minute: int) -> None:
    """Over half an hour of requests at every opportunity the limit is met to within 1 % (R13)."""
    store, limits = Store(valkey_url, StoreScope("test", 604_800)), UploadLimits(per_minute)
    passed, asked, minutes, now = 0, 0, 30, float(NOW)
    step = 60 / per_minute / 3
    while now < NOW + 60 * minutes:
        try:
            store.begin_upload(new_session("alice"), randoms=[asked], now=now, limits=limits)
            passed += 1
        except RateLimitedError:
            pass
        now += step
        asked += 1

    assert passed == pytest.approx(per_minute * (minutes + 1), rel=0.01, abs=1)
