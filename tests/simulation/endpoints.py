"""The endpoints of the deployment: one for every event, and in some worlds a second one with a filter."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from tests.simulation.app_model import SECRET, URL, App, AppWeather
from tests.simulation.features import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.deadline import Deadline
    from shared.tcp import Address
    from tests.simulation.app_model import AppSocket
    from tests.simulation.vod_messages import File
    from tests.simulation.world import World

OTHER_URL, OTHER_SECRET = "http://127.0.0.1:8081/hook", b"the secret of another endpoint.."
FILTERS = (
    ("upload.*",),
    ("procedure.*", "vod.*"),
    ("upload.completed", "upload.rejected"),
    ("upload.integrity", "procedure.finished"),
)


class Endpoints:
    """The endpoints, and the rule that each is told what its filter lets through; the first has none."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.scheduler.random_of("endpoints")
        self.types: tuple[str, ...] = ()
        parts = (world.scheduler, world.count_fault, world.platform.may_be_killed)
        self.apps = [App(*parts, world.invariants.on_event)]
        self.living = self.apps[0]
        self._order = [0, 1]
        if ENDPOINTS in world.features and self._random.random() < 0.5:
            self.types = self._random.choice(FILTERS)
            self._random.shuffle(self._order)
            self.apps.append(App(*parts, self._on_event, secret=OTHER_SECRET, part="other app"))

    @property
    def settings(self) -> dict[str, str]:
        """The settings that name them."""
        secrets = ["whsec_" + base64.b64encode(secret).decode() for secret in (SECRET, OTHER_SECRET)]
        if not self.types:
            return {"APP_WEBHOOK_URL": URL, "APP_WEBHOOK_SECRETS": secrets[0]}
        entries: list[dict[str, Any]] = [
            {"name": "all", "url": URL, "secrets": secrets[0]},
            {"name": "some", "url": OTHER_URL, "secrets": secrets[1], "types": self.types},
        ]
        webhooks = json.dumps([entries[place] for place in self._order])
        return {"APP_WEBHOOK_URL": "off", "APP_WEBHOOKS": webhooks, "DELIVERY_CONCURRENCY": "4"}

    @property
    def urls(self) -> list[str]:
        """Their URLs."""
        return [URL, OTHER_URL][: len(self.apps)]

    def connect(self, addresses: Sequence[Address], deadline: Deadline) -> AppSocket:
        """Stand for `shared.tcp.connect`."""
        port = addresses[0][1][1]
        return self.apps[OTHER_URL.endswith(f":{port}/hook")].connect(addresses, deadline)

    def drawn(self) -> App:
        """Return the one whose weather changes."""
        return self._random.choice(self.apps) if self.types else self.apps[0]

    def set_weather(self, rate: float) -> None:
        """Have the same ordinary weather at each."""
        for app in self.apps:
            app.weather = AppWeather(rate=rate)

    def let_one_die(self) -> None:
        """Let all attempts at one of two fail, and take their time: it must delay nothing for the other.

        It is the one that comes first in the setting, if the other is told of uploads.
        """
        if not self.types:
            return
        dead = self._order[0] if self._takes({"type": "upload.completed"}) else 1
        self.living = self.apps[1 - dead]
        fault = self._random.choice(("lost", "drip", "mute"))
        self.apps[dead].weather = AppWeather(rate=1.0, only=fault)

    def has_heard(self, file: File, *, within: float) -> bool:
        """Return whether one that lives was told of a file so many seconds after that was there."""
        heard = [
            it.first_at
            for it in self.living.receipts.values()
            if it.event["type"] == "upload.completed" and it.event["data"]["fileId"] == file.file_id
        ]
        return bool(heard) and heard[0] - file.created_at <= within

    def check_end(self) -> None:
        """Check that the second one was told what passes its filter of what the first was told."""
        first = self.apps[0].receipts
        for app in self.apps[1:]:
            passed = {event_id for event_id, it in first.items() if self._takes(it.event)}
            missed, unwanted = sorted(passed - app.receipts.keys()), sorted(app.receipts.keys() - passed)
            require = self._world.invariants.require
            require("each-endpoint-is-told", not missed, f"{self.types}: never heard of {missed[:3]}")
            require("filters-hold", not unwanted, f"{self.types}: heard of {unwanted[:3]}")

    def _on_event(self, event: dict[str, Any]) -> None:
        require = self._world.invariants.require
        require("filters-hold", self._takes(event), f"{self.types}: heard of an {event['type']}")
        self._world.invariants.check_event(event)

    def _takes(self, event: dict[str, Any]) -> bool:
        kind = event["type"].partition(".")[0]
        return event["type"] in self.types or f"{kind}.*" in self.types
