"""What was built is built again as soon as the same packages would not come of it, and not before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local.package import __main__ as package_command
from local.package import last_build
from local.package.bill_of_materials import FILE as BILL
from local.package.last_build import FILE, note_build, noted_table, sources
from local.package.package_checks import packaged
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from local.package.build import Package

TABLE = "| a table |\n"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Note a build of two files."""
    for name in ("functions/upload-status/shared/a.py", "zips/upload-status.zip"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("")
    note_build(tmp_path, TABLE)
    return tmp_path


def test_same_code_has_nothing_to_build(built: Path) -> None:
    """The noted table is printed again."""
    assert noted_table(built) == TABLE


@pytest.mark.parametrize("name", ["functions/upload-status/shared/a.py", "zips/upload-status.zip"])
def test_package_that_was_changed_is_built_again(built: Path, name: str) -> None:
    """In the folder as well as in the zip."""
    (built / name).write_text("changed")

    assert noted_table(built) is None


def test_package_with_a_file_more_or_less_is_built_again(built: Path) -> None:
    """Of what was built, nothing is missing, and nothing was added."""
    (built / "functions" / "upload-status" / ".env").touch()
    more = noted_table(built)
    note_build(built, TABLE)
    (built / "functions" / "upload-status" / ".env").unlink()

    assert (more, noted_table(built)) == (None, None)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"table": ""}', "no JSON"])
def test_note_that_is_none_is_no_reason_to_build_nothing(built: Path, text: str) -> None:
    """A note that was cut off or is of another form counts as missing."""
    (built / FILE).write_text(text)

    assert noted_table(built) is None


def test_what_is_read_by_a_build_decides(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file that a package comes from, the lock, the licence, the builder and the runtime."""
    read = sources()
    for name, content in (("ours/shared/errors.py", b"changed"), ("RUNTIME", b"3.11"), ("LICENSE", None)):
        other = {**read, name: content} if content else {key: it for key, it in read.items() if key != name}
        monkeypatch.setattr(last_build, "sources", lambda other=other: other)
        assert noted_table(built) is None, name

    assert {"build.py", "custom_runtime/bootstrap", "requirements.txt", "pyproject.toml"} <= read.keys()
    assert {f"ours/{path.name}" for path in (REPOSITORY / "functions").glob("*.py")} <= read.keys()


def test_table_is_noted_with_the_packages(packages: list[Package], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run of the command builds nothing; one after the bill of materials was removed does."""
    target = packages[0].folder.parents[1]
    monkeypatch.setattr(package_command, "build_packages", lambda _: pytest.fail("built again"))

    assert package_command.build(target) == json.loads((target / FILE).read_text())["table"]
    assert (target / BILL).is_file()
    assert not any(FILE in name for name in packaged(target).files)
