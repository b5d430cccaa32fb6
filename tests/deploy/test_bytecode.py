"""The bytecode in the packages: SCF writes none, and each cold start reads what is there."""

from __future__ import annotations

import marshal
import re
import sys
from typing import TYPE_CHECKING

import pytest

from local.package.build import PLACE_ON_SCF
from local.package.runtime import PYTHON
from tests.deploy.zips import files_in

if TYPE_CHECKING:
    from local.package.build import Package

BYTECODE_OF_3_10 = (3439).to_bytes(2, "little") + b"\r\n"
UNCHECKED_HASH = (1).to_bytes(4, "little")
"""PEP 552: bit 0 marks a hash-based file, bit 1 requests the comparison with the source."""
HEADER_BYTES = 16


def test_bytecode_is_of_python_310_and_never_compared_to_a_source(packages: list[Package]) -> None:
    """SCF resets file times, so bytecode that is checked against them would be made anew at each start."""
    for package in packages:
        bytecode = {name: content for name, content in files_in(package).items() if name.endswith(".pyc")}

        assert {content[:8] for content in bytecode.values()} == {BYTECODE_OF_3_10 + UNCHECKED_HASH}


def test_our_code_comes_with_its_source_and_libraries_without(packages: list[Package]) -> None:
    """Our sources are packaged so that tracebacks show lines; those of libraries are not."""
    for package in packages:
        names = files_in(package).keys()
        sources = {name for name in names if name.endswith(".py")}
        beside = {
            re.sub(r"__pycache__/(.*)\.cpython-310\.pyc$", r"\1.py", name)
            for name in names
            if "__pycache__" in name
        }

        assert {name for name in sources if not name.startswith("shared/")} == {f"{package.function}.py"}
        assert beside == sources


@pytest.mark.skipif(
    sys.version_info[:2] != PYTHON, reason="each version of Python reads its own bytecode alone"
)
def test_traceback_names_the_place_on_scf(packages: list[Package]) -> None:
    """Each code object names /var/user, where the platform unpacks the package."""
    files = files_in(packages[0])
    places = {
        name: marshal.loads(content[HEADER_BYTES:]).co_filename  # noqa: S302  # made by this build
        for name, content in files.items()
        if name.endswith(".pyc")
    }
    expected = {
        name: f"{PLACE_ON_SCF}/"
        + re.sub(r"(?:__pycache__/)?([^/]*?)(?:\.cpython-310)?\.pyc$", r"\1.py", name)
        for name in places
    }

    assert expected == places
