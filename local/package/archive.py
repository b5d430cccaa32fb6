"""Write files to disk and into a zip reproducibly: sorted, with one date, and a mode by their name."""

from __future__ import annotations

import os
import shutil
import zipfile
from typing import TYPE_CHECKING

from local.package.contents import BOOTSTRAP

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip can hold."""
_DATE_SECONDS = 315_532_800
_FILE_MODE, _PROGRAM_MODE = 0o100644, 0o100755


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replace the content of `folder` by `files`, given by their relative names."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in sorted(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(_mode_of(name) & 0o777)
        os.utime(path, (_DATE_SECONDS, _DATE_SECONDS))


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write `files`, given by their names, into a zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3  # Unix, so that the mode counts, wherever this runs
            entry.external_attr = _mode_of(name) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read all files in `folder`: content by relative name, with slashes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _mode_of(name: str) -> int:
    return _PROGRAM_MODE if name == BOOTSTRAP else _FILE_MODE
