"""The repository's path, and what its pyproject.toml says of the project.

Every other path of `local/` is derived from `REPOSITORY`.
"""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def project_field(name: str) -> str:
    """Read one text of the table `[project]`, such as `version`.

    Raises:
        KeyError: the table has no such text.

    """
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    table = text.partition("[project]\n")[2].partition("\n[")[0]
    if field := re.search(rf'^{name} = "(.+)"$', table, re.MULTILINE):
        return field[1]
    raise KeyError(name)
