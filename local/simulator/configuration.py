"""The settings that can be changed while the simulator runs, and that survive its restart."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from local.simulator.database import Database
    from local.simulator.settings import Mode, SimulatorSettings

_SIGN_KEY = re.compile(r"[A-Za-z0-9]{0,32}")
_HOST = re.compile(r"(?:[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8})?")
_LONGEST_URL = 1024
_LONGEST_CREDENTIAL = 7200
_LONGEST_SESSION = 7 * 86_400
_LONGEST_STEP = 3600


@dataclass(frozen=True)
class Configuration:
    """The current value of everything that can be changed; durations in seconds."""

    mode: Mode
    callback_url: str
    sign_key: str
    upload_complete_event: bool
    delete_complete_event: bool
    persistence_complete_event: bool
    credential_seconds: int
    session_seconds: int
    task_flow_step_seconds: float
    empty_event_set: Literal["empty", "null", "error"]
    storage_upload_domain: str
    mini_program_accelerate_host: str


class ConfigurationStore:
    """The configuration: the initial settings, overlaid with later changes."""

    def __init__(self, database: Database, settings: SimulatorSettings) -> None:
        self._database = database
        base = Configuration(
            mode=settings.mode,
            callback_url=settings.callback_url or "",
            sign_key=settings.sign_key or "",
            upload_complete_event=settings.upload_complete_event,
            delete_complete_event=False,
            persistence_complete_event=False,
            credential_seconds=settings.credential_seconds,
            session_seconds=settings.session_seconds,
            task_flow_step_seconds=settings.task_flow_step_seconds,
            empty_event_set=settings.empty_event_set,
            storage_upload_domain="",
            mini_program_accelerate_host="",
        )
        changed = {
            row["name"]: json.loads(row["value"]) for row in database.rows("SELECT * FROM configuration")
        }
        self._present = replace(base, **changed)

    @property
    def present(self) -> Configuration:
        """The current configuration."""
        return self._present

    def change(self, changes: dict[str, object]) -> Configuration:
        """Apply changes by field name, all or none, and store them.

        Raises:
            ValueError: a field does not exist or a value is not acceptable; the message names it.

        """
        for name, value in changes.items():
            reason = _objection(name, value)
            if reason is not None:
                raise ValueError(f"{name}: {reason}")
        # The checks above are exactly the types that the fields declare.
        present = replace(self._present, **cast("dict[str, Any]", changes))
        with self._database.transaction():
            for name, value in changes.items():
                self._database.change(
                    "INSERT OR REPLACE INTO configuration (name, value) VALUES (?, ?)",
                    name,
                    json.dumps(value),
                )
        self._present = present
        return present

    def as_json(self) -> dict[str, object]:
        """Return every field by its name."""
        return asdict(self._present)


def _objection(name: str, value: object) -> str | None:
    if name not in {field.name for field in fields(Configuration)}:
        return "there is no such setting"
    if name in _CHOICES:
        return None if value in _CHOICES[name] else "one of " + ", ".join(_CHOICES[name])
    if name in _RANGES:
        low, high, kinds = _RANGES[name]
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        return None if is_number and low <= cast("float", value) <= high else f"a number from {low} to {high}"
    if name == "callback_url":
        return _url_objection(value)
    if name in _TEXTS:
        pattern, words = _TEXTS[name]
        return None if isinstance(value, str) and pattern.fullmatch(value) else words
    return None if isinstance(value, bool) else "true or false"


def _url_objection(value: object) -> str | None:
    if value == "":
        return None
    fits = isinstance(value, str) and len(value) <= _LONGEST_URL and value.startswith(("http://", "https://"))
    return None if fits else "an http or https URL, or nothing"


_TEXTS = {
    "sign_key": (_SIGN_KEY, "at most 32 letters and digits"),
    "storage_upload_domain": (_HOST, "a host name in lower case, or nothing"),
    "mini_program_accelerate_host": (_HOST, "a host name in lower case, or nothing"),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "mode": ("PUSH", "PULL"),
    "empty_event_set": ("empty", "null", "error"),
}
_RANGES: dict[str, tuple[float, float, tuple[type, ...]]] = {
    "credential_seconds": (1, _LONGEST_CREDENTIAL, (int,)),
    "session_seconds": (1, _LONGEST_SESSION, (int,)),
    "task_flow_step_seconds": (0, _LONGEST_STEP, (int, float)),
}
