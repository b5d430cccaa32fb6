"""How many signatures an upload gets, and until when; what a repeated beginning gets."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest
import redis

from shared.domain.rate_limits import KeyedBegin, UploadLimits
from shared.domain.session import COMMIT_RETRY_SECONDS, SigningEndedError, UploadSession
from shared.domain.upload_id import upload_ids_of_key
from shared.errors import ForbiddenError, RateLimitedError, UnprocessableError
from shared.store.connection import StoreScope
from shared.store.deny_list import Denied, DeniedKind, DenyStore
from shared.store.uploads import UploadStore
from tests.shared.uploads import NOW, SESSION_SECONDS, new_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.domain.rate_limits import Reservation

MANY = 1_000_000
LIMITS = UploadLimits(MANY, open_uploads=9, per_day=9, renewals_per_minute=MANY)
SCOPE = StoreScope("test", 604_800)
DAY_SECONDS = 86_400
RUNNING = json.dumps({"status": "PROCESSING", "succeeded": False, "subtasks": []})
_numbers = count(1)


@pytest.fixture
def store(valkey_url: str) -> UploadStore:
    """Return an empty store."""
    return UploadStore(valkey_url, SCOPE)


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    """Open a connection of the test's own."""
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        yield client


def begun(store: UploadStore, limits: UploadLimits = LIMITS) -> UploadSession:
    """Begin an upload."""
    session = new_session()
    store.begin_upload(session, randoms=(next(_numbers),), now=NOW, limits=limits)
    return session


def renewed(
    store: UploadStore,
    session: UploadSession,
    *,
    now: int = NOW,
    limits: UploadLimits = LIMITS,
    **repeated: object,
) -> UploadSession:
    """Ask for another signature of an upload."""
    found, _ = store.renew_upload(
        session.user_id,
        session.upload_id,
        randoms=(next(_numbers),),
        now=now,
        limits=limits,
        repeated=repeated,
    )
    return found


def record_key(client: redis.Redis, session: UploadSession) -> str:
    """Return the key of an upload's record."""
    (key,) = client.keys(f"*:upload:{session.upload_id}")
    return str(key)


def whole_store(client: redis.Redis) -> set[tuple[object, object]]:
    """Return every key with what it holds; one whose time is over may be gone the next time."""
    dumps = ((key, client.dump(key)) for key in client.scan_iter())
    return {(key, dump) for key, dump in dumps if dump is not None}


class TestSignatures:
    """An upload gets SIGNATURES_PER_UPLOAD signatures in all."""

    def test_crowd_gets_as_many_as_there_are(self, store: UploadStore) -> None:
        """The first signature is one of them, however many ask at once."""
        limits = LIMITS._replace(signatures_per_upload=7)
        session = begun(store, limits)

        def passes(_number: int) -> bool:
            try:
                return bool(renewed(store, session, limits=limits))
            except SigningEndedError:
                return False

        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(passes, range(64))) == 7 - 1
        with pytest.raises(SigningEndedError, match="has had all its signatures"):
            renewed(store, session, limits=limits)

    def test_upload_of_the_release_before_gets_them_too(
        self, store: UploadStore, client: redis.Redis
    ) -> None:
        """A record without a count or an expiry is one with a single signature, which has expired."""
        session = begun(store)
        client.hdel(record_key(client, session), "signatures", "signed_until")

        assert renewed(store, session).signed_until == NOW + 600
        assert client.hget(record_key(client, session), "signatures") == "2"

    @pytest.mark.parametrize(
        ("facts", "now", "allowed"),
        [
            pytest.param({}, NOW + SESSION_SECONDS - 1, True, id="in its last second"),
            pytest.param({}, NOW + SESSION_SECONDS, False, id="at its end"),
            pytest.param({"expired_at": NOW}, NOW, False, id="expired"),
            pytest.param({"cancelled_at": NOW}, NOW + 599, True, id="cancelled, and a signature is out"),
            pytest.param({"cancelled_at": NOW}, NOW + 600, False, id="cancelled, and none is out"),
            pytest.param({"file_id": "f"}, NOW, False, id="a file, by another event than its own"),
            pytest.param({"procedure": RUNNING}, NOW, False, id="a task flow runs"),
            pytest.param(
                {"uploaded_at": NOW, "file_id": "f", "procedure": RUNNING},
                NOW + COMMIT_RETRY_SECONDS - 1,
                True,
                id="uploaded, the Commit's answer was lost",
            ),
            pytest.param({"uploaded_at": NOW}, NOW + COMMIT_RETRY_SECONDS, False, id="uploaded"),
            pytest.param(
                {"uploaded_at": NOW, "cancelled_at": NOW}, NOW, False, id="uploaded though cancelled"
            ),
        ],
    )
    def test_signing_ends_with_the_first_event_of_the_file(
        self, store: UploadStore, client: redis.Redis, facts: dict[str, object], now: int, *, allowed: bool
    ) -> None:
        """An open upload may be signed for again, one with a file while an SDK may repeat its Commit."""
        session = begun(store)
        for field, value in facts.items():
            client.hset(record_key(client, session), field, str(value))
        before = whole_store(client)

        if allowed:
            assert renewed(store, session, now=now).cancelled_at is None
            return
        with pytest.raises(SigningEndedError, match="begin a new one"):
            renewed(store, session, now=now)
        assert whole_store(client) <= before

    @pytest.mark.parametrize("context", ["other", "\ud800"])
    def test_refused_renewal_uses_up_nothing(
        self, store: UploadStore, client: redis.Redis, context: str
    ) -> None:
        """A request that differs from what the upload began with, or that comes too often, counts nowhere."""
        session, strict = begun(store), LIMITS._replace(renewals_per_minute=10)
        for _ in range(10):
            renewed(store, session, limits=strict, policy="default", context="")
        before = whole_store(client)

        with pytest.raises(SigningEndedError):
            renewed(store, session, context=context)
        with pytest.raises(RateLimitedError):
            renewed(store, session, limits=strict)

        assert whole_store(client) <= before


class TestRepeatedBeginning:
    """Under an Idempotency-Key the same request is another one for the same upload."""

    @staticmethod
    def begin(
        store: UploadStore,
        *,
        now: int = NOW,
        request: str = "{}",
        limits: UploadLimits = LIMITS,
    ) -> tuple[str, Reservation]:
        """Begin an upload under one key; return its id, and what was reserved."""
        upload_id, earlier_id = upload_ids_of_key("test\nkey\nalice", now=now)
        session = replace(new_session(issued_at=now), upload_id=upload_id, ends_at=now + SESSION_SECONDS)
        reservation = store.begin_upload(
            session,
            randoms=(next(_numbers),),
            now=now,
            limits=limits,
            keyed=KeyedBegin(earlier_id, request),
        )
        return reservation.renewed.upload_id if reservation.renewed else upload_id, reservation

    def test_it_is_a_renewal(self, store: UploadStore, client: redis.Redis) -> None:
        """It has a nonce of its own, and counts as a renewal and not as an upload."""
        limits = LIMITS._replace(per_minute=1, open_uploads=1, per_day=1, signatures_per_upload=3)
        upload_id, first = self.begin(store, limits=limits)
        again, second = self.begin(store, now=NOW + 1, limits=limits)
        self.begin(store, now=NOW + 2, limits=limits)

        assert (again, first.nonce != second.nonce) == (upload_id, True)
        assert [[each.name for each in it.rate_limits] for it in (first, second)] == [
            ["user", "day"],
            ["upload"],
        ]
        with pytest.raises(SigningEndedError, match="Idempotency-Key"):
            self.begin(store, now=NOW + 3, limits=limits)
        assert len(client.keys("*:upload:*")) == 1

    @pytest.mark.parametrize("seconds", [0, 600, 43_200, DAY_SECONDS - 1])
    def test_key_is_kept_for_a_day(self, store: UploadStore, seconds: int) -> None:
        """Whenever that day begins: midnight changes nothing."""
        began = {self.begin(store, now=NOW)[0], self.begin(store, now=NOW + seconds)[0]}

        assert len(began) == 1
        assert self.begin(store, now=NOW + DAY_SECONDS)[1].renewed is None

    def test_another_request_is_refused(self, store: UploadStore, client: redis.Redis) -> None:
        """One key is for one request: 422, and nothing is written."""
        self.begin(store)
        before = whole_store(client)

        with pytest.raises(UnprocessableError, match="Idempotency-Key"):
            self.begin(store, request=json.dumps({"context": "x"}))

        assert whole_store(client) <= before

    def test_cancelled_upload_goes_on(self, store: UploadStore) -> None:
        """As it would by its id."""
        upload_id, _ = self.begin(store)
        store.cancel_upload("alice", upload_id, now=NOW + 1)

        _, second = self.begin(store, now=NOW + 2)

        assert second.renewed is not None
        assert second.renewed.cancelled_at is None

    def test_denied_user_gets_no_other(self, store: UploadStore, valkey_url: str) -> None:
        """The deny list stops it like any renewal."""
        self.begin(store)
        DenyStore(valkey_url, SCOPE).deny(Denied(DeniedKind.USER, "alice", since=NOW))

        with pytest.raises(ForbiddenError):
            self.begin(store)
