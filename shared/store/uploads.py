"""Upload sessions, nonces and rate limits in Redis.

Each method is one round trip, unless it says otherwise.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from shared.domain.rate_limits import (
    Reservation,
    UploadLimits,
    Used,
    rate_limit_per_minute,
    rate_limits_after,
    refusal,
    seconds_left_today,
    slot_milliseconds,
)
from shared.domain.session import (
    COMMIT_RETRY_SECONDS,
    SigningEndedError,
    first_check_at,
    signature_ends_at,
)
from shared.domain.upload_id import made_at
from shared.errors import (
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    StoreUnavailableError,
    UnprocessableError,
)
from shared.schema.encoding import ascii_json
from shared.store.connection import StoreConnection, digest, flat, open_uploads_key, pairs, usage_key
from shared.store.deny_list import DeniedKind, denied_key, deny_key_of, deny_keys_of
from shared.store.upload_record import read_session, session_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.domain.rate_limits import KeyedBegin
    from shared.domain.session import UploadSession

NONCE_SECONDS = 60
"""A nonce counts for one second, and is kept longer because the clocks of instances differ."""
_TIME_CHARACTERS = 10
UNREADABLE_SECONDS = 3600
"""The pause before a record is read again that could not be: another release may have written it."""


class UploadStore(StoreConnection):
    """The uploads of one stage."""

    def begin_upload(  # noqa: PLR0913 -- who begins what, with what, under which limits: one script decides it
        self,
        session: UploadSession,
        *,
        randoms: Sequence[int],
        now: float,
        limits: UploadLimits,
        networks: Sequence[str] = (),
        keyed: KeyedBegin | None = None,
    ) -> Reservation:
        """Open a session and reserve a nonce for its first signature, one of `randoms`.

        `networks` are those of the caller, the smallest first; without any, the limit of a network does not
        apply. With `keyed`, a repeated request reserves another signature of the upload that it began.

        Raises:
            ForbiddenError: the user, a network or the policy is on the deny list.
            UnprocessableError: another request has used the key.
            SigningEndedError: the upload that the request began gets no further signature.
            RateLimitedError: a limit is used up.
            StoreUnavailableError: the store did not answer.

        """
        user_id, second = session.user_id, int(now)
        earlier_id, request = (keyed.earlier_upload_id, digest(keyed.request)) if keyed else ("", "")
        partition = self._partition_of(user_id)
        keys = [
            f"{partition}:upload:{session.upload_id}",
            f"{partition}:upload:{earlier_id}",
            f"{partition}:checks",
            f"{partition}:rate:{digest(user_id)}",
            f"{partition}:rate-of-network:{digest(networks[0] if networks else '')}",
            _renewals_key(partition, session.upload_id),
            open_uploads_key(partition, user_id),
            usage_key(partition, user_id, at=made_at(session.upload_id)),
            denied_key(partition),
            *_nonces(partition, second, randoms),
        ]
        deny_keys = [deny_key_of(DeniedKind.POLICY, session.grant.policy), *deny_keys_of(user_id, networks)]
        per_minute, network_per_minute = limits.per_minute, limits.network_per_minute if networks else 0
        terms = {
            **self._renewal_terms(now, limits, deny_keys, {}),
            "upload_ids": [session.upload_id, earlier_id],
            "request": request,
            "interval": slot_milliseconds(per_minute),
            "burst": per_minute,
            "network_interval": slot_milliseconds(network_per_minute),
            "network_burst": network_per_minute,
            "day_limit": limits.per_day,
            "bytes_limit": limits.bytes_per_day,
            "bytes": session.grant.file_size or 0,
            "signed_until": signature_ends_at(session, now=second),
            "day_ends_at": second + seconds_left_today(second),
            "check_at": first_check_at(session),
        }
        fields = session_fields(session)
        if keyed:
            fields["request"] = request
        reply = self._script("begin_upload", keys, [ascii_json(terms), *flat(tuple(fields.items()))])
        place = _place(reply, limits, now=second)
        if reply[0] == "renewed":
            return _renewal(reply, randoms[place], limits)
        return Reservation(randoms[place], rate_limits_after(limits, Used(*map(int, reply[2:])), now=second))

    def renew_upload(  # noqa: PLR0913 -- who asks, for which upload, with what: the script needs them all
        self,
        user_id: str,
        upload_id: str,
        *,
        randoms: Sequence[int],
        now: float,
        limits: UploadLimits,
        networks: Sequence[str] = (),
        repeated: Mapping[str, object] = MappingProxyType({}),
        cover: bool = False,
    ) -> tuple[UploadSession, Reservation]:
        """Reserve a nonce for another signature of an upload, and return its session as well.

        `repeated` are members of the grant as the request repeats them. With `cover` the signature is for
        the cover of its file, which it must have.

        Raises:
            NotFoundError: this user has no such upload.
            ForbiddenError: the user, a network or the upload's policy is on the deny list.
            SigningEndedError: the upload gets no further signature, or a repeated member differs.
            RateLimitedError: too many signatures were requested for this upload.
            StoreUnavailableError: the store did not answer.

        """
        partition = self._partition_of(user_id)
        keys = [
            f"{partition}:upload:{upload_id}",
            _renewals_key(partition, upload_id),
            open_uploads_key(partition, user_id),
            usage_key(partition, user_id, at=made_at(upload_id)),
            denied_key(partition),
            *_nonces(partition, int(now), randoms),
        ]
        terms = self._renewal_terms(now, limits, deny_keys_of(user_id, networks), repeated)
        terms["cover"] = cover
        reply = self._script("renew_upload", keys, [user_id, upload_id, ascii_json(terms)])
        reservation = _renewal(reply, randoms[_place(reply, limits, now=int(now))], limits)
        return cast("UploadSession", reservation.renewed), reservation

    def _renewal_terms(
        self, now: float, limits: UploadLimits, deny_keys: Sequence[str], repeated: Mapping[str, object]
    ) -> dict[str, object]:
        """Return what the step `renew` takes."""
        return {
            "now_ms": int(now * 1000),
            "now": int(now),
            "renewal_interval": slot_milliseconds(limits.renewals_per_minute),
            "renewal_burst": limits.renewals_per_minute,
            "signatures": limits.signatures_per_upload,
            "commit_retry_seconds": COMMIT_RETRY_SECONDS,
            "open_limit": limits.open_uploads,
            "nonce_ttl": NONCE_SECONDS,
            "record_ttl": self._scope.retention_seconds,
            "deny_keys": deny_keys,
            "repeated": {name: _encodable(value) for name, value in repeated.items()},
        }

    def find_upload(self, user_id: str, upload_id: str) -> UploadSession:
        """Read one upload of this user.

        Raises:
            NotFoundError: this user has no such upload.
            StoreUnavailableError: the store did not answer.

        """
        fields = self._record(self._partition_of(user_id), upload_id)
        # Checked before the record is parsed: another user's upload must not take longer than none.
        if fields.get("user_id") != user_id:
            raise NotFoundError("There is no such upload.")
        return read_session(upload_id, fields)

    def cancel_upload(self, user_id: str, upload_id: str, *, now: int) -> UploadSession:
        """Cancel an upload that has no file and has not ended; return it as it then is.

        What it has reserved of its user's limits is given back when its last signature has expired.

        Raises:
            NotFoundError: this user has no such upload.
            StoreUnavailableError: the store did not answer.

        """
        partition = self._partition_of(user_id)
        keys = [
            f"{partition}:upload:{upload_id}",
            open_uploads_key(partition, user_id),
            usage_key(partition, user_id, at=made_at(upload_id)),
        ]
        reply = self._script("cancel_upload", keys, [user_id, now, upload_id])
        if reply[0] == "unknown":
            raise NotFoundError("There is no such upload.")
        return read_session(upload_id, pairs(reply[1]))

    def uploads_to_check(self, *, now: int, limit: int) -> tuple[UploadSession, ...]:
        """Read the uploads whose check is due, at most `limit` of each partition.

        One round trip finds them, and one more reads each. An entry whose record is gone is removed, and one
        whose record cannot be read is put off: neither must hold up the others.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        sessions = []
        for partition, upload_ids in self._due_members("checks", now=now, limit=limit).items():
            for upload_id in upload_ids:
                fields = self._record(partition, upload_id)
                try:
                    sessions.append(read_session(upload_id, fields))
                except (KeyError, TypeError, ValueError):
                    if fields:
                        self._put_off_check(partition, upload_id, at=now + UNREADABLE_SECONDS)
                    else:
                        self._forget_check(partition, upload_id)
        return tuple(sessions)

    def check_again(self, session: UploadSession, *, at: int | None) -> None:
        """Schedule the next check of an upload at Unix second `at`; None for no further check.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        partition, upload_id = self._partition_of(session.user_id), session.upload_id
        if at is None:
            self._forget_check(partition, upload_id)
        else:
            self._put_off_check(partition, upload_id, at=at)

    def _put_off_check(self, partition: str, upload_id: str, *, at: int) -> None:
        self._execute("ZADD", f"{partition}:checks", "XX", "GT", at, upload_id)

    def _forget_check(self, partition: str, upload_id: str) -> None:
        self._execute("ZREM", f"{partition}:checks", upload_id)

    def _record(self, partition: str, upload_id: str) -> dict[str, str]:
        reply = self._execute("HGETALL", f"{partition}:upload:{upload_id}")
        if not isinstance(reply, list):
            # Not "no such upload": what is forgotten because of it would stay forgotten.
            raise StoreUnavailableError("The store did not answer with a record. Try again in a moment.")
        return pairs(reply)


def _nonces(partition: str, second: int, randoms: Sequence[int]) -> list[str]:
    return [f"{partition}:nonce:{second}:{random}" for random in randoms]


def _encodable(value: object) -> object:
    """Replace lone surrogates, which no script can read and no upload began with."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _renewals_key(partition: str, upload_id: str) -> str:
    """Return the key of an upload's limit: the same on both days on which a key can have begun it."""
    return f"{partition}:renew:{upload_id[_TIME_CHARACTERS:]}"


def _renewal(reply: list[Any], nonce: int, limits: UploadLimits) -> Reservation:
    _, _, ahead_ms, record, upload_id = reply
    left = rate_limit_per_minute("upload", limits.renewals_per_minute, ahead_ms=int(ahead_ms))
    return Reservation(nonce, (left,), read_session(upload_id, pairs(record)))


def _place(reply: list[Any], limits: UploadLimits, *, now: int) -> int:
    """Return the index of the reserved nonce among the candidates.

    Raises:
        NotFoundError: this user has no such upload.
        ForbiddenError: the caller or the policy is on the deny list.
        UnprocessableError: another request has used the key.
        SigningEndedError: the upload gets no further signature, or not for this request.
        RateLimitedError: a limit is used up, or all candidates are taken.

    """
    if reply[0] == "unknown":
        raise NotFoundError("There is no such upload.")
    if reply[0] == "denied":
        raise ForbiddenError("No uploads are allowed here at present.")
    if reply[0] == "different":
        raise UnprocessableError("This Idempotency-Key was sent with another request: each needs its own.")
    if reply[0] == "refused":
        raise SigningEndedError(read_session(reply[2], pairs(reply[1])), now=now)
    if reply[0] == "limited":
        raise refusal(reply[2], limits, wait_ms=int(reply[1]))
    if reply[0] == "crowded":
        raise RateLimitedError("Too many upload signatures in this second.", retry_after=1)
    return int(reply[1]) - 1
