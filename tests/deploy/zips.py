"""Read a package's zip."""

from __future__ import annotations

import functools
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.package.build import Package


@functools.cache
def files_in(package: Package) -> Mapping[str, bytes]:
    """Return the content of each file of a package's zip, by name; a zip is read once."""
    with zipfile.ZipFile(package.archive) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}
