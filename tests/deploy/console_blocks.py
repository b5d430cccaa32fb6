"""The console blocks of a page: the commands to type, and the output that is shown.

Ids, times and numbers may differ from what the page shows; `…` stands for any text, and on a line of its own
for any lines. Where no output is shown, any is accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\[NaN[A-Z]|\r")
_ANY_LINES, _ANY_TEXT = r"(?:[^\n]*\n)*?", r"[^\n]*"
_VARIES = (
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b"), r"[0-9A-HJKMNP-TV-Z]{26}"),
    (re.compile(r"\bevt_[0-9a-f]{32}\b"), r"evt_[0-9a-f]{32}"),
    (re.compile(r"\d+(?:\.\d+)?"), r"\\d+(?:\\.\\d+)?"),
    (re.compile(r" {2,}"), r" +"),
)


@dataclass(frozen=True)
class Shown:
    """One command of a page, and the lines that the page shows below it."""

    command: str
    lines: tuple[str, ...]

    @property
    def fails(self) -> bool:
        """True if the page shows that the command fails."""
        return any(line.startswith("make: *** ") for line in self.lines)

    def agrees(self, printed: str) -> bool:
        """Return whether the output is what the page shows."""
        if not self.lines:
            return True
        return re.fullmatch("".join(map(_pattern, self.lines)), plain(printed)) is not None


def plain(printed: str) -> str:
    """Remove control sequences and trailing blanks; each line is terminated."""
    lines = _CONTROL.sub("", printed).strip().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def shown_on(page: str) -> list[list[Shown]]:
    """Return every console block of a page, each as its commands in order."""
    return [list(_commands(block)) for block in _BLOCK.findall(page)]


def _commands(block: str) -> Iterator[Shown]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *lines = part.rstrip().split("\n")
        yield Shown(command, tuple(lines))


def _pattern(line: str) -> str:
    if line.strip() == "…":
        return _ANY_LINES
    return _ANY_TEXT.join(map(_varying, line.split("…"))) + "\n"


def _varying(text: str) -> str:
    """Return a pattern for a text with other ids, times and numbers, and other gaps between columns."""
    if not text:
        return ""
    for pattern, others in _VARIES:
        if found := pattern.search(text):
            before, after = text[: found.start()], text[found.end() :]
            return _varying(before) + others.replace("\\\\", "\\") + _varying(after)
    return re.escape(text)
