"""The front of `shared.vod`: five names that work from a Python shell, as the README shows them."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys

import pytest

import shared.vod
from local.repository import REPOSITORY

SHELL = re.search(r"```pycon\n(.*?)```", (REPOSITORY / "README.md").read_text("utf-8"), re.DOTALL)


def test_readme_session_prints_what_it_shows() -> None:
    """A newcomer who types the session of the README sees the same answers."""
    assert SHELL is not None
    session = doctest.DocTestParser().get_doctest(SHELL[1], {}, "README.md", None, None)

    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session)

    assert (results.failed, results.attempted) == (0, len(session.examples))
    assert len(session.examples) >= len(shared.vod.__all__)


@pytest.mark.parametrize("name", shared.vod.__all__)
def test_every_name_is_there(name: str) -> None:
    """Each of the five is a function with a docstring."""
    assert getattr(shared.vod, name).__doc__


def test_other_names_are_not() -> None:
    """A misspelled name fails as in any module."""
    with pytest.raises(AttributeError, match="sing"):
        _ = shared.vod.sing


def test_package_needs_the_standard_library_alone() -> None:
    """All of it works in an interpreter that has no installed packages, and imports `shared.errors` alone."""
    program = (
        "import sys, shared.vod\n"
        "[getattr(shared.vod, name) for name in shared.vod.__all__]\n"
        "print(*sorted(name for name in sys.modules if name.startswith('shared')"
        " and not name.startswith('shared.vod')))"
    )

    run = subprocess.run(  # noqa: S603 -- our own interpreter and a fixed program
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n{program}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.split() == ["shared", "shared.errors"]
