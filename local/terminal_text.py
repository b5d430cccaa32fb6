"""Format the output of commands: tables that fit the terminal, and texts that cannot disturb it.

Widths are columns of a terminal, of which a Korean or Chinese character takes two. Where standard output is
no terminal, nothing is fitted to one.
"""

from __future__ import annotations

import shutil
import sys
import unicodedata
from itertools import accumulate
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_NO_TITLES: Mapping[str, str] = MappingProxyType({})
_GAP = "  "
_NARROWEST = 8
"""A column is not shortened further."""
_RIGHT_TO_LEFT_OR_COMBINING = frozenset({"R", "AL", "AN", "NSM"})


def terminal_columns() -> int | None:
    """Return the width of the terminal, which COLUMNS overrides; None where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table_of(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    *,
    titles: Mapping[str, str] = _NO_TITLES,
    shorten: Sequence[str] = (),
) -> str:
    """Format rows in columns, each under its title or else its name; None is a dash.

    In a narrow terminal the widest of the columns `shorten` ends with an ellipsis. Where that is not enough,
    each row is a block of lines, one for each value.
    """
    named = [titles.get(name, name) for name in columns]
    cells = [named, *([_cell(row[name]) for name in columns] for row in rows)]
    whole = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
    widths = _narrowed(whole, [columns.index(name) for name in shorten])
    if widths is None:
        longest = max(map(width_of, named))
        blocks = (zip(named, map(row.get, columns), strict=True) for row in rows)
        return "\n".join(sheet_of(block, width=longest) for block in blocks)
    lines = (_GAP.join(map(_padded, line, widths)).rstrip() for line in cells)
    return "".join(f"{line}\n" for line in lines)


def sheet_of(values: Iterable[tuple[str, object]], *, width: int = 0) -> str:
    """Format each value on a line after its name, and go on below it where the line ends; None is left out.

    Names take `width` columns or more.
    """
    shown = [(printable(name), printable(str(value))) for name, value in values if value is not None]
    width = max([width, *(width_of(name) for name, _ in shown)])
    lines = (line for name, text in shown for line in wrapped(text, first=f"{_padded(name, width)}{_GAP}"))
    return "".join(f"{line.rstrip()}\n" for line in lines)


def wrapped(text: str, *, first: str = "", most: int | None = None) -> list[str]:
    """Break a text between words into lines of the terminal's width, and of `most` columns at most.

    The first line begins with `first`, and the others are indented as far. A word that is wider than a line
    stays whole, so that it can be copied.
    """
    limit = min((columns for columns in (terminal_columns(), most) if columns is not None), default=None)
    if limit is None:
        return [first + text]
    lines: list[str] = []
    word, *words = text.split(" ")
    line = first + word
    for word in words:
        if width_of(line) + 1 + width_of(word) > limit:
            lines.append(line)
            line = " " * width_of(first) + word
        else:
            line += f" {word}"
    return [*lines, line]


def fitted_markdown(text: str) -> str:
    """Shorten the first cell of each row of a table in Markdown that is wider than the terminal."""
    limit = terminal_columns()
    if limit is None:
        return text
    return "".join(_fitted_row(row, limit) for row in text.splitlines(keepends=True))


def shortened(text: str, columns: int | None) -> str:
    """Return the text with an ellipsis instead of its end if it is wider than that; None: as it is."""
    if columns is None or width_of(text) <= columns:
        return text
    mark = printable("…")
    fit = sum(end <= columns - len(mark) for end in accumulate(map(width_of, text)))
    return text[:fit] + mark


def width_of(text: str) -> int:
    """Return how many columns a printable text takes."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def printable(text: str) -> str:
    """Escape every character that could move the cursor, change the text direction or fail to encode."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    encodable = text.encode(encoding, "backslashreplace").decode(encoding)
    return "".join(c if _is_harmless(c) else ascii(c)[1:-1] for c in encodable)


def _is_harmless(character: str) -> bool:
    return character.isprintable() and unicodedata.bidirectional(character) not in _RIGHT_TO_LEFT_OR_COMBINING


def _cell(value: object) -> str:
    return "-" if value is None else printable(str(value))


def _narrowed(widths: Sequence[int], shorten: Sequence[int]) -> list[int] | None:
    """Narrow the widest of the columns until a line fits the terminal; None if they are too many."""
    limit, narrowed = terminal_columns(), [*widths]
    while limit is not None and sum(narrowed) + len(_GAP) * (len(narrowed) - 1) > limit:
        widest = max(shorten, key=narrowed.__getitem__, default=None)
        if widest is None or narrowed[widest] <= _NARROWEST:
            return None
        narrowed[widest] -= 1
    return narrowed


def _padded(text: str, width: int) -> str:
    text = shortened(text, width)
    return text + " " * (width - width_of(text))


def _fitted_row(row: str, limit: int) -> str:
    first, bar, rest = row.partition(" | ")
    room = limit - width_of((bar + rest).removesuffix("\n"))
    return shortened(first, max(room, _NARROWEST)) + bar + rest if bar else row
