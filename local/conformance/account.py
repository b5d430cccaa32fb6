"""The application that is asked: its keys, its address, and what the kit may do there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Account:
    """One application of one account.

    `secret_id` and `secret_key` sign uploads; `api_credentials` (id, key, token or empty) sign calls of the
    server API, `sign_key` is the key of the callback signature that has to be there after the run.
    `endpoint` is one address for all of VOD's hosts, as the simulator has it; None is VOD itself.
    """

    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    api_credentials: tuple[str, str, str] = field(repr=False)
    sub_app_id: int | None = None
    api_url: str = "https://vod.tencentcloudapi.com"
    endpoint: str | None = None
    sign_key: str = field(default="", repr=False)

    @property
    def api_host(self) -> str:
        """The host of the server API."""
        return urlsplit(self.api_url).netloc


@dataclass(frozen=True)
class Pace:
    """How time passes where the questions are asked; durations in seconds.

    `clock` returns Unix seconds, `wait` returns when so many have passed on it. What is awaited is asked for
    every `poll` real seconds, at most for `patience`; what has not come `silence` real seconds after
    something later will not come.
    """

    clock: Callable[[], float]
    wait: Callable[[float], None]
    poll: float
    patience: float
    silence: float


@dataclass(frozen=True)
class Permissions:
    """What the user allows.

    `cost`: store files. `set_events`: change the application's event configuration, and pull its queue.
    `procedure`: the task-flow template that may process a file; empty is none. `wait`: the most seconds that
    a question may wait for something to expire.
    """

    cost: bool = False
    set_events: bool = False
    procedure: str = ""
    wait: float = 60.0
