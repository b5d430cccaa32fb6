"""Read a package's zip."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.package.build import Package


def files_in(package: Package) -> dict[str, bytes]:
    """Return the content of each file of a package's zip, by name."""
    with zipfile.ZipFile(package.archive) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}
