"""A phone, and where its files are; the deployment and VOD of the tests that move VOD's time."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from functions import reliable_notification
from local.stack.demo_settings import POLICIES
from tests.clients.mobile.client import MobileClient
from tests.clients.mobile.network import Network
from tests.clients.mobile.platforms import ANDROID, IOS, PublishError
from tests.functions.conftest import call, deploy, read_status, sign  # noqa: F401  # fixtures
from tests.functions.deployment import services_of, start_anew

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clients.mobile.platforms import Platform
    from tests.functions.conftest import Deploy, ReadStatus, Sign
    from tests.local.simulator.account import Account
    from tests.shared.loopback_peer import HttpPeer

MIB = 1024 * 1024


@dataclass(frozen=True)
class Phone:
    """A phone with its SDK and network, VOD, the app's back end, and our service, which signs."""

    client: MobileClient
    network: Network
    vod: Account
    app: HttpPeer
    sign: Sign
    read_status: ReadStatus

    def turn(self, **positions: str) -> None:
        """Choose VOD's answers to what is not documented."""
        self.vod.simulator.switches.turn(positions)

    def let_time_pass(self, seconds: float, *, before: str, at: int | None = None) -> None:
        """Move VOD's and the phone's time before each request of that name, or before one by its number."""
        count = itertools.count(1)

        def pass_time(name: str) -> None:
            if name == before and at in (None, next(count)):
                self.vod.clock.moved_by += seconds

        self.network.before = pass_time

    def outcome(self, signature: str, media: Path) -> str:
        """Publish, and return `published` or the SDK's code and words."""
        try:
            self.client.publish(signature, media)
        except PublishError as error:
            return f"{error.code}: {error}"
        return "published"

    def expect_one_event(self, upload_id: str, file_id: str) -> dict[str, Any]:
        """Assert that the app hears of this file once, as this upload's, and return what it hears."""
        # The functions' time is the real one.
        self.vod.clock.moved_by = 0
        reliable_notification.main_handler({}, {"time_limit_in_ms": 60_000})
        [told] = [json.loads(received.body) for received in self.app.received]
        heard: dict[str, Any] = told["data"]
        assert (told["type"], heard["verdict"]) == ("upload.completed", "attributed")
        assert (heard["uploadId"], heard["fileId"]) == (upload_id, file_id)
        return heard


@pytest.fixture(params=[ANDROID, IOS], ids=lambda platform: platform.name)
def platform(request: pytest.FixtureRequest) -> Platform:
    """Return each SDK in turn."""
    sdk: Platform = request.param
    return sdk


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Create a file that both SDKs send as one object."""
    return _file(tmp_path / "holiday.mp4", 1000)


@pytest.fixture
def three_parts(tmp_path: Path) -> Path:
    """Create a file that both SDKs send in three parts."""
    return _file(tmp_path / "lecture.mp4", 2 * MIB + MIB // 2)


@pytest.fixture
def cover(tmp_path: Path) -> Path:
    """Create a cover."""
    return _file(tmp_path / "cover.png", 500)


@pytest.fixture
def account(deploy: Deploy, vod: Account, app: HttpPeer) -> Iterator[Account]:  # noqa: F811  # the fixture
    """Deploy the demo's policies for the simulated VOD and the app; VOD's time can be moved."""
    deploy(**services_of(vod.url, app.url), UPLOAD_POLICIES=json.dumps(POLICIES))
    credential_seconds = vod.settings.credential_seconds
    yield vod
    vod.configure(credential_seconds=credential_seconds, storage_upload_domain="")
    start_anew()


@pytest.fixture
def phone(
    platform: Platform,
    account: Account,
    app: HttpPeer,
    sign: Sign,  # noqa: F811  # the fixture
    read_status: ReadStatus,  # noqa: F811  # the fixture
) -> Phone:
    """Return a phone in VOD's network, and its app."""
    network = Network(account.url)
    client = MobileClient(platform, network.session(), clock=account.clock)
    return Phone(client, network, account, app, sign, read_status)


def _file(path: Path, size: int) -> Path:
    path.write_bytes(os.urandom(size))
    return path
