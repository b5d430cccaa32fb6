"""The store executed a command and its reply was lost: nothing is won, counted or ingested twice.

The client itself must never resend a script whose reply was lost; the caller decides what to do.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import redis

from shared.domain.rate_limits import UploadLimits
from shared.errors import RateLimitedError, StoreUnavailableError
from shared.store.connection import StoreScope
from shared.store.journal import Store
from shared.vod.signature import decode
from tests.reliability.service import signature_request
from tests.reliability.tcp_proxy import TcpProxy
from tests.shared.uploads import new_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.stack.embedded_store import EmbeddedStore
    from shared.domain.session import UploadSession
    from tests.reliability.service import Service

pytestmark = pytest.mark.reliability

THREADS = 64
ROUNDS = 1000
ROUNDS_WITH_LOSSES = 60
SECOND = 1_795_000_000
SCOPE = StoreScope("test", 3600)
NO_LIMIT = 10_000_000
NO_LIMITS = UploadLimits(NO_LIMIT, renewals_per_minute=NO_LIMIT, signatures_per_upload=NO_LIMIT)
SCRIPT = b"EVALSHA"


@pytest.fixture
def proxy(valkey: EmbeddedStore) -> Iterator[TcpProxy]:
    """Return a proxy in front of the store, without faults at first."""
    with TcpProxy(valkey.url) as proxy:
        yield proxy


@pytest.mark.usefixtures("patient_store")
def test_nonce_has_exactly_one_winner(valkey_url: str) -> None:
    """64 callers want the same number in the same second, for new uploads and for renewals: one gets it."""
    assert race(valkey_url, valkey_url, rounds=ROUNDS) == [{"won": 1, "refused": THREADS - 1}] * ROUNDS


def test_nonce_is_never_told_twice_when_replies_get_lost(valkey_url: str, proxy: TcpProxy) -> None:
    """The winner may not hear of it; then nobody has won, and that caller is told to ask again."""
    proxy.lost_share, proxy.swallowed_share = 0.2, 0.002

    outcomes = race(valkey_url, proxy.url, rounds=ROUNDS_WITH_LOSSES)

    assert {outcome["won"] for outcome in outcomes} == {0, 1}
    assert all(outcome["unanswered"] for outcome in outcomes if not outcome["won"])
    assert proxy.replies_lost > THREADS


def test_lost_reply_is_503_and_is_counted_once(service: Service, proxy: TcpProxy) -> None:
    """A request for a signature is sent to the store once, whatever becomes of the reply."""
    requests = [signature_request(service.clock(), user="alice") for _ in range(60)]
    service.worker.live(requests[:1])
    proxy.lost_share, proxy.only_after = 0.3, SCRIPT

    with redis.Redis.from_url(service.redis_url) as store:
        store.flushdb()
        store.config_resetstat()
        answers = service.worker.live(requests, REDIS_URL=proxy.url, NEW_UPLOADS_PER_MINUTE="60").results
        assert int(store.info("commandstats")["cmdstat_evalsha"]["calls"]) == 60
        assert len(list(store.scan_iter("vuf:*:nonce:*", count=1000))) == 60

    outcomes = Counter(answer["statusCode"] for answer in answers)
    assert outcomes == {200: 60 - proxy.replies_lost, 503: proxy.replies_lost}
    assert proxy.replies_lost >= 5
    assert len(service.records("upload")) == 60
    signed = [decode(answer["body"]).values for answer in answers if answer["statusCode"] == 200]
    assert len({(each["currentTimeStamp"], each["random"]) for each in signed}) == outcomes[200]


def race(direct_url: str, redis_url: str, *, rounds: int) -> list[Counter[str]]:
    """Let all threads compete for the nonce of each round; return how many won, lost or got no answer.

    Half of them begin an upload with it, the other half renew one that they have.
    """
    direct, store, start = Store(direct_url, SCOPE), Store(redis_url, SCOPE), threading.Barrier(THREADS)

    def begin(at: Store, session: UploadSession, nonce: int) -> int:
        return at.begin_upload(session, randoms=[nonce], now=SECOND, limits=UploadLimits(NO_LIMIT)).nonce

    def renew(session: UploadSession, nonce: int) -> int:
        asked = "alice", session.upload_id
        return store.renew_upload(*asked, randoms=[nonce], now=SECOND, limits=NO_LIMITS)[1].nonce

    def want_all(number: int) -> list[str]:
        session, outcomes = new_session(issued_at=SECOND), []
        begin(direct, session, -1 - number)
        for nonce in range(rounds):
            start.wait()
            try:
                is_new = number % 2 == 0
                won = begin(store, new_session(issued_at=SECOND), nonce) if is_new else renew(session, nonce)
            except (RateLimitedError, StoreUnavailableError) as error:
                outcomes.append("refused" if isinstance(error, RateLimitedError) else "unanswered")
            else:
                assert won == nonce
                outcomes.append("won")
        return outcomes

    with ThreadPoolExecutor(THREADS) as threads:
        return [Counter(outcomes) for outcomes in zip(*threads.map(want_all, range(THREADS)), strict=True)]
