"""A package as it is in its zip."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.package.build import Package


def files_in(package: Package) -> dict[str, bytes]:
    """Read a zip."""
    with zipfile.ZipFile(package.archive) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}
