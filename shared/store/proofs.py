"""The uploads whose file's bytes are to be proven: an index of each partition, taken under a lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.store.tails import DueStore
from shared.store.upload_record import read_session

if TYPE_CHECKING:
    from shared.domain.session import UploadSession


class ProofStore(DueStore):
    """The proofs of one stage; each method is one round trip, unless it says otherwise."""

    def take_proofs(self, *, now: int, limit: int, lease_ends_at: int) -> tuple[UploadSession, ...]:
        """Take the uploads whose proof is due, at most `limit` of each partition, until a Unix second.

        Nobody else takes them before that. Two round trips.

        Raises:
            StoreUnavailableError: the store did not answer; some may be taken.

        """
        return tuple(
            self._take_due("proofs", read_session, now=now, limit=limit, lease_ends_at=lease_ends_at)
        )

    def plan_proof(self, session: UploadSession, *, at: int | None) -> None:
        """Plan the next look at an upload's proof for Unix second `at`, unless it is over; None ends it.

        Raises:
            StoreUnavailableError: the store did not answer; the upload is due when its lease ends.

        """
        index = f"{self._partition_of(session.user_id)}:proofs"
        if at is None:
            self._execute("ZREM", index, session.upload_id)
        else:
            self._execute("ZADD", index, "XX", at, session.upload_id)

    def keep_proof_task(self, session: UploadSession, task_id: str) -> None:
        """Keep the id of the task that VOD computes the digests of an upload's file in.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        key = self._proof_key(session.user_id, session.upload_id)
        self._execute("SET", key, task_id, "EX", self._scope.retention_seconds)

    def proof_task(self, user_id: str, upload_id: str) -> str:
        """Return the id of that task; empty if none is known.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        return str(self._execute("GET", self._proof_key(user_id, upload_id)) or "")

    def _proof_key(self, user_id: str, upload_id: str) -> str:
        return f"{self._partition_of(user_id)}:proof:{upload_id}"
