"""Wait for another thread or process; no test depends on how long that takes on a busy machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared.store import connection

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS = 60.0


def wait_until(
    is_so: Callable[[], object],
    what: str = "it",
    *,
    seconds: float = PATIENCE_SECONDS,
    pause_seconds: float = 0.01,
) -> None:
    """Return once the condition is true; fail the test if it does not become true.

    A condition that costs processor time, such as a request, is asked with a longer pause.
    """
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds} s in vain for {what}")
        time.sleep(pause_seconds)


def wait_long_for_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call to the store take long; how long it may take is tested elsewhere."""
    monkeypatch.setattr(connection, "TIMEOUT_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(connection, "CALL_SECONDS", 2 * PATIENCE_SECONDS)
