"""The console blocks of a page: what it says to type, and what it says is printed.

Ids, times and numbers may differ from what the page shows; `…` stands for any text, and on a line of its
own for any lines. Where nothing is shown, anything may be printed.
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
        """Whether the page shows that it ends with a fault."""
        return any(line.startswith("make: *** ") for line in self.lines)

    def agrees(self, printed: str) -> bool:
        """Whether what was printed is what is shown."""
        if not self.lines:
            return True
        return re.fullmatch("".join(map(_pattern, self.lines)), plain(printed)) is not None


def plain(printed: str) -> str:
    """Take off what moves the cursor and the blanks at the ends; each line is ended."""
    lines = _CONTROL.sub("", printed).strip().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def shown_on(page: str) -> list[list[Shown]]:
    """Read every console block, each as its commands in order."""
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
    """Match a text with other ids, times and numbers, and with other gaps between columns."""
    if not text:
        return ""
    for pattern, others in _VARIES:
        if found := pattern.search(text):
            before, after = text[: found.start()], text[found.end() :]
            return _varying(before) + others.replace("\\\\", "\\") + _varying(after)
    return re.escape(text)
