"""The Python that the packages are built for. This is the one place that decides it.

`RUNTIME` in the environment overrides the default for one build, check or deployment: `3.12` builds for the
runtime Python3.12, `custom-3.12` for CustomRuntime with a Python 3.12 of your own. The package builder, the
deployment checks and the doctor import this module; the Makefile and `.ci/pythons` read the line of `OLDEST`
from its text. `serverless.yml` and `pyproject.toml` cannot, and repeat the version:
`tests/test_repository.py` compares them.
"""

from __future__ import annotations

import os
import re
import sys

OLDEST = (3, 10)
"""The default, the newest that SCF lists (doc 583/40323); also the oldest that this repository supports."""
_CUSTOM = "custom-"


def read_runtime(text: str) -> tuple[tuple[int, int], bool]:
    """Read a value of `RUNTIME`; return major and minor version, and whether the runtime is CustomRuntime.

    Raises:
        ValueError: it names no version, or one that this repository does not run on.

    """
    if not text:
        return OLDEST, False
    version = re.fullmatch(r"3\.(\d{1,2})", text.removeprefix(_CUSTOM))
    if version is None or (3, int(version[1])) < OLDEST:
        oldest = f"{OLDEST[0]}.{OLDEST[1]}"
        message = (
            f"RUNTIME must be a version from {oldest} on, such as {oldest} or {_CUSTOM}3.12, not {text!r}."
        )
        raise ValueError(message)
    return (3, int(version[1])), text.startswith(_CUSTOM)


try:
    PYTHON, IS_CUSTOM = read_runtime(os.environ.get("RUNTIME", ""))
except ValueError as error:
    sys.exit(str(error))

VERSION = f"{PYTHON[0]}.{PYTHON[1]}"
"""The version as command-line tools write it."""
TAG = f"{PYTHON[0]}{PYTHON[1]}"
"""The version as wheels (`cp310`) and bytecode files (`cpython-310`) write it."""
SCF_NAME = "CustomRuntime" if IS_CUSTOM else f"Python{VERSION}"
"""The runtime as SCF and `serverless.yml` write it (API CreateFunction, `Runtime`)."""
OPTION_PREFIX = f"RUNTIME={_CUSTOM if IS_CUSTOM else ''}"
"""How `make package` is told to build for such a runtime; a version follows."""
