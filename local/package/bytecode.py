"""Compare the built packages with the runtime: each Python reads its own bytecode alone.

`local.deploy.outcome` compares the runtime with `serverless.yml`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.package.build import BUILD, package_at
from local.package.contents import BOOTSTRAP, LIBRARIES
from local.package.runtime import IS_CUSTOM, OPTION_PREFIX, SCF_NAME, TAG, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION_TAG = re.compile(r"\.cpython-3(\d+)[.-]")
"""The version in the name of a bytecode file (PEP 3147) and of an extension module (PEP 3149)."""
_HEADER_BYTES = 4
"""The magic number of a bytecode file, which each minor version of Python changes."""


def bytecode_faults(build: Path = BUILD) -> list[str]:
    """Return a sentence for each package that the runtime cannot import; a missing one has none."""
    folders = {function: package_at(build, function).folder for function in LIBRARIES}
    return [
        fault for function, folder in folders.items() if folder.is_dir() for fault in _of(function, folder)
    ]


def _of(function: str, folder: Path) -> Iterator[str]:
    again = f"run make package {OPTION_PREFIX}{VERSION}."
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    others = sorted({f"3.{found[1]}" for name in names if (found := VERSION_TAG.search(name))} - {VERSION})
    if others:
        yield f"{function}: its package is for Python {others[0]}, and {SCF_NAME} runs {VERSION}: {again}"
        return
    bytecode = {name: _magic(folder / name) for name in names if name.endswith(".pyc")}
    ours = {magic for name, magic in bytecode.items() if f".cpython-{TAG}." in name}
    if foreign := sorted(name for name, magic in bytecode.items() if magic not in ours):
        yield f"{function}: {foreign[0]} in its package is bytecode of another Python than {VERSION}: {again}"
    if (BOOTSTRAP in names) != IS_CUSTOM:
        what = "lacks" if IS_CUSTOM else "has"
        yield f"{function}: its package {what} the bootstrap of CustomRuntime, and is for {SCF_NAME}: {again}"


def _magic(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_HEADER_BYTES)
