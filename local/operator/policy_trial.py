"""A dry run of POST /signature: the function's own code, with a store that keeps nothing.

Rate limits and the deny list are in the store and are not consulted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.upload_signature import MAX_BODY_BYTES
from shared.config.settings import UploadSignatureSettings, load_settings
from shared.domain.policy import DEFAULT_POLICY, are_met, claim_at
from shared.domain.rate_limits import Reservation
from shared.errors import ForbiddenError, InvalidRequestError, ServiceError, UnauthenticatedError
from shared.flows.issue_signature import Issuer, Randomness
from shared.http.authentication import Caller, authenticate
from shared.http.request import Request, read_json
from shared.http.token_claims import is_user_id
from shared.redis.resp import nothing
from shared.schema.signature_request import read_signature_request
from shared.store.connection import StoreScope
from shared.store.journal import Store
from shared.vod.signature import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.domain.rate_limits import KeyedBegin, UploadLimits
    from shared.domain.session import UploadSession
    from shared.redis.resp import Meanwhile

SIGNED = 200
_STAND_INS: Mapping[str, str] = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "VOD_SECRET_ID": "AKIDofADryRun",
    "VOD_SECRET_KEY": "nothing-is-signed-with-this-key-1",
    "CONTEXT_KEYS": "nothing-is-sealed-with-this-key-2",
}
"""Settings that the outcome does not depend on; policies can be tested without knowing them."""
_LOGIN_KEYS = ("JWT_SECRETS", "JWT_PUBLIC_KEY", "JWT_JWKS_URL", "JWT_ISSUERS", "AUTH_MODE")
_LOGIN_STAND_IN = {"JWT_SECRETS": "nobody-logs-in-with-this-secret-3"}
_UPLOAD_ID = 0x9E37_79B9_7F4A_7C15_F39C
"""As irregular as a real one: its encoding decides by a character or two whether a long context fits."""
_SHOWN_OTHERWISE = ("secretId", "currentTimeStamp", "expireTime", "random", "sourceContext", "sessionContext")
_NUMBERS = frozenset({"classId", "taskPriority", "oneTimeValid", "vodSubAppId"})


@dataclass(frozen=True)
class Outcome:
    """The function's answer: `status` 200 and what it would sign, or a refusal.

    `fields` are JSON pointers into the body. `reason` is for the operator and says more than the answer to a
    client would.
    """

    status: int
    reason: str = ""
    fields: tuple[str, ...] = ()
    policy: str | None = None
    parameters: Mapping[str, object] | None = None

    @property
    def signed(self) -> bool:
        """True if there would be a signature."""
        return self.status == SIGNED

    def document(self) -> dict[str, object]:
        """Return the outcome as a JSON document."""
        if self.signed:
            return {"outcome": "signed", "policy": self.policy, "parameters": dict(self.parameters or {})}
        return {
            "outcome": "refused",
            "status": self.status,
            "reason": self.reason,
            "fields": list(self.fields),
        }


def trial_settings(environment: Mapping[str, str]) -> UploadSignatureSettings:
    """Load the function's settings; keys that do not affect the outcome may be missing.

    Raises:
        ConfigurationError: naming every setting that is missing or invalid.

    """
    given = {name: value for name, value in environment.items() if value}
    login = {} if given.keys() & set(_LOGIN_KEYS) else _LOGIN_STAND_IN
    return load_settings(UploadSignatureSettings, {**_STAND_INS, **login, **given})


def try_token(settings: UploadSignatureSettings, token: str, body: bytes, *, now: float) -> Outcome:
    """Try a request with a user's own token."""

    def caller() -> Caller:
        return authenticate({"authorization": f"Bearer {token}"}, settings, now=int(now))

    return _outcome(settings, caller, body, now=now)


def try_user(
    settings: UploadSignatureSettings, user_id: str, claims: Mapping[str, object], body: bytes, *, now: float
) -> Outcome:
    """Try a request of a user whose token has this user id and these claims."""

    def caller() -> Caller:
        if not is_user_id(user_id):
            raise UnauthenticatedError("A user's id has 1 to 128 bytes and no control characters.")
        return Caller(user_id, claims=claims)

    return _outcome(settings, caller, body, now=now)


def _outcome(
    settings: UploadSignatureSettings, find_caller: Callable[[], Caller], body: bytes, *, now: float
) -> Outcome:
    caller = Caller("")
    try:
        caller = find_caller()
        wanted = read_signature_request(read_json(_request(body), max_bytes=MAX_BODY_BYTES))
        if wanted.upload_id is not None:
            raise InvalidRequestError("A dry run begins an upload: leave uploadId out.")
        issuer = Issuer(settings, _NothingKept(settings.redis_url, StoreScope(settings.stage, 0)))
        issued = issuer.begin(wanted, caller, now=now, randomness=Randomness((1,), upload_id=_UPLOAD_ID))
    except ServiceError as error:
        sentences = [f"{fault.pointer}: {fault.detail}" for fault in error.field_errors]
        reason = " ".join([error.detail, *sentences])
        if isinstance(error, UnauthenticatedError) and error.problem:
            reason = f"The token is refused ({error.problem}); python -m local token explain says more."
        if isinstance(error, ForbiddenError):
            reason = _why_forbidden(settings, body, caller.claims)
        return Outcome(error.status, reason, tuple(fault.pointer for fault in error.field_errors))
    return Outcome(SIGNED, policy=issued.policy, parameters=_shown(decode(issued.signature).values))


class _NothingKept(Store):
    """A store that accepts everything and never connects."""

    def begin_upload(  # noqa: PLR0913 -- the real store's signature
        self,
        session: UploadSession,  # noqa: ARG002 -- the real store's argument
        *,
        randoms: Sequence[int],
        now: float,  # noqa: ARG002 -- the real store's argument
        limits: UploadLimits,  # noqa: ARG002 -- the real store's argument
        networks: Sequence[str] = (),  # noqa: ARG002 -- the real store's argument
        keyed: KeyedBegin | None = None,  # noqa: ARG002 -- the real store's argument
        meanwhile: Meanwhile = nothing,  # noqa: ARG002 -- the real store's argument
    ) -> Reservation:
        """Reserve the first nonce."""
        return Reservation(randoms[0], ())


def _request(body: bytes) -> Request:
    return Request("POST", "/signature", {}, {"content-type": "application/json"}, body, "", "")


def _why_forbidden(settings: UploadSignatureSettings, body: bytes, claims: Mapping[str, object]) -> str:
    """Return what a client is not told: that the policy does not exist, or which claim is not met."""
    name = (
        read_signature_request(read_json(_request(body), max_bytes=MAX_BODY_BYTES)).policy or DEFAULT_POLICY
    )
    policy = settings.upload_policies.get(name)
    if policy is None:
        return f"There is no policy {name!r}, but {', '.join(sorted(settings.upload_policies))}."
    unmet = [
        f"{claim} is one of {', '.join(map(repr, allowed))}, and this one's is {claim_at(claim, claims)!r}"
        for claim, allowed in policy.claims.items()
        if not are_met({claim: allowed}, claims)
    ]
    return f"The policy {name!r} is for users whose {'; whose '.join(unmet)}."


def _shown(values: Mapping[str, str]) -> dict[str, object]:
    """Return the parameters that a policy decides; of the others only lengths and durations."""
    parameters: dict[str, object] = {
        name: int(value) if name in _NUMBERS else value
        for name, value in values.items()
        if name not in _SHOWN_OTHERWISE
    }
    lasts = int(values["expireTime"]) - int(values["currentTimeStamp"])
    return {**parameters, "ttlSeconds": lasts, "sourceContextCharacters": len(values["sourceContext"])}
