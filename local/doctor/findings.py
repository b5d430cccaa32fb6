"""Findings: what a check saw, how serious it is, and what to do about it.

No text of a finding may hold a secret or the store's address. `local.doctor.report` formats them.
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
    """How serious a finding is; `skipped`: the check did not run, and the detail says why."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `advice` is empty where there is nothing to do."""

    check: str
    level: Level
    detail: str
    advice: str = ""


@dataclass(frozen=True)
class Check:
    """One check; `run` yields at least one finding."""

    name: str
    run: Callable[[], Iterable[Finding]]


@dataclass(frozen=True)
class Group:
    """Checks that run one after the other, because they use the same service."""

    name: str
    checks: tuple[Check, ...]


def joined(name: str, *groups: Group) -> Group:
    """Return one group of several, whose checks do not run at the same time."""
    return Group(name, tuple(check for group in groups for check in group.checks))


class CheckSkippedError(Exception):
    """A check cannot run; the message says why, and another check reports the cause."""


def ok(check: str, detail: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(check, Level.OK, detail)


def warning(check: str, detail: str, advice: str) -> Finding:
    """Return a finding about something that works and may fail later."""
    return Finding(check, Level.WARNING, detail, advice)


def fault(check: str, detail: str, advice: str) -> Finding:
    """Return a finding about something that fails or loses data."""
    return Finding(check, Level.FAULT, detail, advice)


def skipped(check: str, reason: str) -> Finding:
    """Return a finding that a check did not run."""
    return Finding(check, Level.SKIPPED, reason)


def needed(kind: type[_Settings], environment: Mapping[str, str]) -> _Settings:
    """Load the settings that one check needs, whatever else is invalid.

    Raises:
        CheckSkippedError: they are missing or invalid.

    """
    try:
        return load_settings(kind, environment)
    except ConfigurationError as error:
        names = sorted(variables_of(kind) & _words(error.detail))
        raise CheckSkippedError(f"{', '.join(names)} must be mended first") from None


def _words(sentence: str) -> set[str]:
    return set(sentence.replace(":", " ").replace(",", " ").replace(".", " ").split())
