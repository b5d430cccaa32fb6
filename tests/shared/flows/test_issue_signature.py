"""Issuing against the real store; `tests/functions/test_upload_signature*` tests the handler."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.settings import UploadSignatureSettings, load_settings
from shared.domain.upload_id import made_at
from shared.errors import ConflictError, ForbiddenError, NotFoundError, UnprocessableError
from shared.flows import issue_signature
from shared.flows.issue_signature import (
    RANDOM_BITS,
    IssuedSignature,
    Issuer,
    Randomness,
    audit_fields,
    random_values,
)
from shared.http.authentication import Caller
from shared.schema.signature_request import read_signature_request
from shared.store.connection import StoreScope
from shared.store.deny_list import Denied, DeniedKind, DenyStore
from shared.store.journal import Store
from shared.vod.context_token import UploadContext, unseal
from shared.vod.signature import decode, sign
from tests.functions.deployment import CONTEXT_KEY, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import redis

    from shared.domain.policy import SignatureRequest
    from shared.vod.signature import SignatureParameters

NOW = 1_793_318_400.9
ALICE = Caller("alice")


@pytest.fixture
def make_issuer(valkey_url: str) -> Callable[..., Issuer]:
    """Return a factory of issuers on the real store, which is empty at first."""

    def make(**changes: str) -> Issuer:
        settings = load_settings(UploadSignatureSettings, environment(valkey_url, **changes))
        store = Store(settings.redis_url, StoreScope(settings.stage, settings.retention_seconds))
        return Issuer(settings, store)

    return make


def test_network_in_the_log_is_a_digest_by_the_newest_key(make_issuer: Callable[..., Issuer]) -> None:
    """Whoever has the log and not the key cannot try all networks; without an address there is none."""
    newest = "the-newest-of-two-context-keys-0001"

    def network(keys: str, address: str = "198.51.100.7") -> object:
        return audit_fields(Caller("alice", address), make_issuer(CONTEXT_KEYS=keys).settings)["network"]

    assert network(f"{newest},{CONTEXT_KEY}") == network(newest) != network(CONTEXT_KEY)
    assert network(newest, "198.51.100.8") != network(newest)
    assert (network(newest, ""), network(newest, "no address")) == ("", "")


def request(**members: object) -> SignatureRequest:
    """Parse the body of a request."""
    return read_signature_request(members)


def randomness(*nonces: int, upload_id: int = 5) -> Randomness:
    """Return fixed random values."""
    return Randomness(nonces=nonces or (11, 12, 13), upload_id=upload_id)


def begun(
    issuer: Issuer, members: Mapping[str, object] | None = None, *, upload_id: int = 5
) -> IssuedSignature:
    """Begin an upload of Alice's."""
    return issuer.begin(
        read_signature_request(members or {}), ALICE, now=NOW, randomness=randomness(upload_id=upload_id)
    )


def test_clock_and_randomness_decide_everything(make_issuer: Callable[..., Issuer]) -> None:
    """Whole seconds are signed; the id tells the time, and the nonce is one of those drawn."""
    issued = begun(make_issuer())
    values = decode(issued.signature).values

    assert (values["currentTimeStamp"], values["expireTime"]) == ("1793318400", "1793319000")
    assert values["random"] == "11"
    assert (issued.expires_at, issued.one_time, issued.policy) == (1_793_319_000, True, "default")
    assert made_at(issued.upload_id) == 1_793_318_400
    context = UploadContext(issued.upload_id, "alice", "")
    assert unseal(values["sourceContext"], keys=(CONTEXT_KEY,), stage="test") == context


def test_signature_is_made_while_the_store_works(
    make_issuer: Callable[..., Issuer], server: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store executes nothing until one is signed: a signature costs the longer of the two times."""
    issuer = make_issuer()
    begun(issuer)

    def let_go(parameters: SignatureParameters, *, secret_key: str) -> str:
        server.client_unpause()
        return sign(parameters, secret_key=secret_key)

    monkeypatch.setattr(issue_signature, "sign", let_go)
    server.client_pause(60_000, all=False)
    try:
        assert begun(issuer, upload_id=6)
    finally:
        server.client_unpause()


def test_signature_has_the_nonce_that_the_store_reserved(make_issuer: Callable[..., Issuer]) -> None:
    """One that was signed with a nonce of another upload is no answer."""
    issuer = make_issuer()

    first, second = (begun(issuer, upload_id=number) for number in (5, 6))
    values = decode(second.signature).values

    assert (decode(first.signature).values["random"], values["random"]) == ("11", "12")
    context = UploadContext(second.upload_id, "alice", "")
    assert unseal(values["sourceContext"], keys=(CONTEXT_KEY,), stage="test") == context


def test_request_that_is_repeated_after_midnight_is_for_the_same_upload(
    make_issuer: Callable[..., Issuer],
) -> None:
    """The id that a key gives an upload has the day in it; that of the day before is known as well."""
    issuer, midnight = make_issuer(), int(NOW)

    first, again = (
        issuer.begin(request(), ALICE, now=now, randomness=randomness(), key="key-1")
        for now in (midnight - 1, midnight)
    )

    assert (again.upload_id, first.renewed, again.renewed) == (first.upload_id, False, True)


@pytest.mark.parametrize(
    ("of_the_deployment", "of_the_policy", "in_the_token"),
    [
        ("", 1500099999, 1500099999),
        ("1500012345", 1500099999, 1500099999),
        ("1500012345", 1500012345, None),
        ("1500012345", None, None),
    ],
)
def test_token_names_the_sub_application_that_is_another(
    make_issuer: Callable[..., Issuer],
    of_the_deployment: str,
    of_the_policy: int | None,
    in_the_token: int | None,
) -> None:
    """Where VOD is to be asked about the upload stands in its token, unless it is where one asks anyway."""
    policies = json.dumps({"default": {"vodSubAppId": of_the_policy} if of_the_policy else {}})
    issued = begun(make_issuer(UPLOAD_POLICIES=policies, VOD_SUB_APP_ID=of_the_deployment))
    values = decode(issued.signature).values
    opened = unseal(values["sourceContext"], keys=(CONTEXT_KEY,), stage="test")

    assert values["vodSubAppId"] == str(of_the_policy or of_the_deployment)
    assert opened == UploadContext(issued.upload_id, "alice", "", in_the_token)


def test_claims_of_the_token_decide_about_the_policy(make_issuer: Callable[..., Issuer]) -> None:
    """What a user's token claims reaches the policy that asks for it; without it only a renewal is left."""
    issuer = make_issuer(UPLOAD_POLICIES='{"default": {"claims": {"role": ["teacher"]}}}')
    teacher = Caller("alice", claims={"role": "teacher"})

    issued = issuer.begin(request(), teacher, now=NOW, randomness=randomness())
    assert issued.policy == "default"
    assert issuer.renew(request(uploadId=issued.upload_id), ALICE, now=NOW, randomness=randomness(21))
    with pytest.raises(ForbiddenError):
        begun(issuer, upload_id=6)


def test_denied_network_gets_no_renewal(make_issuer: Callable[..., Issuer]) -> None:
    """Where the caller comes from counts for a renewal as for a new upload (F24)."""
    issuer = make_issuer()
    renewal = request(uploadId=begun(issuer).upload_id)
    at_home, away = Caller("alice", "203.0.113.7"), Caller("alice", "198.51.100.7")
    DenyStore(issuer.settings.redis_url, StoreScope("test", 604_800)).deny(
        Denied(DeniedKind.NETWORK, "203.0.113.7/32", since=int(NOW))
    )

    assert issuer.renew(renewal, away, now=NOW, randomness=randomness(21)).upload_id
    with pytest.raises(ForbiddenError):
        issuer.renew(renewal, at_home, now=NOW, randomness=randomness(22))


def test_signatures_of_one_upload_differ_in_time_and_nonce_only(make_issuer: Callable[..., Issuer]) -> None:
    """Also after the policy has changed and the region is not on its list any more."""
    first = begun(make_issuer(), {"context": "c", "storageRegion": "ap-singapore"})
    issuer = make_issuer(UPLOAD_POLICIES='{"default": {"procedures": ["Other"], "ttlSeconds": 5}}')
    second = issuer.renew(request(uploadId=first.upload_id), ALICE, now=NOW + 60, randomness=randomness(21))

    before, after = decode(first.signature).values, decode(second.signature).values
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {"currentTimeStamp", "expireTime", "random"}
    assert after["random"] == "21"
    assert second.expires_at == 1_793_318_460 + 600


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"policy": "nosuch"}, ForbiddenError),
        ({"classId": 5}, UnprocessableError),
        (
            {"context": "".join(sha256(bytes([number])).hexdigest() for number in range(4))},
            UnprocessableError,
        ),
    ],
)
def test_refused_beginning_leaves_nothing_behind(
    make_issuer: Callable[..., Issuer], members: dict[str, object], error: type[Exception]
) -> None:
    """A refused request leaves no session, no nonce and no rate-limit count."""
    issuer = make_issuer(NEW_UPLOADS_PER_MINUTE="1")
    with pytest.raises(error):
        begun(issuer, members)

    assert decode(begun(issuer).signature).values["random"] == "11"


def test_renewal_is_for_the_owner_of_an_open_upload(make_issuer: Callable[..., Issuer]) -> None:
    """Nobody else's, none that was never begun, none that has ended, and none with other parameters."""
    issuer = make_issuer(UPLOAD_SESSION_SECONDS="60")
    mine, unknown = (request(uploadId=it) for it in (begun(issuer).upload_id, "01M81669D17WFRRRZ186G60VX5"))

    with pytest.raises(NotFoundError):
        issuer.renew(mine, Caller("bob"), now=NOW, randomness=randomness(21))
    with pytest.raises(NotFoundError):
        issuer.renew(unknown, ALICE, now=NOW, randomness=randomness(22))
    with pytest.raises(UnprocessableError):
        issuer.renew(mine._replace(class_id=7011), ALICE, now=NOW, randomness=randomness(23))
    assert issuer.renew(mine, ALICE, now=NOW + 59, randomness=randomness(24))
    with pytest.raises(ConflictError, match="expired"):
        issuer.renew(mine, ALICE, now=NOW + 60, randomness=randomness(25))


@given(
    nonces=st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=3), upload_id=st.integers(0, 2**80 - 1)
)
def test_every_bit_of_a_draw_is_used_once(nonces: list[int], upload_id: int) -> None:
    """Three nonces and an id share none of the bits, and leave none over."""
    bits = upload_id + sum(nonce << (80 + 32 * place) for place, nonce in enumerate(nonces))

    assert random_values(bits) == Randomness(nonces, upload_id)
    assert RANDOM_BITS == 3 * 32 + 80
