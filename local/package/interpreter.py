"""The Python 3.10 that makes the bytecode: bytecode of another version is none to SCF's runtime.

What is compiled is left to `build`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from local.package.contents import MissingToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

CHOICE = "PYTHON_3_10"
"""The environment variable that names one."""
_COLLECTIONS = ((".pyenv/versions", "3.10*"), (".local/share/uv/python", "cpython-3.10*"))
"""Where tools that install interpreters put them, below the home folder."""
_QUESTION = """\
import sys
if sys.implementation.name == "cpython" and sys.version_info[:2] == (3, 10):
    print(sys.executable, end="")
"""


@lru_cache(maxsize=1)
def python_3_10() -> str:
    """Find a CPython 3.10 that runs, by its full name; `PYTHON_3_10` in the environment goes first.

    Raises:
        MissingToolError: there is none.

    """
    for candidate in _candidates():
        # A shim of pyenv can be there and fail, so only an answer counts; and it names what is behind it.
        if candidate and shutil.which(candidate) and (python := _if_python_3_10(candidate)):
            return python
    raise MissingToolError(
        "No Python 3.10 was found, and SCF reads bytecode of that version alone: install one "
        f"(pyenv install 3.10, or uv python install 3.10), or name it with {CHOICE}=/path/to/python3.10."
    )


def _candidates() -> Iterator[str]:
    yield os.environ.get(CHOICE, "")
    # In a virtual environment this is the interpreter below it, which knows no libraries.
    yield getattr(sys, "_base_executable", sys.executable)
    yield "python3.10"
    for folder, pattern in _COLLECTIONS:
        yield from map(str, sorted((Path.home() / folder).glob(f"{pattern}/bin/python3.10")))


def _if_python_3_10(candidate: str) -> str:
    question = [candidate, "-I", "-c", _QUESTION]
    answer = subprocess.run(question, capture_output=True, text=True, check=False)  # noqa: S603  # found, or named by the user
    return answer.stdout if answer.returncode == 0 else ""
