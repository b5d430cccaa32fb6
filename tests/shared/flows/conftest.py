"""One deployment for the tests of the flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.shared.flows.world import World
from tests.shared.service import Clock

if TYPE_CHECKING:
    from tests.shared.loopback_peer import HttpPeer


@pytest.fixture
def world(valkey_url: str, app: HttpPeer) -> World:
    """Return a deployment with an empty store, an empty VOD and an app that takes everything."""
    clock = Clock()
    changes = {"READ_BACK": "on", "APP_WEBHOOK_URL": app.url}
    return World(valkey_url, changes, clock, clock.move, app=app)
