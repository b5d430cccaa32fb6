"""Build each function's package: as a folder for the Serverless CLI, and as a zip to measure and test.

The same code and the same lock give the same bytes. `local.package.contents` decides what is packaged.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.package.archive import read_folder, write_folder, write_zip
from local.package.contents import (
    BOOTSTRAP,
    CUSTOM_RUNTIME,
    LIBRARIES,
    NOT_DEPLOYED,
    OWN_SUFFIXES,
    PackageError,
    folder_of,
    place_in_package,
)
from local.package.function_settings import reads_file
from local.package.interpreter import runtime_python
from local.package.licence_texts import kept_texts, own_licence, require_text
from local.package.runtime import IS_CUSTOM, PYTHON, SCF_NAME, TAG, VERSION
from local.package.shared_object import without_symbol_tables
from local.package.wheels import fetch, files_in, read_lock
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILD = REPOSITORY / "build"
_INVOKER = CUSTOM_RUNTIME / "custom_runtime.py"
PLACE_ON_SCF = "/var/user"
"""Where the platform unpacks a package (doc 583/84282); tracebacks name it instead of the build folder."""

_VERSION_CHECK = f"""
import sys

if sys.version_info[:2] != {PYTHON}:
    raise ImportError(
        "This package was built for Python {VERSION}, and Python %d.%d runs it: deploy it with the runtime "
        "{SCF_NAME}, or build it for the other one (make package RUNTIME=...)." % sys.version_info[:2]
    )
"""
_CHECKING_FILE = "shared/__init__.py"
"""The first file of a package that is imported; `_VERSION_CHECK` is appended to it there."""

Files = dict[str, bytes]


@dataclass(frozen=True)
class Package:
    """The package of one function; sizes in bytes."""

    function: str
    folder: Path
    archive: Path

    @property
    def zipped_size(self) -> int:
        """The size of the zip."""
        return self.archive.stat().st_size

    @property
    def unpacked_size(self) -> int:
        """The size of all files together."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def build_packages(target: Path = BUILD, *, wheels: Path = BUILD / "wheels") -> list[Package]:
    """Build the package of every function below `target`; fetched wheels are cached in `wheels`.

    Raises:
        MissingToolError: there is no Python of the runtime's version, or no index that has the wheels.
        PackageError: a wheel is not what was locked, or has a file of an undecided kind.

    """
    python = runtime_python()
    libraries = read_libraries(wheels)
    ours = own_files()
    bytecode = _compile(
        {place: content for files in (ours, *libraries.values()) for place, content in files.items()}, python
    )
    for made in ("functions", "zips"):  # with what a function left that is no more
        shutil.rmtree(target / made, ignore_errors=True)
    packages = []
    for function, names in LIBRARIES.items():
        files = files_of(function, ours)
        files |= {_beside(name): bytecode[name] for name in files if name in bytecode}
        files |= own_licence() | ({BOOTSTRAP: (CUSTOM_RUNTIME / BOOTSTRAP).read_bytes()} if IS_CUSTOM else {})
        for name in names:
            files |= {
                place_of(place): bytecode.get(place, content) for place, content in libraries[name].items()
            }
        package = package_at(target, function)
        write_folder(package.folder, files)
        write_zip(package.archive, files)
        packages.append(package)
    return packages


def package_at(target: Path, function: str) -> Package:
    """Return the package of a function as it is laid out below `target`."""
    name = folder_of(function)
    return Package(function, target / "functions" / name, target / "zips" / f"{name}.zip")


def own_files() -> Files:
    """Read our own part of the packages: of `shared/`, long settings, and what lies at the root."""
    folders = ("shared", "settings")
    paths = [path for folder in folders for path in (REPOSITORY / folder).rglob("*.*")]
    beside = {
        path.relative_to(REPOSITORY).as_posix(): path.read_bytes()
        for path in paths
        if path.suffix in OWN_SUFFIXES
    }
    beside[_CHECKING_FILE] += _VERSION_CHECK.encode()
    functions = [*(REPOSITORY / "functions").glob("*.py"), *([_INVOKER] if IS_CUSTOM else [])]
    return {name: content for name, content in beside.items() if not name.startswith(NOT_DEPLOYED)} | {
        path.name: path.read_bytes() for path in functions
    }


def files_of(function: str, ours: Mapping[str, bytes]) -> Files:
    """Return the part of our own files that one function gets; of long settings, those that it reads."""
    return {
        name: content
        for name, content in ours.items()
        if name.startswith("shared/")
        or name in {f"{function}.py", _INVOKER.name}
        or (name.startswith("settings/") and reads_file(function, name.removeprefix("settings/")))
    }


def library_wheels(store: Path) -> dict[str, Path]:
    """Return the wheel of each library that some function has, from `store` or fetched into it.

    Raises:
        PackageError, MissingToolError: as `build_packages`.

    """
    lock = read_lock((REPOSITORY / "requirements.txt").read_text(encoding="utf-8"))
    return fetch(frozenset().union(*LIBRARIES.values()), lock, store)


def read_libraries(store: Path) -> dict[str, Files]:
    """Read what is deployed of each library, by its place in a package; not yet compiled.

    Raises:
        PackageError, MissingToolError: as `build_packages`.

    """
    libraries: dict[str, Files] = {}
    owners: dict[str, str] = {}
    for distribution, wheel in library_wheels(store).items():
        libraries[distribution] = kept_texts(distribution)
        for name, content in files_in(wheel).items():
            place = place_in_package(name, distribution)
            if place is None:
                continue
            if owners.setdefault(place, distribution) != distribution:
                raise PackageError(f"{owners[place]} and {distribution} both bring {place}.")
            libraries[distribution][place] = without_symbol_tables(content)
        require_text(distribution, libraries[distribution])
    return libraries


def _compile(files: Files, python: str) -> Files:
    """Compile every source file; the bytecode is not checked against it, since SCF resets file times."""
    with tempfile.TemporaryDirectory() as scratch:
        write_folder(
            Path(scratch), {name: content for name, content in files.items() if name.endswith(".py")}
        )
        mode = ["-b", "-q", "--invalidation-mode", "unchecked-hash", "-s", scratch, "-p", PLACE_ON_SCF]
        run = subprocess.run(  # noqa: S603  # the interpreter we found
            [python, "-s", "-S", "-m", "compileall", *mode, scratch],
            # The order of a set among the constants hangs on the seed.
            env={"PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise PackageError(f"Python {VERSION} cannot compile what is to be deployed. {run.stdout[-400:]}")
        made = read_folder(Path(scratch))
        return {name.removesuffix("c"): content for name, content in made.items() if name.endswith(".pyc")}


def _beside(source: str) -> str:
    """Return the path of our own code's bytecode, beside the source, which tracebacks show lines of."""
    folder, slash, file = source.rpartition("/")
    return f"{folder}{slash}__pycache__/{file.removesuffix('.py')}.cpython-{TAG}.pyc"


def place_of(place: str) -> str:
    """Return the path of a library's bytecode, which replaces the source to save its download."""
    return f"{place}c" if place.endswith(".py") else place
