"""What all tests share: one real Valkey and one running local stack for the whole session.

Nothing here stands in for a real part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

from local.embedded_store import EmbeddedStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.stack import Stack


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """One Valkey process for all tests."""
    with EmbeddedStore(tmp_path_factory.mktemp("valkey")) as store:
        yield store


@pytest.fixture
def valkey_url(valkey: EmbeddedStore) -> str:
    """Empty the store and give its address."""
    with redis.Redis.from_url(valkey.url) as connection:
        connection.flushall()
    return valkey.url


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One local stack on free ports for all tests, so each test uses its own users and uploads."""
    # Imported here, because most tests need no stack, and it brings many libraries.
    from local.stack import Stack  # noqa: PLC0415  # see above

    with Stack(folder=tmp_path_factory.mktemp("stack"), timer_seconds=0.5) as running:
        yield running
