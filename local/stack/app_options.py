"""The options of `python -m local serve` for an app of one's own, and the environment's settings.

Of the settings in the environment, the stack takes what an app decides: policies, limits, how its users log
in. It ignores those that would lead out of this machine, or that are credentials of a real deployment.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from local.stack.demo_settings import LocalAddresses, demo_environment, with_receiver
from local.webhook_forwarding import check_address
from shared.config import settings
from shared.config.settings import (
    WRONG,
    EventDeliverySettings,
    EventNotificationSettings,
    ReliableNotificationSettings,
    UploadSignatureSettings,
    UploadStatusSettings,
    load_settings,
)
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

_OF_SCF = ("SCF_FUNCTIONNAME", "TENCENTCLOUD_RUNENV", "INVOKE_API_URL")
_OF_THE_ROLE = ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")
_OF_VOD = ("VOD_API_URL", "VOD_CALLBACK_SIGN_KEY", "VOD_SECRET_ID", "VOD_SECRET_KEY")
IGNORED: Mapping[str, str] = {
    "APP_WEBHOOK_ALLOW_INSECURE": "the stack's own receiver is on this machine",
    "APP_WEBHOOK_URL": "events stay here: --forward-to names your app",
    "APP_WEBHOOKS": "events stay here: --endpoints names the back ends of your app",
    "STAGE": "the stack's records are apart from those of a deployment",
    **dict.fromkeys(("CALLBACK_TOKENS", "CONTEXT_KEYS"), "the stack has its own"),
    **dict.fromkeys(_OF_SCF, "the stack is not SCF"),
    **dict.fromkeys((*_OF_THE_ROLE, *_OF_VOD), "VOD is simulated, with keys of its own"),
}
"""Setting -> why the stack does not take it from the environment."""
_KEY_SOURCES = ("JWT_SECRETS", "JWT_PUBLIC_KEY", "JWT_JWKS_URL", "JWT_ISSUERS")
_KINDS = (
    *(UploadSignatureSettings, UploadStatusSettings, EventNotificationSettings),
    *(ReliableNotificationSettings, EventDeliverySettings),
)
_OF_THE_STORE = "REDIS_URL"
_NOWHERE = LocalAddresses("http://127.0.0.1:1", "https://localhost:1", "redis://127.0.0.1:1")


@dataclass(frozen=True)
class OwnApp:
    """What the functions get in place of the demo's own, and where events are forwarded to, if anywhere.

    `taken` and `ignored` name settings of the environment.
    """

    overrides: Mapping[str, str] = field(default_factory=dict, repr=False)
    forward_to: str | None = None
    taken: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def add_app_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--forward-to", metavar="URL", help="your back end: it gets each event, and its answer counts"
    )
    parser.add_argument(
        "--endpoints",
        type=Path,
        metavar="FILE",
        help="APP_WEBHOOKS, as a JSON file: several back ends, each with a filter",
    )
    parser.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="URL",
        help="an origin whose pages may call, such as http://localhost:5173; may be given again",
    )
    parser.add_argument("--policies", type=Path, metavar="FILE", help="UPLOAD_POLICIES, as a JSON file")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--jwt-secret", metavar="SECRET", help="your login's key (HS256); JWT_SECRETS hides it from ps"
    )
    keys.add_argument("--jwks", metavar="URL", help="your login's key set, in place of a secret")


def own_app(arguments: argparse.Namespace, environment: Mapping[str, str]) -> OwnApp:
    """Combine the options with the environment; an option wins.

    Raises:
        ValueError: a file cannot be read, an address is none, a setting is invalid, or the settings do not go
            together; the message is a sentence.

    """
    names = _setting_names()
    given = {name for name in names if environment.get(name)} - {_OF_THE_STORE}
    taken = sorted(given - IGNORED.keys())
    overrides = {name: environment[name] for name in taken}
    if arguments.jwt_secret or arguments.jwks:
        overrides = {name: value for name, value in overrides.items() if name not in _KEY_SOURCES}
        overrides |= {"JWT_SECRETS": arguments.jwt_secret} if arguments.jwt_secret else {}
        overrides |= {"JWT_JWKS_URL": arguments.jwks} if arguments.jwks else {}
    if any(name in overrides for name in _KEY_SOURCES):
        # The demo's secret and audience are those of its own tokens.
        overrides = {"JWT_SECRETS": "", "JWT_AUDIENCE": "", **overrides}
    if arguments.origin:
        overrides["CORS_ORIGINS"] = ",".join(origin.rstrip("/") for origin in arguments.origin)
    if arguments.policies:
        overrides["UPLOAD_POLICIES"] = _json_in(arguments.policies)
    if arguments.endpoints:
        overrides["APP_WEBHOOKS"] = _json_in(arguments.endpoints)
    if arguments.forward_to:
        check_address(arguments.forward_to)
    store = {_OF_THE_STORE: environment[_OF_THE_STORE]} if environment.get(_OF_THE_STORE) else {}
    _check({**overrides, **store})
    return OwnApp(overrides, arguments.forward_to, tuple(taken), tuple(sorted(given & IGNORED.keys())))


def settings_lines(app: OwnApp) -> str:
    """Return what a banner says of the environment's settings; no value is shown."""
    taken = f"  Settings of your environment: {', '.join(app.taken)}.\n" if app.taken else ""
    ignored = "".join(f"  Ignored: {name}, because {IGNORED[name]}.\n" for name in app.ignored)
    return taken + ignored


def _setting_names() -> frozenset[str]:
    kinds = [kind for kind in vars(settings).values() if isinstance(kind, type)]
    groups = [kind for kind in kinds if issubclass(kind, settings.SettingsGroup)]
    return frozenset(name for group in groups for name in settings.variables_of(group))


def _json_in(file: Path) -> str:
    try:
        return json.dumps(json.loads(file.read_text("utf-8")), separators=(",", ":"))
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{file} is not JSON.") from None


def _check(overrides: Mapping[str, str]) -> None:
    """Load the settings as the functions will, and report the faults of all of them at once."""
    with tempfile.TemporaryDirectory() as folder:
        environment = with_receiver({**demo_environment(Path(folder), _NOWHERE), **overrides})
    found: dict[str, None] = {}
    for kind in _KINDS:
        try:
            load_settings(kind, environment)
        except ConfigurationError as error:  # noqa: PERF203  # five kinds
            found |= dict.fromkeys(error.found)
    if found:
        raise ValueError(f"{WRONG}{'; '.join(found)}.")
