"""Find the Python that compiles the packages: SCF's runtime loads bytecode of no other version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from local.package.contents import MissingToolError
from local.package.runtime import PYTHON, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

CHOICE = f"PYTHON_{PYTHON[0]}_{PYTHON[1]}"
"""The environment variable that names an interpreter."""
_COLLECTIONS = ((".pyenv/versions", f"{VERSION}.*"), (".local/share/uv/python", f"cpython-{VERSION}.*"))
"""Where tools install interpreters, below the home folder."""
_QUESTION = f"""\
import sys
if sys.implementation.name == "cpython" and sys.version_info[:2] == {PYTHON}:
    print(sys.executable, end="")
"""


@lru_cache(maxsize=1)
def runtime_python() -> str:
    """Find a CPython of the runtime's version that runs, and return its path.

    The environment variable `CHOICE` goes first.

    Raises:
        MissingToolError: there is none.

    """
    for candidate in _candidates():
        # A shim of pyenv can be there and fail, so only an answer counts; and it names what is behind it.
        if candidate and shutil.which(candidate) and (python := _if_runtime_python(candidate)):
            return python
    raise MissingToolError(
        f"No Python {VERSION} was found, and the packages hold bytecode of that version: install one "
        f"(pyenv install {VERSION}, or uv python install {VERSION}), "
        f"or name it with {CHOICE}=/path/to/python{VERSION}."
    )


def _candidates() -> Iterator[str]:
    yield os.environ.get(CHOICE, "")
    # In a virtual environment this is the interpreter below it, which knows no libraries.
    yield getattr(sys, "_base_executable", sys.executable)
    yield f"python{VERSION}"
    for folder, pattern in _COLLECTIONS:
        yield from map(str, sorted((Path.home() / folder).glob(f"{pattern}/bin/python{VERSION}")))


def _if_runtime_python(candidate: str) -> str:
    question = [candidate, "-I", "-c", _QUESTION]
    answer = subprocess.run(question, capture_output=True, text=True, check=False)  # noqa: S603  # found, or named by the user
    return answer.stdout if answer.returncode == 0 else ""
