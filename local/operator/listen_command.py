"""Forward the events of a deployment's test stage to an app on this machine, by pull.

Events are read from the stage's journal and sent signed, as its functions send them; their state there does
not change. The store is REDIS_URL (with STAGE) or, without that, the one of the local stack that runs; they
are signed with APP_WEBHOOK_SECRETS. An event is forwarded once VOD's word is known, if its record
still has its bytes, and up to five times until the app answers 2xx. Exit code: 0 with --once all were taken,
1 some were not, 2 wrong usage, 130 Ctrl-C.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from local.operator.event_store import EventQuery, OperatorStore
from local.operator.signature_inspection import iso_time
from local.operator.store_choice import NoStoreError, add_store_arguments, chosen_environment, chosen_store
from local.operator.time_arguments import point_in_time
from local.terminal_text import printable
from local.webhook_forwarding import check_address, forward
from shared.config.settings import WebhookSettings, load_settings
from shared.domain.app_event import body_of
from shared.domain.event_status import EventStatus
from shared.domain.ingested_event import event_in
from shared.errors import ConfigurationError, ServiceError
from shared.http.webhook import signed_headers
from shared.runtime import bootstrap

if TYPE_CHECKING:
    import argparse

    from local.operator.event_store import KeptEvent
    from shared.domain.app_event import AppEvent

_DONE, _NOT_DONE, _WRONG_USAGE = 0, 1, 2
_NOT_FOR_THE_APP = (EventStatus.HELD, EventStatus.QUARANTINED, EventStatus.PARKED)
_MOST_ATTEMPTS = 5
_POLL_SECONDS = 1.0
_LOOKED_BACK_SECONDS = 900
"""How long before a poll an event may have been received: one that was held is told later."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--forward-to", required=True, metavar="URL", help="the app on this machine")
    parser.add_argument(
        "--since", type=point_in_time, metavar="TIME", help="from then on, such as 10m; default: from now on"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line, and nothing else")
    parser.add_argument("--once", action="store_true", help="forward what is there, and end")
    add_store_arguments(parser)


def main(arguments: argparse.Namespace) -> int:
    """Forward until Ctrl-C, or once; report any failure in one sentence."""
    try:
        listener = _listener(arguments)
        while True:
            listener.poll(int(bootstrap.now()))
            if arguments.once:
                return _NOT_DONE if listener.refused else _DONE
            time.sleep(_POLL_SECONDS)
    except (NoStoreError, ConfigurationError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        return _NOT_DONE


def _listener(arguments: argparse.Namespace) -> Listener:
    environment = chosen_environment(arguments)
    # Where the stage itself sends events does not matter here.
    elsewhere = {"APP_WEBHOOK_URL": "off", "APP_WEBHOOKS": ""}
    settings = load_settings(WebhookSettings, {**environment, **elsewhere})
    if not settings.app_webhook_secrets:
        raise ValueError(
            "Set APP_WEBHOOK_SECRETS: the events are signed with it, and your app verifies them."
        )
    since = int(bootstrap.now()) if arguments.since is None else arguments.since
    store = OperatorStore(*chosen_store(environment))
    return Listener(store, settings, check_address(arguments.forward_to), since, as_json=arguments.json)


class Listener:
    """Forwards each event of a store once; `refused` are those that the app has not taken."""

    def __init__(
        self, store: OperatorStore, settings: WebhookSettings, url: str, since: int, *, as_json: bool = False
    ) -> None:
        self._store, self._settings, self._url, self._since = store, settings, url, since
        self._as_json = as_json
        self._taken: set[str] = set()
        self._attempts: Counter[str] = Counter()

    @property
    def refused(self) -> set[str]:
        """The ids of the events that were forwarded, and not taken."""
        return set(self._attempts) - self._taken

    def poll(self, now: int) -> None:
        """Forward what is new, the oldest first.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        # The first poll reads from `since` on, whenever that was.
        found = self._store.find(EventQuery(since=self._since))
        fresh = [event.at for event in found if self._is_due(event)][::-1]
        for event in self._store.read(fresh):
            told = _app_event(event)
            if told is not None:
                self._forward(event.event_id, told, now)
        self._since = max(self._since, now - _LOOKED_BACK_SECONDS)

    def _is_due(self, event: KeptEvent) -> bool:
        done = event.event_id in self._taken or self._attempts[event.event_id] >= _MOST_ATTEMPTS
        # An event is forwarded once, whatever endpoints have copies of it.
        return not (done or event.at.endpoint or event.status in _NOT_FOR_THE_APP)

    def _forward(self, event_id: str, told: AppEvent, now: int) -> None:
        body = body_of(told, thin=self._settings.app_webhook_raw == "off")
        headers = signed_headers(body, event_id=event_id, now=now, secrets=self._settings.app_webhook_secrets)
        answer = forward(self._url, body, {**headers, "Content-Type": "application/json"})
        self._attempts[event_id] += 1
        if answer.accepted:
            self._taken.add(event_id)
        line = {"at": iso_time(now), "type": told.type, "id": event_id}
        line["outcome"] = answer.problem or f"HTTP {answer.status}"
        text = json.dumps(line) if self._as_json else printable("  ".join(line.values()))
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _app_event(event: KeptEvent) -> AppEvent | None:
    """Rebuild an event as delivery does; None if its bytes are gone or cannot be read."""
    try:
        return event_in({**event.record, "event_id": event.event_id})
    except (KeyError, ValueError):
        return None
