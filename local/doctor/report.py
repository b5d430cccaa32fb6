"""Format the findings of one examination for people and for programs, with the same content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.doctor.findings import Level
from local.terminal_text import printable, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.doctor.findings import Finding

_WIDTH = 110
_COUNTED = {Level.FAULT: "fault", Level.WARNING: "warning", Level.SKIPPED: "not looked at"}


@dataclass(frozen=True)
class Report:
    """Findings by the name of their group, in display order."""

    findings: Mapping[str, Sequence[Finding]]

    @property
    def healthy(self) -> bool:
        """True if there is no fault; warnings and skipped checks do not count."""
        return self.count(Level.FAULT) == 0

    def count(self, level: Level) -> int:
        """Return how many findings are of this level."""
        return sum(finding.level is level for group in self.findings.values() for finding in group)

    def document(self) -> dict[str, object]:
        """Return the findings as a JSON document."""
        return {
            "healthy": self.healthy,
            "counts": {level.value: self.count(level) for level in Level},
            "checks": [
                {
                    "group": name,
                    "check": finding.check,
                    "level": finding.level.value,
                    "detail": finding.detail,
                    "advice": finding.advice or None,
                }
                for name, group in self.findings.items()
                for finding in group
            ],
        }

    def text(self) -> str:
        """Return the findings as text, with the advice below each."""
        lines = []
        for name, group in self.findings.items():
            lines += [name, *(line for finding in group for line in _lines(finding)), ""]
        told = [_counted(self.count(level), word) for level, word in _COUNTED.items() if self.count(level)]
        return "\n".join([*lines, (", ".join(told) or "all ok") + ".", ""])


def _lines(finding: Finding) -> list[str]:
    lines = _wrapped(f"{finding.check}: {finding.detail}", first=f"  {finding.level.value:<9}")
    return lines + (_wrapped(finding.advice, first=" " * 11 + "-> ") if finding.advice else [])


def _wrapped(text: str, *, first: str) -> list[str]:
    return wrapped(printable(text), first=first, most=_WIDTH)


def _counted(count: int, word: str) -> str:
    plural = "s" if count > 1 and word != _COUNTED[Level.SKIPPED] else ""
    return f"{count} {word}{plural}"
