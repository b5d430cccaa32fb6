"""Checks of the built packages: there, of this code, and with nothing that must not be deployed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.package.build import BUILD, files_of, own_files, package_at
from local.package.bytecode import bytecode_faults
from local.package.contents import LIBRARIES, OWN_SUFFIXES, folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Packaged:
    """What the packages hold, as `serverless.yml` names it."""

    modules: Mapping[str, frozenset[str]]
    """Package's folder, such as `./upload-status`, -> the modules at its root."""
    files: tuple[str, ...]
    """The name of every file that would be uploaded, relative to the folder of the packages."""


def packaged(build: Path = BUILD) -> Packaged:
    """Read the names of what was built; nothing if nothing was."""
    root = build / "functions"
    files = sorted(
        f"{folder}/{name}".removeprefix(f"{root}/") for folder, _, names in os.walk(root) for name in names
    )
    modules: dict[str, set[str]] = {}
    for name in files:
        folder, _, file = name.partition("/")
        modules.setdefault(f"./{folder}", set()).update(
            {file.removesuffix(".py")} if file.endswith(".py") else ()
        )
    return Packaged({folder: frozenset(found) for folder, found in modules.items()}, tuple(files))


def package_faults(build: Path = BUILD) -> list[str]:
    """Return the faults of the packages: missing, stale, of another Python, or with a file to keep here."""
    return [*_of_packages(build), *bytecode_faults(build)]


def _of_packages(build: Path) -> Iterator[str]:
    ours = own_files()
    for function in LIBRARIES:
        folder = package_at(build, function).folder
        if not folder.is_dir():
            yield f"{function} has no package: run make package."
            continue
        wanted = files_of(function, ours)
        found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        sources = {name: path.read_bytes() for name, path in found.items() if name.endswith(OWN_SUFFIXES)}
        if sources != wanted:
            yield f"{function}: its package is older than the code: run make package."
        if not any(name.endswith(".pyc") for name in found):
            yield f"{function}: no bytecode is in its package, and SCF writes none: run make package."
        secret = sorted(name for name in found if name.rpartition("/")[2].startswith(".env"))
        if secret:
            yield f"{function}: {secret[0]} is in its package, and would be uploaded: run make package."
        # The deploying component takes a folder's name for that folder wherever it stands in a path.
        others = [folder_of(other) for other in LIBRARIES if other != function]
        if caught := sorted(name for name in (*found, folder.name) for other in others if other in name):
            yield f"{function}: {caught[0]} in its package would go to another function as well: rename it."
