"""`events endpoint`: the health of the app's endpoint, or of each of several, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.operator.signature_inspection import iso_time
from local.terminal_text import sheet_of
from shared.config.settings import EndpointSettings, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.store.endpoint import EndpointHealth


def endpoint_urls(environment: Mapping[str, str], name: str | None = None) -> dict[str, str]:
    """Return the URL of each endpoint, or of the named one, by its name; a single one has an empty name.

    Raises:
        ConfigurationError: the settings cannot be read.
        ValueError: there is none, or not this one; the message is a sentence for the operator.

    """
    settings = load_settings(EndpointSettings, environment)
    if not settings.has_endpoint:
        raise ValueError("Name the app's endpoint with APP_WEBHOOK_URL or APP_WEBHOOKS, as the functions do.")
    urls = settings.endpoint_urls
    if name is not None and name not in urls:
        others = "since APP_WEBHOOKS is not set" if "" in urls else f"but {', '.join(urls)}"
        raise ValueError(f"There is no endpoint of this name, {others}.")
    return urls if name is None else {name: urls[name]}


@dataclass(frozen=True)
class EndpointReport:
    """The endpoint's health at `now` (Unix seconds); `name` is empty where there is one endpoint.

    `enabled`: whether this command has enabled it; None: it was not asked to.
    """

    health: EndpointHealth
    now: int
    enabled: bool | None
    name: str = ""

    def document(self) -> dict[str, object]:
        """Return the report as a JSON document."""
        return {
            **({"name": self.name} if self.name else {}),
            "deliveredAt": _time(self.health.delivered_at),
            "failingSince": _time(self.health.failing_since),
            "disabledSince": _time(self.health.disabled_since),
            "paused": self.health.is_paused(now=self.now),
            "enabledNow": bool(self.enabled),
        }

    def text(self) -> str:
        """Return the report as text."""
        is_paused = self.health.is_paused(now=self.now)
        paused = "  Paused: for more than 5 days." if is_paused else ""
        rows = {
            "endpoint": self.name or None,
            "last delivery": _time(self.health.delivered_at) or "none",
            "failing since": f"{_time(self.health.failing_since) or '-'}{paused}",
            "disabled since": _time(self.health.disabled_since) or "-",
        }
        lines = []
        if self.enabled:
            lines.append(
                "Enabled. What waits is tried within the hour, or now: events retry --state due --yes"
            )
        elif self.enabled is False:
            lines.append("It was neither disabled nor paused.")
        elif self.health.disabled_since is not None:
            lines.append("The app has answered 410. Once its people agree, --enable delivers to it again.")
        elif is_paused:
            lines.append("One event an hour is tried. Once the app is well, --enable tries the next at once.")
        return sheet_of(rows.items()) + "".join(f"{line}\n" for line in lines)


def _time(second: int | None) -> str | None:
    return None if second is None else iso_time(second)
