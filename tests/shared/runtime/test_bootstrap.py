from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from shared.runtime import bootstrap
from tests.functions.deployment import deploy_here, environment, start_anew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.config.settings import StoreSettings

RUNTIMES = [
    *(bootstrap.upload_signature, bootstrap.upload_status, bootstrap.event_notification),
    *(bootstrap.reliable_notification, bootstrap.event_delivery),
]
WEBHOOK = {"APP_WEBHOOK_URL": "https://app.example.test/events", "APP_WEBHOOK_SECRETS": "whsec_" + "A" * 40}


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set the environment and reset the process; there is no store at the address, and none is needed."""

    def deploy(**changes: str) -> None:
        deploy_here(environment("redis://127.0.0.1:1/0", **changes), monkeypatch)

    deploy()
    yield deploy
    start_anew()


@pytest.mark.usefixtures("deploy")
@pytest.mark.parametrize("build", RUNTIMES)
def test_function_is_built_once(
    build: Callable[[], bootstrap.Runtime[StoreSettings, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is read at the first request of a process, and no store is asked for it."""
    first = build()
    monkeypatch.setenv("STAGE", "other")

    assert build() is first
    assert first.settings.stage == "test"


def test_deliverer_has_a_webhook_if_there_is_one(deploy: Callable[..., None]) -> None:
    """It is built at its first use and kept, as are the clients of the server API, one for each thread."""
    assert bootstrap.deliverer(bootstrap.event_delivery(), deadline=0).webhook is None

    deploy(**WEBHOOK)
    first, second = (bootstrap.deliverer(bootstrap.event_delivery(), deadline=7) for _ in range(2))

    assert first.webhook is not None
    assert first.webhook is second.webhook
    with first.read_back() as api:
        pass
    with second.read_back() as kept, first.read_back() as another:
        assert kept is api
        assert another is not api
    assert (first.deadline, first.ingester.settings.stage) == (7, "test")
    assert 0 <= first.jitter() < 1
    assert first.clock is bootstrap.now


def test_clock_tells_unix_seconds() -> None:
    """A wait lasts at least its time; a past time is not waited for."""
    before, told = time.time(), bootstrap.now()
    bootstrap.wait(0.02)
    bootstrap.wait(-5)

    assert before <= told <= time.time() - 0.015


@pytest.mark.parametrize("bits", [32, 53, 80])
def test_random_numbers_use_all_their_bits(bits: int) -> None:
    """Of two hundred draws every bit is set in some and clear in others, and none comes twice."""
    drawn = [bootstrap.random_bits(bits) for _ in range(200)]

    assert all(0 <= number < 2**bits for number in drawn)
    assert all({number >> place & 1 for number in drawn} == {0, 1} for place in range(bits))
    assert len(set(drawn)) == 200


def test_leases_differ() -> None:
    """No two leases are equal."""
    assert len({bootstrap.new_lease() for _ in range(200)}) == 200
