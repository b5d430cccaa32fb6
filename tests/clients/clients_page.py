"""The blocks and tables of docs/clients.md, by the section that they are in."""

from __future__ import annotations

import re
from typing import NamedTuple

from local.repository import REPOSITORY

PAGE = (REPOSITORY / "docs" / "clients.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block."""

    section: str
    language: str
    text: str


def blocks() -> list[Block]:
    """Return every block, in the order of the page."""
    return [
        Block(title, language, text)
        for title, content in sections().items()
        for language, text in _BLOCK.findall(content)
    ]


def block(section: str, language: str) -> str:
    """Return the one block of a section in a language."""
    [found] = [it.text for it in blocks() if (it.section, it.language) == (section, language)]
    return found


def rows(section: str) -> list[list[str]]:
    """Return the cells of every table row of a section, without the titles."""
    lines = [line for line in sections()[section].splitlines() if line.startswith("| ")]
    cells = [re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |")) for line in lines]
    return [[cell.replace("\\|", "|") for cell in row] for row in cells[1:]]


def sections() -> dict[str, str]:
    """Return the text below each heading of the second level."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))
