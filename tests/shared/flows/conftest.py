"""One deployment for the tests of the flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.shared.flows.world import World
from tests.shared.service import Clock
from tests.waiting import wait_long_for_the_store

if TYPE_CHECKING:
    from tests.shared.loopback_peer import HttpPeer


@pytest.fixture
def world(valkey_url: str, app: HttpPeer, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a deployment with an empty store, an empty VOD and an app that takes everything."""
    wait_long_for_the_store(monkeypatch)
    clock = Clock()
    changes = {"READ_BACK": "on", "APP_WEBHOOK_URL": app.url}
    return World(valkey_url, changes, clock, clock.move, app=app)


@pytest.fixture(params=["86400", "0"], ids=["record kept", "tombstone alone"])
def world_of_copies(world: World, request: pytest.FixtureRequest) -> World:
    """Return one that keeps what was delivered for a day, and one that keeps its tombstone alone."""
    return world.with_settings(DELIVERED_RETENTION_SECONDS=request.param)
