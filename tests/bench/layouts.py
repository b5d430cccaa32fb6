"""What is started cold: our packages, the same code as `pip install -t` lays it out, and the floors."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from local.package.build import PLACE_ON_SCF, build_packages, files_of, own_files
from local.package.interpreter import runtime_python
from local.package.runtime import VERSION
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCK = REPOSITORY / "requirements.txt"
DEMO = "vendor_demo"
FLOOR = "floor"
_IMPORTED = """\
import sys
known = set(sys.modules)
import importlib, json, os, traceback
sys.path[0] = sys.argv[2]
importlib.import_module(sys.argv[1])
new = set(sys.modules) - known
print(" ".join(sorted(name for name in new if name.partition(".")[0] in sys.stdlib_module_names)))
"""


def packaged(target: Path) -> dict[str, Path]:
    """Build the packages and unpack each zip, as the platform does."""
    folders = {}
    for package in build_packages(target / "build", wheels=REPOSITORY / "build" / "wheels"):
        folders[package.function] = target / "packaged" / package.function
        with zipfile.ZipFile(package.archive) as archive:
            archive.extractall(folders[package.function])  # noqa: S202  # our own zip, made just now
    return folders


def plain(target: Path, functions: Mapping[str, object], revision: str = "") -> dict[str, Path]:
    """Lay the same code out as `pip install -t` does: all requirements, without bytecode, as on SCF.

    With a `revision` of this repository, its code is used instead of the present one.
    """
    libraries, required = target / f"libraries{revision}", target / f"required{revision}.txt"
    ours = files_at(revision) if revision else own_files()
    locked = _git("show", f"{revision}:requirements.txt") if revision else _LOCK.read_bytes()
    required.write_bytes(locked)
    options = ["--quiet", "--no-compile", "--only-binary", ":all:", "--python-version", VERSION]
    places = ["--target", str(libraries), "--requirement", str(required)]
    if not libraries.exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, *options, *places], check=True, stderr=subprocess.DEVNULL)  # noqa: S603  # our own pip
    folders = {}
    for function in functions:
        folders[function] = target / f"plain{revision}" / function
        shutil.copytree(libraries, folders[function])
        for name, content in files_of(function, ours).items():
            file = folders[function] / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
    return folders


def files_at(revision: str) -> dict[str, bytes]:
    """Return the repository's own part of the packages at a revision."""
    archive = _git("archive", revision, "shared", "functions")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        return {
            member.name.removeprefix("functions/"): opened.read()
            for member in files
            if member.name.endswith(".py") and (opened := files.extractfile(member))
        }


def demo(target: Path) -> Path:
    """Write the handler that does what the vendor's demo does, with bytecode as in our packages."""
    folder = target / DEMO
    folder.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("vendor_demo.py"), folder)
    settings = {"id": "AKIDdemo", "key": "demo-key", "seconds": 86_400}
    (folder / "demo.json").write_text(json.dumps(settings), encoding="utf-8")
    _compile(folder)
    return folder


def floor(target: Path, packages: Mapping[str, Path]) -> dict[str, Path]:
    """Write, for each function, a handler that imports the same standard modules and answers."""
    folders = {}
    for function, package in packages.items():
        run = subprocess.run(  # noqa: S603  # the interpreter we found
            [runtime_python(), "-s", "-S", "-c", _IMPORTED, function, str(package)],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONDONTWRITEBYTECODE": "x"},
        )
        folders[function] = target / FLOOR / function
        folders[function].mkdir(parents=True)
        lines = [f"import {name}" for name in run.stdout.split()]
        lines += ["def main_handler(event, context):", "    return {'statusCode': 200}"]
        (folders[function] / f"{FLOOR}.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
        _compile(folders[function])
    return folders


def _git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", str(REPOSITORY), *words], capture_output=True, check=True).stdout  # noqa: S603, S607  # git


def _compile(folder: Path) -> None:
    # Named as in our packages: the folder's own name would be interned, and its hash changes the count.
    mode = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", PLACE_ON_SCF]
    subprocess.run([runtime_python(), "-m", "compileall", *mode, str(folder)], check=True)  # noqa: S603  # as above
