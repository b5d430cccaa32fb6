"""Licence texts of a package: our own, and at least one for each library in it.

Most wheels bring their texts (`local.package.contents` places them). Those that a wheel lacks are kept in
`licences/`, one folder for each distribution; `licences/README.md` names the source of each.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from local.package.contents import PackageError
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable

OWN_LICENCE = "LICENSE"
"""Its place in the repository and in each package."""
KEPT_TEXTS = Path(__file__).parent / "licences"
_TEXT = re.compile(r"(LICEN[CS]E|COPYING)(\.(APACHE|BSD|md|rst|txt))?")
"""A library's own text; `LICENSE.libffi` would be that of a part compiled into it."""


def own_licence() -> dict[str, bytes]:
    """Read this repository's licence, by its place in a package."""
    return {OWN_LICENCE: (REPOSITORY / OWN_LICENCE).read_bytes()}


def kept_texts(distribution: str) -> dict[str, bytes]:
    """Read the texts that the wheel of `distribution` lacks, by their place in a package."""
    folder = KEPT_TEXTS / distribution
    return {f"licenses/{distribution}/{path.name}": path.read_bytes() for path in sorted(folder.glob("*"))}


def require_text(distribution: str, places: Iterable[str]) -> None:
    """Check that a library's own licence text is among the places of its files in a package.

    Raises:
        PackageError: it is not.

    """
    folder = f"licenses/{distribution}/"
    if not any(place.startswith(folder) and _TEXT.fullmatch(place[len(folder) :]) for place in places):
        kept = (KEPT_TEXTS / distribution).relative_to(REPOSITORY)
        raise PackageError(
            f"The wheel of {distribution} brings no licence text: put it into {kept}/, "
            "and name its source in the README.md beside that folder."
        )
