"""The note that a build leaves beside its packages, so that the same packages are not built twice."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from local.package.archive import read_folder
from local.package.build import own_files
from local.package.runtime import OPTION_PREFIX, VERSION
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "last-build.json"
_MADE = ("functions", "zips")
_READ = ("requirements.txt", "pyproject.toml", "LICENSE")


def note_build(target: Path, table: str) -> None:
    """Note what the packages below `target` were made of and hold; `table` is what is printed about them."""
    noted = {"from": _digest(sources()), "holds": _digest(_made(target)), "table": table}
    (target / FILE).write_text(json.dumps(noted), encoding="utf-8")


def noted_table(target: Path) -> str | None:
    """Return the noted table; None if a build would read other files now, or the packages were changed."""
    try:
        noted = json.loads((target / FILE).read_text(encoding="utf-8"))
        now = {"from": _digest(sources()), "holds": _digest(_made(target)), "table": str(noted["table"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return now["table"] if noted == now else None


def sources() -> dict[str, bytes]:
    """Read all that decides what a build makes; the lock has the digests of the libraries."""
    builder = read_folder(REPOSITORY / "local" / "package")
    read = {name: (REPOSITORY / name).read_bytes() for name in _READ}
    ours = {f"ours/{name}": content for name, content in own_files().items()}
    kept = {name: content for name, content in builder.items() if not name.endswith(".pyc")}
    return {**ours, **kept, **read, "RUNTIME": f"{OPTION_PREFIX}{VERSION}".encode()}


def _made(target: Path) -> dict[str, bytes]:
    return {f"{made}/{name}": it for made in _MADE for name, it in read_folder(target / made).items()}


def _digest(files: Mapping[str, bytes]) -> str:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
