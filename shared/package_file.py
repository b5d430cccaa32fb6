"""Long settings as files of the package: SCF allows a function 4 KB of variables in all (583/11637)."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "settings"
"""Beside `shared/`, in a package as in the repository."""


def text_of(name: str) -> str:
    """Return the text of a file in the folder, without blanks around it.

    Raises:
        OSError: there is no such file.
        ValueError: the name leads out of the folder, or the file is not UTF-8.

    """
    if Path(name).name != name:
        raise ValueError
    return (FOLDER / name).read_text(encoding="utf-8").strip()
