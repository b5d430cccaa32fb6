"""`make release`: build the packages of `clients/` as they would be released, into build/release/.

The npm packages are packed by npm, the Python package by setuptools; the same files give the same bytes.
Nothing is uploaded anywhere.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from local.package.build import BUILD
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENTS = REPOSITORY / "clients"
NPM_PACKAGES = ("web", "node")
PYTHON_PACKAGE = "python"
_BUILD_WHEEL = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
_EPOCH = str(315_532_800)
"""1980-01-01, the first time that a zip can state."""


class ReleaseError(Exception):
    """A tool is missing or has failed; the message is what it printed."""


def build_release(folder: Path) -> list[Path]:
    """Build every package into an empty folder, and return the files.

    Raises:
        ReleaseError: npm or setuptools fails.

    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sources = [str(CLIENTS / name) for name in NPM_PACKAGES]
    _run("npm", "pack", *sources, "--pack-destination", str(folder), "--ignore-scripts", cwd=folder)
    with tempfile.TemporaryDirectory() as place:
        # setuptools leaves files beside what it builds.
        copy = Path(place) / "package"
        shutil.copytree(CLIENTS / PYTHON_PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        _run(sys.executable, "-c", _BUILD_WHEEL, str(folder), cwd=copy, SOURCE_DATE_EPOCH=_EPOCH)
    return sorted(folder.iterdir())


def main() -> int:
    """Build, and print size and digest of each file; 1 if a tool fails."""
    try:
        files = build_release(BUILD / "release")
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for file in files:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        sys.stdout.write(f"{file.relative_to(REPOSITORY)}  {file.stat().st_size} bytes  sha256 {digest}\n")
    return 0


def _run(*words: str, cwd: Path, **variables: str) -> None:
    environment: Mapping[str, str] = {**os.environ, **variables}
    try:
        done = subprocess.run(  # noqa: S603  # words of ours
            words, cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise ReleaseError(f"{words[0]} was not found: the packages of clients/ are built with it.") from None
    if done.returncode:
        raise ReleaseError(done.stderr.strip() or done.stdout.strip())


if __name__ == "__main__":
    sys.exit(main())
