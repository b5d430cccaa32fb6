"""The endpoints of APP_WEBHOOKS: each with its URL, secrets and rate, and a filter for what it is sent.

[{"name": "crm", "url": "https://crm.example.com/vod", "secrets": ["whsec_…"], "types": ["upload.*"]},
 {"name": "billing", "url": "https://billing.example.com/vod", "secrets": "whsec_…", "subApps": [1500012345]}]
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.domain.app_event import AppEvent

TYPES = (
    *("upload.completed", "upload.replayed", "upload.cover_changed", "upload.expired"),
    *("upload.rejected", "upload.integrity", "procedure.changed", "procedure.finished"),
)
"""The types of events that can be named, beside those of VOD's own: `vod.` and a name."""
_ALL_OF_A_KIND = ("upload.*", "procedure.*", "vod.*")
_TYPE_OF_VOD = re.compile(r"vod\.[A-Za-z0-9]+")
_NAME = re.compile(r"[a-z0-9-]{1,20}")
_VARIABLES = {"url": "APP_WEBHOOK_URL", "secrets": "APP_WEBHOOK_SECRETS", "rate": "DELIVERY_RATE"}
_MOST_RATE = 10_000


class Endpoint(NamedTuple):
    """One endpoint: its settings are the deployment's, as if it were the only one.

    `types` and `sub_apps`: empty for all. `own_sub_app` is the deployment's, 0 for the main application.
    """

    name: str
    settings: Any
    types: tuple[str, ...]
    sub_apps: tuple[int, ...]
    own_sub_app: int

    @property
    def url(self) -> str:
        """Its URL."""
        return str(self.settings.app_webhook_url)

    @property
    def rate(self) -> int:
        """The most attempts a second; of the functions that have timers."""
        return int(self.settings.delivery_rate)

    def takes(self, event: AppEvent) -> bool:
        """Return whether an event passes its filter; what was made without us is of our application."""
        named = event.uploader.vod_sub_app_id if event.uploader else None
        kind = event.type.partition(".")[0]
        of_type = not self.types or event.type in self.types or f"{kind}.*" in self.types
        return of_type and (not self.sub_apps or (named or self.own_sub_app) in self.sub_apps)


def read_endpoints(
    entries: Sequence[Mapping[str, Any]], read: Callable[[dict[str, str]], Any]
) -> tuple[tuple[Endpoint, ...], list[tuple[int, str]]]:
    """Return the endpoints, and what is wrong by the number of the entry.

    `read` makes settings of variables, by the names that they have where there is one endpoint.
    """
    endpoints: list[Endpoint] = []
    found: list[tuple[int, str]] = []
    for number, entry in enumerate(entries):
        wrong = _wrong_in(entry, endpoints)
        found += [(number, sentence) for sentence in wrong]
        try:
            settings = read(_variables_of(entry))
        except ConfigurationError as error:
            found.append((number, str(error).removesuffix(".")))
            continue
        if not wrong:
            own: int = vars(settings).get("vod_api_sub_app_id") or 0
            types, sub_apps = (tuple(entry.get(name) or ()) for name in ("types", "subApps"))
            endpoints.append(Endpoint(entry["name"], settings, types, sub_apps, own))
    return tuple(endpoints), found


def _wrong_in(entry: Mapping[str, Any], others: Sequence[Endpoint]) -> list[str]:
    """Return what is wrong with the members that no variable has, or with those of two entries together."""
    members = {"name", "types", "subApps", *_VARIABLES}
    found = [f"there is no member {name[:40]!r}" for name in sorted(entry.keys() - members)]
    name, rate = entry.get("name"), entry.get("rate", 1)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        found.append("name must be 1 to 20 of a to z, digits and hyphens")
    elif name in [it.name for it in others]:
        found.append("has the name of another entry")
    if entry.get("url") in ["off", *(it.url for it in others)]:
        found.append("url must be one of its own")
    # Not every function has a rate of its own to check.
    if type(rate) is not int or not 1 <= rate <= _MOST_RATE:
        found.append(f"rate must be a number from 1 to {_MOST_RATE}")
    if not _are(entry.get("types"), _is_type):
        found.append(f"types must be a list of {', '.join((*TYPES, *_ALL_OF_A_KIND))} or vod. and VOD's name")
    if not _are(entry.get("subApps"), lambda it: type(it) is int and it >= 0):
        found.append("subApps must be a list of numbers, 0 for the main application")
    return found


def _variables_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return what the entry says of the settings; a URL and secrets of its own are needed."""
    texts = {name: entry.get(name, "") for name in ("url", "secrets")} | {"rate": entry.get("rate", "")}
    return {
        _VARIABLES[name]: ",".join(map(str, text)) if isinstance(text, list) else str(text)
        for name, text in texts.items()
        if text != "" or name != "rate"
    }


def _are(entries: object, is_one: Callable[[object], bool]) -> bool:
    return entries is None or (isinstance(entries, list) and bool(entries) and all(map(is_one, entries)))


def _is_type(name: object) -> bool:
    return name in TYPES or name in _ALL_OF_A_KIND or bool(_TYPE_OF_VOD.fullmatch(str(name)))
