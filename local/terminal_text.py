"""Format the output of commands: columns, and texts that cannot disturb a terminal."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NO_TITLES: Mapping[str, str] = MappingProxyType({})


def table_of(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, titles: Mapping[str, str] = _NO_TITLES
) -> str:
    """Format rows in columns, each under its title or else its name; None is a dash."""
    cells = [[titles.get(name, name) for name in columns]]
    cells += [[printable("-" if row[name] is None else str(row[name])) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)
    return "".join(f"{line}\n" for line in lines)


def printable(text: str) -> str:
    """Escape every character that could move the cursor, change the text direction or fail to encode."""
    return "".join(c if c.isascii() and c.isprintable() else ascii(c)[1:-1] for c in text)
