"""Move an upload into the past, so that its end comes now and not in a day."""

from __future__ import annotations

from shared.domain.session import ended_at
from shared.flows.tail_uploads import FIRST_PASS_SECONDS
from shared.store.uploads import UploadStore


class PastUploads(UploadStore):
    """The uploads of a local stack."""

    def move_back(self, user_id: str, upload_id: str, *, now: int) -> None:
        """Move an unused upload's begin, end and check back, so far that the next run of the timer ends it.

        An upload ends when VOD's list of files has been read until its end, which is FIRST_PASS_SECONDS
        behind the clock. Its id keeps the time at which it was begun.

        Raises:
            NotFoundError: this user has no such upload.
            StoreUnavailableError: the store did not answer.

        """
        session = self.find_upload(user_id, upload_id)
        seconds = ended_at(session) - now + FIRST_PASS_SECONDS
        earlier = {
            "issued_at": session.issued_at - seconds,
            "ends_at": session.ends_at - seconds,
            "signed_until": session.signed_until - seconds,
        }
        partition = self._partition_of(user_id)
        fields = [word for field in earlier.items() for word in field]
        self._pipeline(
            [
                ("HSET", f"{partition}:upload:{upload_id}", *fields),
                ("ZADD", f"{partition}:checks", earlier["ends_at"], upload_id),
            ]
        )
