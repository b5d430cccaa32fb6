"""Events for the app's back end: queued to be pushed, or until they are pulled.

`push_sender` sends them, `pull_queue` hands them out.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.simulator.configuration import ConfigurationStore
    from local.simulator.counters import Counters
    from local.simulator.database import Database

# doc 266/33931: two more tries after a time-out.
SENDS_PER_EVENT = 3
_log = logging.getLogger("local.simulator")


@dataclass
class Notifications:
    """Stores every event for the mode that is configured when it is raised.

    There is one configuration and one queue for all applications of the account; an event that names an
    application is only seen by pulls of that application.
    """

    database: Database
    configuration: ConfigurationStore
    clock: Callable[[], float]
    counters: Counters
    _wake: Callable[[], None] = field(default=lambda: None)

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Set the function that `wake` calls."""
        self._wake = wake

    def raise_event(self, event: Mapping[str, object], *, application: int | None = None) -> None:
        """Store one event; call `wake` after the surrounding transaction."""
        present = self.configuration.present
        if present.mode == "PULL":
            self.database.change(
                "INSERT INTO pull_queue (body, application, raised_at) VALUES (?, ?, ?)",
                json.dumps(event, ensure_ascii=False),
                application,
                self.clock(),
            )
            self.counters.count("EventQueued")
        elif present.callback_url:
            self.database.change(
                "INSERT INTO pushes (body, sends_left) VALUES (?, ?)",
                json.dumps(without_nulls(event), ensure_ascii=False),
                SENDS_PER_EVENT,
            )
            self.counters.count("EventPushed")
        else:
            _log.warning("no callback URL is set: the event %s is dropped", event.get("EventType"))
            self.counters.count("EventDropped")

    def wake(self) -> None:
        """Notify the sender that there may be events to push."""
        self._wake()


def without_nulls(event: Mapping[str, object]) -> dict[str, object]:
    """Return the event as a push writes it: null members are omitted (doc 266/33950)."""
    return cast("dict[str, object]", _without_nulls(event))


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
