"""Everything kept in Redis: upload sessions, nonces, the journal of events, due deliveries.

One method is one round trip. What the facts mean is left to `shared.upload_session`; the scripts
are in `shared.store_scripts`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared import store_scripts
from shared.errors import NotFoundError, RateLimitedError, StoreUnavailableError
from shared.upload_record import read_session, session_fields, write_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.upload_session import Facts, UploadSession

PARTITIONS = 16
TIMEOUT_SECONDS = 0.4
NONCE_SECONDS = 60
"""A nonce is one second's; it is kept longer because functions' clocks differ a little."""
_MINUTE_MS = 60_000


@dataclass(frozen=True)
class Journaled:
    """What the journal made of an event.

    `status`: `duplicate` (known already), `recorded` (belongs to no upload of ours), `held` (waits
    for the read-back), `applied` (its upload has moved), `verified` (moved, and the read-back of
    this file has agreed), `quarantined`, `lost` (somebody else works on it now).
    """

    status: str
    verdict: str = ""
    sequence: int = 0


@dataclass(frozen=True)
class EventEntry:
    """One event as it goes into the journal, under the lease of whoever brings it.

    `upload` is the session its token names, as the token alone tells it; None if it is none of
    ours. `trusted` events move their upload at once; others wait for the read-back. `verified`
    says that VOD itself vouches for it. `fields` are kept with it as they are.
    """

    identity: str
    upload: UploadSession | None
    facts: Facts
    trusted: bool
    verified: bool
    lease: str
    fields: tuple[tuple[str, str], ...]


class Store:
    """The store of one stage; any failure of it is a StoreUnavailableError, within a second."""

    def __init__(self, redis_url: str, *, stage: str, retention_seconds: int) -> None:
        self._redis = redis.Redis.from_url(
            redis_url,
            decode_responses=True,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            # A script that is sent twice would count twice; who asks again decides what it means.
            retry=Retry(NoBackoff(), 0),
        )
        self._stage = stage
        self._retention = retention_seconds

    def __repr__(self) -> str:
        """Name the stage only: the address may hold a password."""
        return f"Store(stage={self._stage!r})"

    def begin_upload(
        self, session: UploadSession, *, randoms: Sequence[int], now: float, per_minute: int
    ) -> int:
        """Open a session and reserve a nonce for its first signature; returns the one of `randoms` reserved.

        Raises:
            RateLimitedError: this user has begun too many uploads.
            StoreUnavailableError: the store did not answer.

        """
        partition = self._partition(session.user_id)
        keys = [f"{partition}:upload:{session.upload_id}", f"{partition}:rate:{_digest(session.user_id)}"]
        keys += self._nonces(partition, int(now), randoms)
        fields = [part for pair in session_fields(session).items() for part in pair]
        reply = self._run(
            store_scripts.BEGIN_UPLOAD,
            keys,
            [*_turn(now, per_minute), NONCE_SECONDS, self._retention, *fields],
        )
        return randoms[_place(reply)]

    def renew_upload(
        self, user_id: str, upload_id: str, *, randoms: Sequence[int], now: float, per_minute: int
    ) -> tuple[UploadSession, int]:
        """Reserve a nonce for another signature of an upload; returns its session and the nonce.

        Raises:
            NotFoundError: this user has no such upload.
            RateLimitedError: this upload has asked too often.
            StoreUnavailableError: the store did not answer.

        """
        partition = self._partition(user_id)
        keys = [f"{partition}:upload:{upload_id}", f"{partition}:renew:{upload_id}"]
        keys += self._nonces(partition, int(now), randoms)
        reply = self._run(store_scripts.RENEW_UPLOAD, keys, [*_turn(now, per_minute), NONCE_SECONDS, user_id])
        nonce = randoms[_place(reply)]
        return read_session(upload_id, _pairs(reply[2])), nonce

    def find_upload(self, user_id: str, upload_id: str) -> UploadSession:
        """Read one upload of this user.

        Raises:
            NotFoundError: this user has no such upload.
            StoreUnavailableError: the store did not answer.

        """
        try:
            fields = cast(
                "dict[str, str]", self._redis.hgetall(f"{self._partition(user_id)}:upload:{upload_id}")
            )
        except redis.RedisError as error:
            raise _unavailable(error) from error
        if fields.get("user_id") != user_id:
            raise NotFoundError("There is no such upload.")
        return read_session(upload_id, fields)

    def cancel_upload(self, user_id: str, upload_id: str, *, now: int) -> UploadSession:
        """Cancel the upload if nothing was uploaded yet and it has not ended; returns it as it now is.

        Raises:
            NotFoundError: this user has no such upload.
            StoreUnavailableError: the store did not answer.

        """
        reply = self._run(
            store_scripts.CANCEL_UPLOAD, [f"{self._partition(user_id)}:upload:{upload_id}"], [user_id, now]
        )
        _place(reply)
        return read_session(upload_id, _pairs(reply[1]))

    def journal(self, entry: EventEntry, *, now: int, next_attempt_at: int | None) -> Journaled:
        """Take in one event: once by its identity, with what it says about its upload, and its delivery.

        The caller holds the entry's lease until `next_attempt_at` (Unix seconds); after that the
        delivery is anybody's. None: there is nothing to deliver.

        Raises:
            StoreUnavailableError: the store did not answer; the event may or may not be kept.

        """
        rule = "record" if entry.upload is None else "apply" if entry.trusted else "hold"
        facts = _facts_json(entry, verified=entry.verified)
        due = "" if next_attempt_at is None else next_attempt_at
        fields = [part for pair in (*entry.fields, ("lease", entry.lease)) for part in pair]
        reply = self._run(
            store_scripts.JOURNAL_EVENT,
            self._event_keys(entry),
            [now, self._retention, due, rule, facts, *fields],
        )
        return _journaled(reply)

    def settle(self, entry: EventEntry, *, now: int, genuine: bool) -> Journaled:
        """Say what the read-back of a held event found: genuine, or to be quarantined.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        facts = _facts_json(entry, verified=True) if genuine else ""
        reply = self._run(
            store_scripts.SETTLE_EVENT, self._event_keys(entry), [now, self._retention, entry.lease, facts]
        )
        return _journaled(reply)

    def finish_delivery(
        self, entry: EventEntry, *, fields: tuple[tuple[str, str], ...], next_attempt_at: int | None
    ) -> bool:
        """Write down how an attempt went, unless the lease has passed to somebody else (False).

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        due = "" if next_attempt_at is None else next_attempt_at
        flat = [part for pair in fields for part in pair]
        keys = self._event_keys(entry)[:2]
        return bool(self._run(store_scripts.FINISH_DELIVERY, keys, [entry.lease, due, *flat]))

    def _partition(self, name: str) -> str:
        """Make the prefix of all keys that go with `name`; what is in braces decides the cluster slot."""
        number = int(_digest(name)[:2], 16) % PARTITIONS
        return f"vuf:{{{self._stage}.{number}}}"

    def _nonces(self, partition: str, second: int, randoms: Sequence[int]) -> list[str]:
        return [f"{partition}:nonce:{second}:{random}" for random in randoms]

    def _event_keys(self, entry: EventEntry) -> list[str]:
        partition = self._partition(entry.upload.user_id if entry.upload else entry.identity)
        upload = f"{partition}:upload:{entry.upload.upload_id if entry.upload else ''}"
        return [f"{partition}:event:{_digest(entry.identity)}", f"{partition}:due", upload]

    def _run(self, script: str, keys: list[str], arguments: list[object]) -> Any:  # noqa: ANN401 -- each script has its own reply
        try:
            return self._redis.register_script(script)(keys=keys, args=cast("list[Any]", arguments))
        except redis.RedisError as error:
            raise _unavailable(error) from error


def _unavailable(error: redis.RedisError) -> StoreUnavailableError:
    return StoreUnavailableError(f"The store did not answer ({type(error).__name__}). Try again in a moment.")


def _place(reply: list[Any]) -> int:
    """Where in the list of candidates the reserved nonce stands."""
    if reply[0] == "unknown":
        raise NotFoundError("There is no such upload.")
    if reply[0] == "limited":
        raise RateLimitedError(
            "Too many upload signatures were asked for.", retry_after=-(-int(reply[1]) // 1000)
        )
    if reply[0] == "crowded":
        raise RateLimitedError("Too many upload signatures in this second.", retry_after=1)
    return int(reply[1]) - 1 if reply[0] == "issued" else 0


def _journaled(reply: list[Any]) -> Journaled:
    return Journaled(reply[0]) if len(reply) == 1 else Journaled(reply[0], reply[1], int(reply[2]))


def _turn(now: float, per_minute: int) -> list[object]:
    return [int(now * 1000), -(-_MINUTE_MS // per_minute), per_minute]


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _facts_json(entry: EventEntry, *, verified: bool) -> str:
    facts = entry.facts
    return json.dumps(
        {
            "file_id": facts.file_id,
            "first": dict(facts.first),
            "rank": facts.rank,
            "outcome": "" if facts.outcome is None else write_outcome(facts.outcome),
            "verified": verified,
            "origin": session_fields(entry.upload) if entry.upload else {},
        }
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
