"""The uploads whose file's bytes are to be proven: an index of each partition, taken under a lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.store.connection import StoreConnection, pairs
from shared.store.upload_record import read_session

if TYPE_CHECKING:
    from shared.domain.session import UploadSession
    from shared.errors import StoreUnavailableError
    from shared.store.resp import Reply, ScriptCall


class ProofStore(StoreConnection):
    """The proofs of one stage; each method is one round trip, unless it says otherwise."""

    def take_proofs(self, *, now: int, limit: int, lease_ends_at: int) -> tuple[UploadSession, ...]:
        """Take the uploads whose proof is due, at most `limit` of each partition, until a Unix second.

        One that another run has taken is left out; one whose record cannot be read, or does not come, is due
        again when the lease ends. One round trip finds them, and another one reads them.

        Raises:
            StoreUnavailableError: the store did not answer; some may be taken.

        """
        due = self._due_members("proofs", now=now, limit=limit)
        places = [(partition, upload_id) for partition, upload_ids in due.items() for upload_id in upload_ids]
        calls: list[ScriptCall] = [
            ([f"{partition}:proofs", f"{partition}:upload:{upload_id}"], [upload_id, now, lease_ends_at])
            for partition, upload_id in places
        ]
        records = self._scripts("take_upload", calls) if calls else []
        read = (_session(upload_id, record) for (_, upload_id), record in zip(places, records, strict=True))
        return tuple(filter(None, read))

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


def _session(upload_id: str, record: Reply | StoreUnavailableError) -> UploadSession | None:
    try:
        return read_session(upload_id, pairs(record if isinstance(record, list) else []))
    except (KeyError, TypeError, ValueError):
        return None
