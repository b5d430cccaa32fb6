"""Journal one event after the other into a store that is about to fail, and count what it has kept."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import StoreUnavailableError
from shared.store.connection import StoreScope
from shared.store.journal import Store
from tests.shared.uploads import NOW, facts_in, new_entry, new_session, uploaded

if TYPE_CHECKING:
    from typing_extensions import Self

SCOPE = StoreScope("test", 604_800)
WAIT_MS = 300
USERS = 200
"""Enough users for events in every partition, and thus on every node of a cluster."""


@dataclass(frozen=True)
class Write:
    """One call of `Store.journal`: the event's key, its begin and end (monotonic), and its result."""

    key: str
    began: float
    ended: float
    acknowledged: bool


class _WaitingStore(Store):
    """A store that can ask, on the connection of its last write, how many replicas have it."""

    def is_replicated(self, *, replicas: int) -> bool:
        """Return whether so many replicas have it (WAIT), within the store's time-out."""
        return int(self._execute("WAIT", replicas, WAIT_MS)) >= replicas


class Journaling:
    """A thread that journals new events as fast as the store accepts them: `with Journaling(url) as it`.

    With `replicas` an event counts as acknowledged once so many of them have it.
    """

    def __init__(self, redis_url: str, *, replicas: int = 0) -> None:
        """Create a store client, as a function has one."""
        self.writes: list[Write] = []
        self._store = _WaitingStore(redis_url, SCOPE)
        self._replicas = replicas
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @property
    def acknowledged(self) -> list[Write]:
        """The events that the store acknowledged."""
        return [write for write in self.writes if write.acknowledged]

    @property
    def refused(self) -> list[Write]:
        """The events that the store did not acknowledge; their source would send them again."""
        return [write for write in self.writes if not write.acknowledged]

    def __enter__(self) -> Self:
        """Start journaling."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop after the current event."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            self.writes.append(self._journal(f"user-{len(self.writes) % USERS}"))

    def _journal(self, user: str) -> Write:
        entry = new_entry(new_session(user), facts_in(uploaded()))
        key, began = self._store.key_of(entry).key, time.monotonic()
        try:
            self._store.journal(entry, endpoint="https://app.example.test/hook", now=NOW, next_attempt_at=NOW)
            acknowledged = not self._replicas or self._store.is_replicated(replicas=self._replicas)
        except StoreUnavailableError:
            acknowledged = False
        return Write(key, began, time.monotonic(), acknowledged)
