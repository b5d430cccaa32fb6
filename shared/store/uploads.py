"""Upload sessions, nonces and rate limits in Redis.

Each method is one round trip, unless it says otherwise.
"""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from shared.domain.rate_limits import (
    Reservation,
    UploadLimits,
    rate_limit_of_open,
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
    UnprocessableError,
    UnreadableRecordError,
)
from shared.redis.resp import nothing
from shared.schema.encoding import ascii_json
from shared.store.connection import StoreConnection, digest, flat, open_uploads_key, pairs, usage_key
from shared.store.deny_list import DeniedKind, denied_key, deny_key_of, deny_keys_of
from shared.store.upload_record import read_session, session_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.domain.rate_limits import KeyedBegin
    from shared.domain.session import UploadSession
    from shared.errors import RateLimit
    from shared.redis.resp import Meanwhile, Word

NONCE_SECONDS = 60
"""A nonce counts for one second, and is kept longer because the clocks of instances differ."""
_TIME_CHARACTERS = 10


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
        meanwhile: Meanwhile = nothing,
    ) -> Reservation:
        """Open a session and reserve a nonce for its first signature, the first free one of `randoms`.

        `networks` are those of the caller, the smallest first; without any, the limit of a network does not
        apply. With `keyed`, a repeated request reserves another signature of the upload that it began.
        `meanwhile` is called while the store works.

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
            _rate_key(partition, user_id),
            f"{partition}:rate-of-network:{digest(networks[0] if networks else '')}",
            _renewals_key(partition, session.upload_id),
            open_uploads_key(partition, user_id),
            usage_key(partition, user_id, at=made_at(session.upload_id)),
            denied_key(partition),
            _list_key(partition, user_id),
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
            "listed": limits.listed_uploads,
        }
        fields = session_fields(session)
        if keyed:
            fields["request"] = request
        arguments = [ascii_json(terms), *flat(tuple(fields.items()))]
        reply = self._script("begin_upload", keys, arguments, meanwhile)
        place = _place(reply, limits, now=second)
        if reply[0] == "renewed":
            return _renewal(reply, randoms[place], limits)
        return Reservation(randoms[place], rate_limits_after(limits, [*map(int, reply[2:])], now=second))

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
        fields = self._hash(f"{self._partition_of(user_id)}:upload:{upload_id}")
        # Checked before the record is parsed: another user's upload must not take longer than none.
        if fields.get("user_id") != user_id:
            raise NotFoundError("There is no such upload.")
        return read_session(upload_id, fields)

    def list_uploads(
        self, user_id: str, *, after: str, most: int, now: float, limits: UploadLimits
    ) -> tuple[list[UploadSession], str, tuple[RateLimit, ...]]:
        """Read at most `most` of this user's uploads, the newest first, and what is left of his limits.

        They are those that began before the upload `after`; if that is empty, all. One that is not in the
        list has none before it. Returned in the middle is the `after` of the next page, empty for none.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        partition = self._partition_of(user_id)
        keys = [
            _list_key(partition, user_id),
            open_uploads_key(partition, user_id),
            usage_key(partition, user_id, at=int(now)),
            _rate_key(partition, user_id),
        ]
        pace = (slot_milliseconds(limits.per_minute), limits.per_minute)
        arguments: list[Word] = [after, most, int(now * 1000), *pace, f"{partition}:upload:"]
        ids, records, *used = self._script("list_uploads", keys, arguments)
        user_ms, open_uploads, ends_at, uploads_today, bytes_today = map(int, used)
        found = zip(ids, map(pairs, records), strict=False)
        sessions = []
        for name, fields in found:
            # A record that is gone, or cannot be read, takes none of the others out of the list.
            if fields.get("user_id") == user_id:
                with suppress(UnreadableRecordError):
                    sessions.append(read_session(name, fields))
        left = (
            *rate_limits_after(limits, (user_ms, 0, uploads_today, bytes_today), now=int(now)),
            *rate_limit_of_open(limits, open_uploads, ends_in=ends_at - int(now)),
        )
        return sessions, ids[most - 1] if len(ids) > most else "", left

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


def _nonces(partition: str, second: int, randoms: Sequence[int]) -> list[str]:
    return [f"{partition}:nonce:{second}:{random}" for random in randoms]


def _encodable(value: object) -> object:
    """Replace lone surrogates, which no script can read and no upload began with."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _list_key(partition: str, user_id: str) -> str:
    return f"{partition}:uploads:{digest(user_id)}"


def _rate_key(partition: str, user_id: str) -> str:
    return f"{partition}:rate:{digest(user_id)}"


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
