"""The npm packages as `npm pack` makes them, installed into a project, type-checked and bundled.

Nothing is fetched: beside the tarballs, a project has the packages that are locked and installed already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

CLIENT = REPOSITORY / "clients/web"
RECEIVER = REPOSITORY / "clients/node"
EXAMPLES = REPOSITORY / "clients/examples"
PAGE = REPOSITORY / "local/page"
MANIFEST = '{"private": true, "type": "module"}'
NPM = ("npm", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")

needs_bundler = pytest.mark.skipif(
    shutil.which("npm") is None or not (EXAMPLES / "node_modules").is_dir(),
    reason="needs npm, and the packages of clients/examples: make test installs them",
)


def install(project: Path) -> Path:
    """Pack client and receiver and install them, beside the bundler, the SDK and the frameworks.

    Return the folder of packages, which can be copied into other projects, links as links.
    """
    (project / "package.json").write_text(MANIFEST)
    run(*NPM, "pack", str(CLIENT), str(RECEIVER), "--pack-destination", str(project), cwd=project)
    [tarball] = project.glob("vod-upload-client-*.tgz")
    run(*NPM, "install", "--legacy-peer-deps", "--no-save", f"./{tarball.name}", cwd=project)
    packages = project / "node_modules"
    # npm would look its one dependency up, which is there already.
    [tarball] = project.glob("vod-upload-events-*.tgz")
    run(
        "tar", "-xzf", str(tarball), "--one-top-level=vod-upload-events", "--strip-components=1", cwd=packages
    )
    for package in installed_packages():
        (packages / package.name).symlink_to(package)
    return packages


def installed_packages() -> list[Path]:
    """Return the locked packages of clients/examples, and of these none that this repository makes."""
    made = ("vod-upload-client", "vod-upload-events")
    packages = (EXAMPLES / "node_modules").iterdir()
    shown = [package for package in packages if not package.name.startswith(".") and package.name not in made]
    return [*shown, EXAMPLES / "node_modules/.bin"]


def check_types(project: Path) -> None:
    """Run TypeScript's compiler with the project's own settings."""
    run("node", str(PAGE / "node_modules/typescript/bin/tsc"), "-p", ".", cwd=project)


def run(*words: str, cwd: Path, **variables: str) -> str:
    """Run a program to its end, and return what it prints."""
    done = subprocess.run(  # noqa: S603  # words of ours
        words,
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
