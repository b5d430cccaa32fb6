"""Rotate every key as docs/operations.md describes, while users upload: nothing fails or is lost (S40)."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests

import local.stack.system
from local.stack.demo_settings import DEMO_AUDIENCE
from local.stack.stack import Stack
from shared.http.jwks import COOLDOWN_SECONDS
from tests.keys import public_pem, rsa_key
from tests.reliability.rolling_fleet import RollingFleet
from tests.reliability.uploading_users import UploadingUsers, VerifyingApp
from tests.shared.jwks_server import KeyServer, rsa_jwk
from tests.shared.loopback_peer import HttpPeer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.reliability

LEAST_UPLOADS, INSTANCES = 30, 2


def key() -> str:
    """Return a new key of the required length."""
    return secrets.token_hex(20)


def webhook_secret() -> str:
    """Return a new secret of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def tokens_of(signing_key: Any, algorithm: str, **headers: str) -> Callable[[str], str]:  # noqa: ANN401 -- PyJWT's own type of key
    """Return a login service that signs with this key."""
    return lambda user: jwt.encode(
        {"sub": user, "exp": int(time.time()) + 60, "aud": DEMO_AUDIENCE},
        signing_key,
        algorithm=algorithm,
        headers=headers,
    )


NEW_PAIR = {"secret_id": "AKID" + key()[:32], "secret_key": key()[:32]}
"""The second key pair of the VOD account."""


@dataclass
class Drill:
    """A service under load: its stack, its redeployed fleet, its users and its app."""

    stack: Stack
    fleet: RollingFleet
    users: UploadingUsers
    app: VerifyingApp
    variables: dict[str, str]
    old_pair: dict[str, str]

    def deploy(self, **changes: str) -> None:
        """Deploy with some variables changed; an empty text removes one."""
        self.variables |= changes
        self.stack.call(self.fleet.deploy(self.variables))

    def tell_vod(self, **changes: str) -> None:
        """Change VOD's event configuration."""
        answer = requests.put(f"{self.stack.url}/local/simulator/config", json=changes, timeout=10)
        answer.raise_for_status()

    def assert_nothing_failed(self, deployments: int) -> None:
        """End the load; every upload was stored and reported once, while old and new instances worked."""
        self.users.settle(LEAST_UPLOADS)
        self.users.finish()
        assert self.users.failures == []
        assert len(self.users.stored) >= LEAST_UPLOADS
        assert self.users.stored <= self.app.events.keys()
        assert all(event["data"]["verified"] for event in self.app.events.values())
        assert self.app.refused == 0
        assert self.fleet.deployments == deployments


@pytest.fixture
def drill(
    tmp_path: Path, small_media: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Drill]:
    """Start with one key for each purpose; VOD's account has a second, unused pair.

    The parameter holds variables of the functions that the stack itself does not know.
    """
    apart: dict[str, str] = getattr(request, "param", {})
    fleets: list[RollingFleet] = []

    def fleet(environment: dict[str, str], *, log_file: Path, limit: int) -> RollingFleet:
        # Two calls at the same time are load enough; each deployment starts so many processes.
        fleets.append(RollingFleet({**environment, **apart}, log_file=log_file, limit=min(limit, INSTANCES)))
        return fleets[0]

    monkeypatch.setattr(local.stack.system, "Instances", fleet)
    app = VerifyingApp(webhook_secret())
    old_id, old_key = "AKID" + key()[:32], key()[:32]
    pairs = {old_id: old_key}
    with HttpPeer(app.answer) as peer:
        first = {
            **{name: key() for name in ("CONTEXT_KEYS", "CALLBACK_TOKENS", "JWT_SECRETS")},
            "VOD_CALLBACK_SIGN_KEY": key()[:32],
            "APP_WEBHOOK_SECRETS": app.secret,
            "APP_WEBHOOK_URL": f"{peer.url}/hook",
            "VOD_SECRET_ID": old_id,
            "VOD_SECRET_KEY": old_key,
            "NETWORK_UPLOADS_PER_MINUTE": "0",
        }
        account = {**NEW_PAIR, "other_key_pairs": pairs}
        with Stack(folder=tmp_path, overrides=first, simulator=account, timer_seconds=0.5) as stack:
            signed = (rsa_key("first"), "RS256") if apart else (first["JWT_SECRETS"], "HS256")
            users = UploadingUsers(stack.url, small_media, app, tokens_of(*signed))
            yield Drill(stack, fleets[0], users, app, {**stack.environment, **apart}, pairs)
            users.finish()


def test_every_secret_is_changed_under_load(drill: Drill) -> None:
    """Context keys, callback token, SignKey, webhook secret, JWT secret and VOD's key pair."""
    old, new = dict(drill.variables), key()
    drill.deploy(CONTEXT_KEYS=f"{old['CONTEXT_KEYS']},{new}")
    drill.deploy(CONTEXT_KEYS=f"{new},{old['CONTEXT_KEYS']}")
    drill.users.settle()
    drill.deploy(CONTEXT_KEYS=new)

    new = key()
    drill.deploy(CALLBACK_TOKENS=f"{new},{old['CALLBACK_TOKENS']}")
    drill.tell_vod(callback_url=f"{drill.stack.url}/vod-callback/{new}")
    drill.users.settle()
    drill.deploy(CALLBACK_TOKENS=new)

    new = key()[:32]
    drill.deploy(VOD_CALLBACK_SIGN_KEY="")
    drill.tell_vod(sign_key=new)
    drill.users.settle()
    drill.deploy(VOD_CALLBACK_SIGN_KEY=new)

    new = webhook_secret()
    drill.deploy(APP_WEBHOOK_SECRETS=f"{new},{old['APP_WEBHOOK_SECRETS']}")
    drill.app.secret = new
    drill.deploy(APP_WEBHOOK_SECRETS=new)

    new = key()
    drill.deploy(JWT_SECRETS=f"{new},{old['JWT_SECRETS']}")
    drill.users.login = tokens_of(new, "HS256")
    drill.users.settle()
    drill.deploy(JWT_SECRETS=new)

    drill.deploy(VOD_SECRET_ID=NEW_PAIR["secret_id"], VOD_SECRET_KEY=NEW_PAIR["secret_key"])
    drill.users.settle()
    drill.old_pair.clear()
    drill.users.settle()

    drill.assert_nothing_failed(deployments=12)


@pytest.mark.parametrize(
    "drill", [{"JWT_SECRETS": "", "JWT_PUBLIC_KEY": public_pem(rsa_key("first"))}], indirect=True
)
def test_keys_of_the_login_service_are_changed_under_load(drill: Drill) -> None:
    """One public key beside the next, then a key set whose keys change without any deployment."""
    first, second = public_pem(rsa_key("first")), public_pem(rsa_key("second"))
    with KeyServer() as keys:
        keys.publish(rsa_jwk("second"))
        drill.deploy(JWT_PUBLIC_KEY=first + second)
        drill.users.login = tokens_of(rsa_key("second"), "RS256", kid="second")
        drill.users.settle()
        drill.deploy(JWT_PUBLIC_KEY=second)
        drill.deploy(JWT_PUBLIC_KEY="", JWT_JWKS_URL=keys.keys_url)
        drill.users.settle()

        keys.publish(rsa_jwk("second"), rsa_jwk("third"))
        drill.users.pause_seconds = 1.0
        time.sleep(COOLDOWN_SECONDS + 1)
        drill.users.pause_seconds = 0.0
        drill.users.login = tokens_of(rsa_key("third"), "RS256", kid="third")
        drill.users.settle()
        keys.publish(rsa_jwk("third"))
        drill.users.settle()
        drill.assert_nothing_failed(deployments=3)
