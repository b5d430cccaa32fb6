"""The values that the Serverless CLI would put into `serverless.yml`, read from where it reads them.

A stage's own file takes precedence over the common one, and the environment over both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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
    """Return every variable that the CLI has for a stage."""
    file = stage_file(folder, stage)
    kept = {} if file is None else parse_env_file(file.read_text(encoding="utf-8"))
    return {**kept, **environment}


def parse_env_file(text: str) -> dict[str, str]:
    """Parse NAME=VALUE lines as dotenv 8 does: the last of a name wins, and no value has a comment."""
    return dict(parsed_lines(text))


def parsed_lines(text: str) -> list[tuple[str, str]]:
    """Return the name and the value of each NAME=VALUE line, as dotenv 8 reads them."""
    lines = (_LINE.fullmatch(line) for line in _LINE_ENDS.split(text))
    return [(line[1], _unquoted(line[2])) for line in lines if line is not None]


def _unquoted(value: str) -> str:
    quotes = {value[:1], value[-1:]} if len(value) > 1 else set()
    if quotes == {'"'}:
        return value[1:-1].replace("\\n", "\n")
    return value[1:-1] if quotes == {"'"} else value
