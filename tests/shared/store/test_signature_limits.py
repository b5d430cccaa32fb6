"""How many signatures an upload gets, and until when; what a repeated beginning gets."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING

import pytest

from shared.domain.rate_limits import KeyedBegin, UploadLimits
from shared.domain.session import COMMIT_RETRY_SECONDS, SigningEndedError, UploadSession
from shared.domain.upload_id import upload_ids_of_key
from shared.errors import RateLimitedError
from tests.shared.store.every_method import whole_store
from tests.shared.uploads import NOW, SESSION_SECONDS, new_session

if TYPE_CHECKING:
    import redis

    from shared.domain.rate_limits import Reservation
    from shared.store.journal import Store

MANY = 1_000_000
LIMITS = UploadLimits(MANY, open_uploads=9, per_day=9, renewals_per_minute=MANY)
DAY_SECONDS = 86_400
RUNNING = json.dumps({"status": "PROCESSING", "succeeded": False, "subtasks": []})
_numbers = count(1)


def begun(store: Store, limits: UploadLimits = LIMITS) -> UploadSession:
    """Begin an upload."""
    session = new_session()
    store.begin_upload(session, randoms=(next(_numbers),), now=NOW, limits=limits)
    return session


def renewed(
    store: Store, session: UploadSession, *, now: int = NOW, limits: UploadLimits = LIMITS, **repeated: object
) -> UploadSession:
    """Ask for another signature of an upload."""
    ids, randoms = (session.user_id, session.upload_id), (next(_numbers),)
    return store.renew_upload(*ids, randoms=randoms, now=now, limits=limits, repeated=repeated)[0]


def record_key(server: redis.Redis, session: UploadSession) -> str:
    """Return the key of an upload's record."""
    (key,) = server.keys(f"*:upload:{session.upload_id}")
    return str(key)


class TestSignatures:
    """An upload gets SIGNATURES_PER_UPLOAD signatures in all."""

    def test_crowd_gets_as_many_as_there_are(self, store: Store) -> None:
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

    def test_upload_of_the_release_before_gets_them_too(self, store: Store, server: redis.Redis) -> None:
        """A record without a count or an expiry is one with a single signature, which has expired."""
        session = begun(store)
        server.hdel(record_key(server, session), "signatures", "signed_until")

        assert renewed(store, session).signed_until == NOW + 600
        assert server.hget(record_key(server, session), "signatures") == "2"

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
        self, store: Store, server: redis.Redis, facts: dict[str, object], now: int, *, allowed: bool
    ) -> None:
        """An open upload may be signed for again, one with a file while an SDK may repeat its Commit."""
        session = begun(store)
        for field, value in facts.items():
            server.hset(record_key(server, session), field, str(value))
        before = whole_store(server)

        if allowed:
            assert renewed(store, session, now=now).cancelled_at is None
            return
        with pytest.raises(SigningEndedError, match="begin a new one"):
            renewed(store, session, now=now)
        assert whole_store(server) <= before

    @pytest.mark.parametrize("context", ["other", "\ud800"])
    def test_refused_renewal_uses_up_nothing(self, store: Store, server: redis.Redis, context: str) -> None:
        """A request that differs from what the upload began with, or that comes too often, counts nowhere."""
        session, strict = begun(store), LIMITS._replace(renewals_per_minute=10)
        for _ in range(10):
            renewed(store, session, limits=strict, policy="default", context="")
        before = whole_store(server)

        with pytest.raises(SigningEndedError):
            renewed(store, session, context=context)
        with pytest.raises(RateLimitedError):
            renewed(store, session, limits=strict)

        assert whole_store(server) <= before


class TestRepeatedBeginning:
    """Under an Idempotency-Key the same request is another one for the same upload."""

    @staticmethod
    def begin(store: Store, *, now: int = NOW, limits: UploadLimits = LIMITS) -> tuple[str, Reservation]:
        """Begin an upload under one key; return its id, and what was reserved."""
        upload_id, earlier_id = upload_ids_of_key("test\nkey\nalice", now=now)
        session = new_session(issued_at=now)._replace(upload_id=upload_id, ends_at=now + SESSION_SECONDS)
        keyed, randoms = KeyedBegin(earlier_id, "{}"), (next(_numbers),)
        reservation = store.begin_upload(session, randoms=randoms, now=now, limits=limits, keyed=keyed)
        return reservation.renewed.upload_id if reservation.renewed else upload_id, reservation

    def test_it_is_a_renewal(self, store: Store, server: redis.Redis) -> None:
        """It has a nonce of its own, and counts as a renewal and not as an upload."""
        limits = LIMITS._replace(per_minute=1, open_uploads=1, per_day=1, signatures_per_upload=3)
        upload_id, first = self.begin(store, limits=limits)
        again, second = self.begin(store, now=NOW + 1, limits=limits)
        self.begin(store, now=NOW + 2, limits=limits)

        assert (again, first.nonce != second.nonce) == (upload_id, True)
        names = [[each.name for each in it.rate_limits] for it in (first, second)]
        assert names == [["user", "day"], ["upload"]]
        with pytest.raises(SigningEndedError, match="Idempotency-Key"):
            self.begin(store, now=NOW + 3, limits=limits)
        assert len(server.keys("*:upload:*")) == 1

    @pytest.mark.parametrize("seconds", [0, 600, 43_200, DAY_SECONDS - 1])
    def test_key_is_kept_for_a_day(self, store: Store, seconds: int) -> None:
        """Whenever that day begins: midnight changes nothing."""
        began = {self.begin(store, now=NOW)[0], self.begin(store, now=NOW + seconds)[0]}

        assert len(began) == 1
        assert self.begin(store, now=NOW + DAY_SECONDS)[1].renewed is None
