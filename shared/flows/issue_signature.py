"""Issue an upload signature: the first of a new upload, or another one of an open upload.

One upload is one session with many signatures: the SDKs request 1 to 9 of them, and all carry the same
parameters.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from shared.addresses import networks_of
from shared.domain.policy import chosen, grant_for, refuse_change
from shared.domain.rate_limits import KeyedBegin, refuse_size
from shared.domain.session import SigningEndedError, UploadSession, signature_ends_at
from shared.domain.upload_id import new_upload_id, upload_ids_of_key
from shared.errors import ConflictError, FieldError, UnprocessableError
from shared.vod.context_token import UploadContext, seal
from shared.vod.signature import SignatureParameters, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.config.settings import UploadSignatureSettings
    from shared.domain.policy import SignatureRequest
    from shared.domain.rate_limits import Reservation
    from shared.errors import RateLimit
    from shared.http.authentication import Caller
    from shared.store.uploads import UploadStore

_AUDIT_DIGITS = 16
NONCE_CANDIDATES = 3
"""Random values offered to the store: one of them is free in all but one of 10^20 seconds."""


class IssuedSignature(NamedTuple):
    """A signature and its terms; `expires_at` is in Unix seconds.

    `rate_limits` are what remains of the limits that this signature counts against; `renewed`: it is not the
    upload's first one. `file_id` is the file whose cover it is for, empty for any other signature. `audit` is
    who got it, for the log.
    """

    signature: str
    upload_id: str
    expires_at: int
    one_time: bool
    policy: str
    audit: Mapping[str, object]
    rate_limits: tuple[RateLimit, ...] = ()
    renewed: bool = False
    file_id: str = ""


def audit_fields(caller: Caller, settings: UploadSignatureSettings) -> dict[str, object]:
    """Return who got a signature, for the log: his id, the id of the signing key and his network.

    The last two are digests: that of the network is keyed, so that no list of all networks reveals it.
    """
    networks = networks_of(caller.address)
    key = settings.context_keys[0].encode()
    network = hmac.digest(key, networks[0].encode(), "sha256").hex()[:_AUDIT_DIGITS] if networks else ""
    return {"user": caller.user_id, "keyId": key_id(settings.vod_secret_id), "network": network}


@lru_cache(maxsize=4)
def key_id(secret_id: str) -> str:
    """Return what stands for a signing key in the log."""
    return hashlib.sha256(secret_id.encode()).hexdigest()[:_AUDIT_DIGITS]


class Randomness(NamedTuple):
    """Random values of one request: 32-bit nonces, and 80 bits for the id of a new upload."""

    nonces: Sequence[int]
    upload_id: int


RANDOM_BITS = 32 * NONCE_CANDIDATES + 80


def random_values(bits: int) -> Randomness:
    """Split RANDOM_BITS random bits into the values of one request."""
    nonces = [bits >> (80 + 32 * place) & 0xFFFF_FFFF for place in range(NONCE_CANDIDATES)]
    return Randomness(nonces, upload_id=bits & ((1 << 80) - 1))


class Issuer(NamedTuple):
    """Issues signatures; the store counts them and reserves their nonces."""

    settings: UploadSignatureSettings
    store: UploadStore

    def begin(
        self,
        request: SignatureRequest,
        caller: Caller,
        *,
        now: float,
        randomness: Randomness,
        key: str | None = None,
    ) -> IssuedSignature:
        """Open an upload session for a user and sign for it.

        With `key`, an Idempotency-Key of this user, the same request within a day is another one for the
        same upload: whoever has not heard the answer repeats it, and gets a signature of its own.

        Raises:
            ForbiddenError: there is no such policy for this user, or the deny list names the caller or the
                policy.
            UnprocessableError: a value is off the policy, the context is too long, or another request has
                used the key.
            SigningEndedError: the upload that this request began gets no further signature.
            RateLimitedError: a limit on new uploads is used up.
            StoreUnavailableError: the store did not answer.

        """
        settings, issued_at = self.settings, int(now)
        _refuse_cover(request, settings)
        upload_id, keyed = new_upload_id(now=now, random=randomness.upload_id), None
        if key is not None:
            name = f"{settings.stage}\n{key}\n{caller.user_id}"
            upload_id, earlier_id = upload_ids_of_key(name, now=now)
            keyed = KeyedBegin(earlier_id, json.dumps(chosen(request)))
        session = UploadSession(
            upload_id=upload_id,
            user_id=caller.user_id,
            grant=grant_for(
                request,
                settings.upload_policies,
                vod_sub_app_id=settings.vod_sub_app_id,
                claims=caller.claims,
            ),
            issued_at=issued_at,
            ends_at=issued_at + settings.upload_session_seconds,
        )
        limits = settings.upload_limits
        refuse_size(session.grant.file_size, limits)
        sign_with = _signer(session, caller, settings, now=issued_at)
        reservation = self.store.begin_upload(
            session,
            randoms=randomness.nonces,
            now=now,
            limits=limits,
            networks=networks_of(caller.address),
            keyed=keyed,
            # A signature whose nonce the store does not reserve never leaves this function.
            meanwhile=lambda: sign_with(randomness.nonces[0]),
        )
        if reservation.renewed:
            sign_with = _signer(reservation.renewed, caller, settings, now=issued_at)
        return _issued(sign_with, reservation)

    def renew(
        self, request: SignatureRequest, caller: Caller, *, now: float, randomness: Randomness
    ) -> IssuedSignature:
        """Issue another signature for an upload of this user that has not ended, or for its file's cover.

        The claims are not checked again: the upload keeps its grant to its end.

        Raises:
            NotFoundError: this user has no such upload.
            ForbiddenError: the deny list names the caller, or the upload's policy.
            SigningEndedError: the upload gets no further signature.
            ConflictError: the upload gets no signature for a cover.
            UnprocessableError: the request differs from what the upload began with, or covers stay here.
            RateLimitedError: too many signatures were requested for this upload.
            StoreUnavailableError: the store did not answer.

        """
        settings, signed_at = self.settings, int(now)
        _refuse_cover(request, settings)
        try:
            session, reservation = self.store.renew_upload(
                caller.user_id,
                str(request.upload_id),
                randoms=randomness.nonces,
                now=now,
                limits=settings.upload_limits,
                networks=networks_of(caller.address),
                repeated=chosen(request),
                cover=request.cover is True,
            )
        except SigningEndedError as error:
            refuse_change(request, error.session.grant)
            if request.cover:
                why = "it has no file, was cancelled, or has had all its signatures"
                raise ConflictError(f"This upload's cover cannot be changed: {why}.") from error
            raise
        cover = request.cover is True
        return _issued(_signer(session, caller, settings, now=signed_at, cover=cover), reservation)


def _refuse_cover(request: SignatureRequest, settings: UploadSignatureSettings) -> None:
    """Check that a request for a cover names an upload, and is allowed here.

    Raises:
        UnprocessableError: with one field error.

    """
    is_allowed = settings.cover_changes == "on"
    if request.cover and not (is_allowed and request.upload_id):
        fault = "Needs an uploadId." if is_allowed else "Switched off here (COVER_CHANGES)."
        field_errors = (FieldError("/cover", fault),)
        raise UnprocessableError("No cover can be changed by this request.", field_errors=field_errors)


def _token(session: UploadSession, settings: UploadSignatureSettings) -> str:
    application = session.grant.vod_sub_app_id
    elsewhere = application if application != settings.vod_sub_app_id else None
    context = UploadContext(session.upload_id, session.user_id, session.grant.context, elsewhere)
    return seal(context, keys=settings.context_keys, stage=settings.stage)


def _signer(
    session: UploadSession,
    caller: Caller,
    settings: UploadSignatureSettings,
    *,
    now: int,
    cover: bool = False,
) -> Callable[[int], IssuedSignature]:
    """Seal the context of an upload, and return a function that signs for it with a nonce, once with each."""
    grant, with_procedure = session.grant, session.grant.procedure is not None
    token = _token(session, settings)

    @cache
    def sign_with(nonce: int) -> IssuedSignature:
        parameters = SignatureParameters(
            secret_id=settings.vod_secret_id,
            current_time_stamp=now,
            expire_time=signature_ends_at(session, now=now, cover=cover),
            random=nonce,
            class_id=grant.class_id,
            procedure=grant.procedure,
            task_priority=grant.task_priority if with_procedure else None,
            task_notify_mode=grant.task_notify_mode if with_procedure else None,
            source_context=token,
            one_time_valid=grant.one_time,
            vod_sub_app_id=grant.vod_sub_app_id,
            session_context=token,
            storage_region=grant.storage_region,
        )
        return IssuedSignature(
            signature=sign(parameters, secret_key=settings.vod_secret_key),
            upload_id=session.upload_id,
            expires_at=parameters.expire_time,
            one_time=grant.one_time,
            policy=grant.policy,
            audit=audit_fields(caller, settings),
            file_id=session.file_id if cover else "",
        )

    return sign_with


def _issued(sign_with: Callable[[int], IssuedSignature], reservation: Reservation) -> IssuedSignature:
    return sign_with(reservation.nonce)._replace(
        rate_limits=reservation.rate_limits, renewed=reservation.renewed is not None
    )
