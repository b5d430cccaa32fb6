"""The version of Python that the functions run on at SCF. This is the one place that decides it.

The package builder, the deployment checks and the doctor import it; the Makefile and `.ci/pythons` read
the line of `PYTHON` from this file. `serverless.yml` and `pyproject.toml` cannot, and repeat the version:
`tests/test_repository.py` compares them.
"""

from __future__ import annotations

PYTHON = (3, 10)
"""Major and minor version, which is also the oldest that this repository supports."""

VERSION = f"{PYTHON[0]}.{PYTHON[1]}"
"""The version as command-line tools write it."""
TAG = f"{PYTHON[0]}{PYTHON[1]}"
"""The version as wheels (`cp310`) and bytecode files (`cpython-310`) write it."""
SCF_NAME = f"Python{VERSION}"
"""The version as SCF and `serverless.yml` write it (API CreateFunction, `Runtime`)."""
