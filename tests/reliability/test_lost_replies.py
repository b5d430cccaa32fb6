"""The store executed a command and its reply was lost: nothing is won, counted or ingested twice.

The client itself must never resend a script whose reply was lost; the caller decides what to do.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from shared.domain.policy import Grant
from shared.domain.rate_limits import UploadLimits
from shared.domain.session import UploadSession
from shared.domain.upload_id import new_upload_id
from shared.errors import RateLimitedError, StoreUnavailableError
from shared.store.connection import StoreScope
from shared.store.journal import Store
from shared.vod.signature import decode
from tests.reliability.service import SENDS_PER_EVENT, push_of, signature_request, timer_of
from tests.reliability.tcp_proxy import TcpProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.stack.embedded_store import EmbeddedStore
    from tests.reliability.service import Service

pytestmark = pytest.mark.reliability

THREADS = 64
ROUNDS = 1000
ROUNDS_WITH_LOSSES = 60
EVENTS = 200
SECOND = 1_795_000_000
SCOPE = StoreScope("test", 3600)
NO_LIMIT = 10_000_000
SCRIPT = b"EVALSHA"


@pytest.fixture
def proxy(valkey: EmbeddedStore) -> Iterator[TcpProxy]:
    """Return a proxy in front of the store, without faults at first."""
    with TcpProxy(valkey.url) as proxy:
        yield proxy


def test_nonce_has_exactly_one_winner(valkey_url: str) -> None:
    """64 callers want the same number in the same second, for new uploads and for renewals: one gets it."""
    store = Store(valkey_url, SCOPE)
    begin_renewed_uploads(store)

    told, unanswered = race(store, rounds=ROUNDS)

    assert told == Counter(range(ROUNDS))
    assert unanswered == Counter()


def test_nonce_is_never_told_twice_when_replies_get_lost(valkey_url: str, proxy: TcpProxy) -> None:
    """The winner may not hear of it; then nobody has won, and that caller is told to ask again."""
    assert valkey_url
    store = Store(proxy.url, SCOPE)
    begin_renewed_uploads(store)
    proxy.lost_share, proxy.swallowed_share = 0.06, 0.002

    told, unanswered = race(store, rounds=ROUNDS_WITH_LOSSES)

    assert set(told.values()) == {1}
    assert proxy.replies_lost > THREADS
    without_winner = set(range(ROUNDS_WITH_LOSSES)) - told.keys()
    assert without_winner
    assert all(unanswered[nonce] for nonce in without_winner)


def test_lost_reply_is_503_and_is_counted_once(service: Service, proxy: TcpProxy) -> None:
    """A request for a signature is sent to the store once, whatever becomes of the reply."""
    requests = [signature_request(service.clock(), user="alice") for _ in range(60)]
    service.worker.live(requests[:1])
    service.store.flushdb()
    service.store.config_resetstat()
    proxy.lost_share, proxy.only_after = 0.3, SCRIPT

    answers = service.worker.live(requests, REDIS_URL=proxy.url, NEW_UPLOADS_PER_MINUTE="60").results

    outcomes = Counter(answer["statusCode"] for answer in answers)
    assert outcomes == {200: 60 - proxy.replies_lost, 503: proxy.replies_lost}
    assert proxy.replies_lost >= 5
    assert len(service.records("upload")) == 60
    assert int(service.store.info("commandstats")["cmdstat_evalsha"]["calls"]) == 60
    assert len(list(service.store.scan_iter("vuf:*:nonce:*", count=1000))) == 60
    signed = [decode(answer["body"]).values for answer in answers if answer["statusCode"] == 200]
    assert len({(each["currentTimeStamp"], each["random"]) for each in signed}) == outcomes[200]


def test_event_whose_journal_reply_was_lost_is_one_event(service: Service, proxy: TcpProxy) -> None:
    """VOD gets no answer in time and sends again: the journal knows it, the app hears of it once."""
    uploads = service.finished_uploads(EVENTS)
    service.worker.live([push_of(uploads[0].event)])
    proxy.lost_share, proxy.only_after = 0.25, SCRIPT

    waiting, sent, late = uploads[1:], 0, 0
    for _ in range(SENDS_PER_EVENT):
        before = service.clock()
        answers = service.worker.live([push_of(each.event) for each in waiting], REDIS_URL=proxy.url).results
        unanswered = [answer["statusCode"] == 503 for answer in answers]
        assert service.clock() - before >= 6 * sum(unanswered)
        sent, late = sent + len(answers), late + sum(unanswered)
        waiting = [each for each, lost in zip(waiting, unanswered, strict=True) if lost]
    service.clock.advance(60)
    service.worker.live([timer_of("event_delivery")])

    assert late > 40
    assert len(service.records("event")) == EVENTS
    assert {record["sequence"] for record in service.records("upload")} == {"1"}
    assert {record["delivery"] for record in service.records("event")} == {"delivered"}
    heard = service.app.ids
    assert heard.keys() == {("upload.completed", each.upload_id) for each in uploads}
    assert {len(ids) for ids in heard.values()} == {1}


def race(store: Store, *, rounds: int) -> tuple[Counter[int], Counter[int]]:
    """Let all threads compete for the nonce of each round; return the winners, and those without an answer.

    Half of them begin an upload with it, the other half renew one that they have.
    """
    start = threading.Barrier(THREADS)

    def want_all(number: int) -> tuple[Counter[int], Counter[int]]:
        told, unanswered = Counter[int](), Counter[int]()
        for nonce in range(rounds):
            start.wait()
            try:
                won = want(store, number, nonce)
            except RateLimitedError:
                continue
            except StoreUnavailableError:
                unanswered[nonce] += 1
                continue
            assert won == nonce
            told[nonce] += 1
        return told, unanswered

    with ThreadPoolExecutor(THREADS) as threads:
        results = list(threads.map(want_all, range(THREADS)))
    return sum((told for told, _ in results), Counter()), sum((lost for _, lost in results), Counter())


def want(store: Store, number: int, nonce: int) -> int:
    """Request one nonce, the only candidate; odd callers renew."""
    if number % 2:
        _, reservation = store.renew_upload(
            "alice", upload_id_of(number), randoms=[nonce], now=SECOND, per_minute=NO_LIMIT
        )
        return reservation.nonce
    return store.begin_upload(
        session(number, nonce), randoms=[nonce], now=SECOND, limits=UploadLimits(NO_LIMIT)
    ).nonce


def begin_renewed_uploads(store: Store) -> None:
    """Begin the uploads that the odd callers renew, with nonces that no other caller uses."""
    for number in range(1, THREADS, 2):
        store.begin_upload(session(number), randoms=[-number], now=SECOND, limits=UploadLimits(NO_LIMIT))


def upload_id_of(number: int, nonce: int | None = None) -> str:
    """Return the id of the upload that a caller renews, or of the one that it begins with a nonce."""
    return new_upload_id(now=SECOND, random=number * 1_000_000 + (0 if nonce is None else nonce + 1))


def session(number: int, nonce: int | None = None) -> UploadSession:
    """Return an upload of the one user whom all callers represent."""
    grant = Grant(policy="default", ttl_seconds=600, one_time=True, context="")
    return UploadSession(upload_id_of(number, nonce), "alice", grant, SECOND, SECOND + 600)
