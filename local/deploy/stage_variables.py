"""The values that the Serverless CLI would put into `serverless.yml`, read from where it reads them.

A stage's own file takes precedence over the common one, and the environment over both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.package.contents import PackageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LINE = re.compile(r"\s*([\w.-]+)\s*=\s*(.*?)\s*")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")


def stage_file(folder: Path, stage: str) -> Path | None:
    """Return the file that the CLI reads for a stage: one of this folder or the two above it."""
    folders = (folder, *folder.resolve().parents[:2])
    candidates = (place / name for place in folders for name in (f".env.{stage}", ".env"))
    return next((path for path in candidates if path.is_file()), None)


def stage_variables(folder: Path, stage: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return every variable that the CLI has for a stage.

    Raises:
        PackageError: its file cannot be read.

    """
    file = stage_file(folder, stage)
    kept = {} if file is None else parse_env_file(text_of(file))
    return {**kept, **environment}


def text_of(file: Path) -> str:
    """Return the text of a settings file; a byte order mark, which dotenv skips as a blank, is no part of it.

    Raises:
        PackageError: it cannot be read.

    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PackageError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise PackageError(f"{file} is not UTF-8.") from None


def parse_env_file(text: str) -> dict[str, str]:
    """Parse NAME=VALUE lines as dotenv 8 does: the last of a name wins, and no value has a comment."""
    return dict(parsed_lines(text))


def parsed_lines(text: str) -> list[tuple[str, str]]:
    """Return the name and the value of each NAME=VALUE line, as dotenv 8 reads them."""
    lines = map(_LINE.fullmatch, lines_of(text))
    return [(line[1], unquoted(line[2])) for line in lines if line is not None]


def unread_lines(text: str) -> list[int]:
    """Return the numbers of the lines that are no NAME=VALUE, blank or a comment: dotenv skips them."""
    return [
        number
        for number, line in enumerate(lines_of(text), start=1)
        if line.strip() and not line.lstrip().startswith("#") and not _LINE.fullmatch(line)
    ]


def lines_of(text: str) -> list[str]:
    """Split a settings file into its lines."""
    return _LINE_ENDS.split(text)


def unquoted(value: str) -> str:
    """Return a value without its quotes; double ones may hold line breaks as backslash and n."""
    quotes = {value[:1], value[-1:]} if len(value) > 1 else set()
    if quotes == {'"'}:
        return value[1:-1].replace("\\n", "\n")
    return value[1:-1] if quotes == {"'"} else value
