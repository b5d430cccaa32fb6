"""What a check has to say: how it stands, what was seen, and what to do about it.

No text here may hold a secret or the store's address; how findings are printed is left to
`local.doctor.report`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from shared.config.settings import SettingsGroup, load_settings, variables_of
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_Settings = TypeVar("_Settings", bound=SettingsGroup)


class Level(str, Enum):
    """How a thing stands; `skipped`: it was not looked at, and the detail says why."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `advice` is what to do, "" where there is nothing to be done."""

    check: str
    level: Level
    detail: str
    advice: str = ""


@dataclass(frozen=True)
class Check:
    """One thing to look at: `look` gives what it found, one finding at least."""

    name: str
    look: Callable[[], Iterable[Finding]]


@dataclass(frozen=True)
class Group:
    """Checks that are made one after the other, because they ask the same service."""

    name: str
    checks: tuple[Check, ...]


class NotLookedAtError(Exception):
    """A check cannot be made; the message says why, and another check's finding what is wrong."""


def ok(check: str, detail: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, detail)


def warning(check: str, detail: str, advice: str) -> Finding:
    """Say that it works, and will not always."""
    return Finding(check, Level.WARNING, detail, advice)


def fault(check: str, detail: str, advice: str) -> Finding:
    """Say that it does not work, or loses something."""
    return Finding(check, Level.FAULT, detail, advice)


def skipped(check: str, reason: str) -> Finding:
    """Say why this was not looked at."""
    return Finding(check, Level.SKIPPED, reason)


def needed(kind: type[_Settings], environment: Mapping[str, str]) -> _Settings:
    """Read the settings that one check needs, whatever else is wrong.

    Raises:
        NotLookedAtError: they are missing or invalid.

    """
    try:
        return load_settings(kind, environment)
    except ConfigurationError as error:
        names = sorted(variables_of(kind) & _words(error.detail))
        raise NotLookedAtError(f"{', '.join(names)} must be mended first") from None


def _words(sentence: str) -> set[str]:
    return set(sentence.replace(":", " ").replace(",", " ").replace(".", " ").split())
