"""Fixtures for all tests: one real Valkey and one running local stack for the whole session."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

import hypothesis
import pytest
import redis
import redis.utils

from local.stack.embedded_store import EmbeddedStore
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.shared.name_service import serving_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.stack.stack import Stack
    from tests.local.simulator.account import Account
    from tests.shared.name_service import NameService

# Machines differ in speed, so no example has a deadline; a change is not to fail by another's luck.
# CI asks for fewer examples on a Python on which the same ones only run again (TEST_EXAMPLES).
EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "100"))
hypothesis.settings.register_profile("everywhere", deadline=None, max_examples=EXAMPLES)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, max_examples=EXAMPLES)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "everywhere")

# redis-py parses the metadata of its package for each connection, which takes longer than connecting.
redis.utils.get_lib_version = functools.cache(redis.utils.get_lib_version)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure coverage where every run reaches the same: not by examples that are generated.

    What is measured goes first: who runs before it fills caches, whose code then runs no more.
    """
    for item in items:
        if isinstance(item, pytest.Function) and hypothesis.is_hypothesis_test(item.obj):
            item.add_marker("no_cover")
    items.sort(key=lambda item: item.get_closest_marker("no_cover") is not None)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """Start one Valkey process for all tests."""
    with EmbeddedStore(tmp_path_factory.mktemp("valkey")) as store:
        yield store


@pytest.fixture
def valkey_url(request: pytest.FixtureRequest) -> str:
    """Empty the store and return its address: the one Valkey, or TEST_REDIS_URL (tests/cluster)."""
    url = os.environ.get("TEST_REDIS_URL") or str(request.getfixturevalue("valkey").url)
    with redis.Redis.from_url(url) as connection:
        connection.flushall()
    return url


@pytest.fixture(scope="session")
def served_vod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Serve one simulated account with two sub-applications in pull mode, so nothing is pushed."""
    # Imported here, because many tests need none, and it brings the vendor's libraries.
    from tests.local.simulator.account import Account  # noqa: PLC0415  # see above

    folder = tmp_path_factory.mktemp("vod")
    with Account(
        folder, mode="PULL", pull_wait_seconds=0.02, sub_app_ids=(1500054321, 1500054322)
    ) as account:
        yield account


@pytest.fixture
def vod(served_vod: Account) -> Account:
    """Return VOD without media, events and faults, at the real time."""
    served_vod.reset()
    return served_vod


@pytest.fixture
def app() -> Iterator[HttpPeer]:
    """Run an app that takes every event, until a test gives it another answer."""
    with HttpPeer(lambda _request: Reply(204)) as peer:
        yield peer


@pytest.fixture
def names() -> Iterator[NameService]:
    """Replace the system's name service."""
    with serving_names() as service:
        yield service


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start one local stack on free ports for all tests; each test uses its own users and uploads."""
    # Imported here, because most tests need no stack, and it brings many libraries.
    from local.stack.stack import Stack  # noqa: PLC0415  # see above

    with Stack(folder=tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def media_of_three_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a file of 20 MB, which is stored in parts of 8 MB; its name has spaces."""
    file = tmp_path_factory.mktemp("media") / "A lecture, part 1.mp4"
    file.write_bytes(os.urandom(20 * 1024 * 1024))
    return file


@pytest.fixture(scope="session")
def small_media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a file of a few bytes; VOD accepts it by its extension."""
    file = tmp_path_factory.mktemp("media") / "small.mp4"
    file.write_bytes(os.urandom(1000))
    return file
