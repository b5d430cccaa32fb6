"""Upload sessions, nonces and rate limits, as they are kept in Redis.

One method is one round trip. What the facts of a session mean is left to `shared.upload_session`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared import upload_scripts
from shared.errors import NotFoundError, RateLimitedError
from shared.store_connection import StoreConnection, digest, flat, pairs
from shared.upload_record import read_session, session_fields
from shared.upload_session import first_check_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.upload_session import UploadSession

NONCE_SECONDS = 60
"""A nonce is one second's; it is kept longer because functions' clocks differ a little."""
_MINUTE_MS = 60_000


class UploadStore(StoreConnection):
    """The uploads of one stage."""

    def begin_upload(
        self, session: UploadSession, *, randoms: Sequence[int], now: float, per_minute: int
    ) -> int:
        """Open a session and reserve a nonce for its first signature; returns the one of `randoms`.

        Raises:
            RateLimitedError: this user has begun too many uploads.
            StoreUnavailableError: the store did not answer.

        """
        partition = self._partition_of(session.user_id)
        keys = [
            f"{partition}:upload:{session.upload_id}",
            f"{partition}:rate:{digest(session.user_id)}",
            f"{partition}:checks",
            *_nonces(partition, int(now), randoms),
        ]
        arguments = [
            *_turn(now, per_minute),
            NONCE_SECONDS,
            self._scope.retention_seconds,
            first_check_at(session),
            session.upload_id,
            *flat(tuple(session_fields(session).items())),
        ]
        return randoms[_place(self._run(upload_scripts.BEGIN_UPLOAD, keys, arguments))]

    def renew_upload(
        self, user_id: str, upload_id: str, *, randoms: Sequence[int], now: float, per_minute: int
    ) -> tuple[UploadSession, int]:
        """Reserve a nonce for another signature of an upload; returns its session and the nonce.

        Raises:
            NotFoundError: this user has no such upload.
            RateLimitedError: this upload has asked too often.
            StoreUnavailableError: the store did not answer.

        """
        partition = self._partition_of(user_id)
        keys = [
            f"{partition}:upload:{upload_id}",
            f"{partition}:renew:{upload_id}",
            *_nonces(partition, int(now), randoms),
        ]
        reply = self._run(
            upload_scripts.RENEW_UPLOAD, keys, [*_turn(now, per_minute), NONCE_SECONDS, user_id]
        )
        nonce = randoms[_place(reply)]
        return read_session(upload_id, pairs(reply[2])), nonce

    def find_upload(self, user_id: str, upload_id: str) -> UploadSession:
        """Read one upload of this user.

        Raises:
            NotFoundError: this user has no such upload.
            StoreUnavailableError: the store did not answer.

        """
        session = self._session(self._partition_of(user_id), upload_id)
        if session is None or session.user_id != user_id:
            raise NotFoundError("There is no such upload.")
        return session

    def cancel_upload(self, user_id: str, upload_id: str, *, now: int) -> UploadSession:
        """Cancel the upload if nothing was uploaded yet and it has not ended; returns it as it now is.

        Raises:
            NotFoundError: this user has no such upload.
            StoreUnavailableError: the store did not answer.

        """
        partition = self._partition_of(user_id)
        keys = [f"{partition}:upload:{upload_id}", f"{partition}:checks"]
        reply = self._run(upload_scripts.CANCEL_UPLOAD, keys, [user_id, now, upload_id])
        if reply[0] == "unknown":
            raise NotFoundError("There is no such upload.")
        return read_session(upload_id, pairs(reply[1]))

    def uploads_to_check(self, *, now: int, limit: int) -> tuple[UploadSession, ...]:
        """Read the uploads whose check is due, at most `limit` of each partition.

        One round trip finds them, and one more reads each. An entry whose record is gone or cannot be
        read has nothing left to check, and is dropped on the way: it must not hold up the others.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        sessions = []
        for partition, upload_ids in self._due_members("checks", now=now, limit=limit).items():
            for upload_id in upload_ids:
                try:
                    session = self._session(partition, upload_id)
                except (KeyError, TypeError, ValueError):
                    session = None
                if session is None:
                    self._forget_check(partition, upload_id)
                else:
                    sessions.append(session)
        return tuple(sessions)

    def check_again(self, session: UploadSession, *, at: int | None) -> None:
        """Plan the next check of an upload; None if there is nothing more to wait for.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        partition, upload_id = self._partition_of(session.user_id), session.upload_id
        if at is None:
            self._forget_check(partition, upload_id)
        else:
            self._ask(lambda client: client.zadd(f"{partition}:checks", {upload_id: at}, xx=True, gt=True))

    def _forget_check(self, partition: str, upload_id: str) -> None:
        self._ask(lambda client: client.zrem(f"{partition}:checks", upload_id))

    def _session(self, partition: str, upload_id: str) -> UploadSession | None:
        fields = self._ask(lambda client: client.hgetall(f"{partition}:upload:{upload_id}"))
        return read_session(upload_id, fields) if "user_id" in fields else None


def _nonces(partition: str, second: int, randoms: Sequence[int]) -> list[str]:
    return [f"{partition}:nonce:{second}:{random}" for random in randoms]


def _turn(now: float, per_minute: int) -> list[int]:
    return [int(now * 1000), -(-_MINUTE_MS // per_minute), per_minute]


def _place(reply: list[Any]) -> int:
    """Tell where in the list of candidates the reserved nonce stands."""
    if reply[0] == "unknown":
        raise NotFoundError("There is no such upload.")
    if reply[0] == "limited":
        raise RateLimitedError(
            "Too many upload signatures were asked for.", retry_after=-(-int(reply[1]) // 1000)
        )
    if reply[0] == "crowded":
        raise RateLimitedError("Too many upload signatures in this second.", retry_after=1)
    return int(reply[1]) - 1
