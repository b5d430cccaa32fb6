"""Fixtures of the simulator's tests: one account that is served for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.local.simulator.account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Start one account with two sub-applications and no callback URL."""
    with Account(tmp_path_factory.mktemp("account"), sub_app_ids=(1500054321, 1500054322)) as running:
        yield running


@pytest.fixture
def account(shared_account: Account) -> Iterator[Account]:
    """Return the shared account, at the real time; each test uses its own uploads."""
    yield shared_account
    shared_account.clock.moved_by = 0


@pytest.fixture(scope="session")
def pulled_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Start one account with a sub-application, whose events are pulled."""
    with Account(tmp_path_factory.mktemp("pulled"), mode="PULL", sub_app_ids=(1500054321,)) as running:
        yield running


@pytest.fixture
def pulling(pulled_account: Account) -> Iterator[Account]:
    """Return the account whose events are pulled, without events and media."""
    pulled_account.reset()
    yield pulled_account
    pulled_account.reset()
