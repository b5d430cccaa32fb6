from __future__ import annotations

import json
import re
import shutil
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from local.package import release
from local.package.release import CLIENTS, NPM_PACKAGES, build_release
from local.repository import REPOSITORY, project_field

if TYPE_CHECKING:
    from pathlib import Path

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")


def names_in(file: Path) -> set[str]:
    """Return the names of the files in a package, without the folder that npm puts them into."""
    if file.suffix == ".whl":
        return set(zipfile.ZipFile(file).namelist())
    with tarfile.open(file) as archive:
        return {name.removeprefix("package/") for name in archive.getnames()}


@needs_npm
def test_release_has_every_package_with_types_and_licence(tmp_path: Path) -> None:
    """Three files of the project's version; what a clone has beside them is in none."""
    version = project_field("version")
    files = {file.name: names_in(file) for file in build_release(tmp_path / "release")}
    web, node, wheel = (
        files[f"vod-upload-client-{version}.tgz"],
        files[f"vod-upload-events-{version}.tgz"],
        files[f"vod_upload_events-{version}-py3-none-any.whl"],
    )

    assert len(files) == 3
    assert {"index.js", "index.d.ts", "element.js", "texts/ko.js", "LICENSE"} <= web
    assert node == {"package.json", "index.js", "index.d.ts", "app_event.d.ts", "LICENSE"}
    assert {name for name in wheel if "dist-info" not in name} == {
        f"vod_upload_events/{name}" for name in ("__init__.py", "app_event.py", "py.typed")
    }
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def test_packages_have_the_version_and_the_licence_of_the_project() -> None:
    """Each is released with the functions, and its licence text is theirs."""
    version, text = project_field("version"), (REPOSITORY / "LICENSE").read_bytes()
    packages = [json.loads((CLIENTS / name / "package.json").read_text("utf-8")) for name in NPM_PACKAGES]
    python = (CLIENTS / "python/pyproject.toml").read_text("utf-8")

    assert {(package["version"], package["license"]) for package in packages} == {(version, "MIT")}
    assert re.findall(r'^(?:version|license) = "(.+)"$', python, re.MULTILINE) == [version, "MIT"]
    assert {(CLIENTS / name / "LICENSE").read_bytes() for name in (*NPM_PACKAGES, "python")} == {text}


def test_failing_tool_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without npm, the command says so and returns 1."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(release, "BUILD", tmp_path)

    assert release.main() == 1
    assert capsys.readouterr().err == "npm was not found: the packages of clients/ are built with it.\n"
