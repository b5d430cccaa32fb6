"""What the files beside the code must contain: locks, `.env.example`, README."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from local.package import runtime
from local.repository import REPOSITORY
from shared.config import settings

if TYPE_CHECKING:
    from pathlib import Path

LOCKS = (REPOSITORY / "requirements.txt", *sorted((REPOSITORY / "requirements").glob("*.txt")))

PLATFORM_SETTINGS = frozenset(
    {
        "SCF_FUNCTIONNAME",
        "TENCENTCLOUD_RUNENV",
        "TENCENTCLOUD_SECRETID",
        "TENCENTCLOUD_SECRETKEY",
        "TENCENTCLOUD_SESSIONTOKEN",
    }
)
"""Variables that SCF itself sets."""
DEPLOYER_SETTINGS = frozenset(
    {
        "TENCENT_SECRET_ID",
        "TENCENT_SECRET_KEY",
        "RESERVED_INSTANCES_UPLOAD_SIGNATURE",
        "RESERVED_INSTANCES_EVENT_NOTIFICATION",
        "CODE_BUCKET",
    }
)
"""Variables that the Serverless CLI reads, or `make deploy` itself."""


def text_of(name: str) -> str:
    """Read a file at the root; a missing one fails the test."""
    return (REPOSITORY / name).read_text(encoding="utf-8")


def setting_names() -> set[str]:
    """Collect every variable that some group of settings reads."""
    kinds = [kind for kind in vars(settings).values() if isinstance(kind, type)]
    groups = [kind for kind in kinds if issubclass(kind, settings.SettingsGroup)]
    return {name for group in groups for name in settings.variables_of(group)}


def make_targets() -> set[str]:
    """Return what a bare `make` lists."""
    return set(re.findall(r"^([a-z-]+):.*## ", text_of("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_lock_pins_every_package_by_digest(path: Path) -> None:
    """What is installed is what was reviewed: one version each, known by its SHA-256, from any index."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    requirements = text.replace("\\\n", " ").splitlines()

    assert requirements
    assert [line for line in requirements if not re.match(r"[a-z0-9-]+(\[[a-z-]+\])?==\S+ ", line)] == []
    assert [line for line in requirements if "--hash=sha256:" not in line] == []
    assert re.findall(r"https?://\S+|file:\S+|--(?:extra-)?index-url|--find-links|@ /", text) == []


def test_locks_agree_with_each_other() -> None:
    """A package that two locks name has one version, so that tests run what is deployed."""
    pins = [
        re.findall(r"^([a-z0-9-]+)(?:\[[a-z]+\])?==(\S+)", path.read_text("utf-8"), re.MULTILINE)
        for path in LOCKS
    ]

    versions: dict[str, set[str]] = {}
    for package, version in (pin for lock in pins for pin in lock):
        versions.setdefault(package, set()).add(version)

    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("serverless.yml", f"\n  runtime: {runtime.SCF_NAME}\n"),
        ("pyproject.toml", f'\nrequires-python = ">={runtime.VERSION}"\n'),
        ("pyproject.toml", f'\npython_version = "{runtime.VERSION}"\n'),
        ("README.md", f"You need Python {runtime.VERSION} or newer"),
        ("docs/deployment.md", f"| Python {runtime.VERSION}, "),
        ("docs/deployment.md", f"`{runtime.SCF_NAME}`"),
    ],
)
def test_runtime_version_is_repeated_as_decided(name: str, statement: str) -> None:
    """A file that cannot import `local.package.runtime` repeats its version, and no other."""
    text = text_of(name)

    assert statement in text


@pytest.mark.parametrize(
    ("words", "told"), [([], runtime.VERSION), (["RUNTIME=custom-3.12"], "custom-3.12")], ids=["", "custom"]
)
def test_makefile_tells_the_runtime(words: list[str], told: str) -> None:
    """The Makefile reads the default in `local/package/runtime.py`, and passes on what it is told by a word.

    A variable RUNTIME of the environment is somebody else's.
    """
    asked = subprocess.run(  # noqa: S603  # words of ours
        ["make", "--no-print-directory", "--eval", "told: ; @echo $(OLDEST) $$RUNTIME", "told", *words],  # noqa: S607  # whichever is installed
        cwd=REPOSITORY,
        env={**os.environ, "RUNTIME": "docker"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert asked.stdout.split() == [runtime.VERSION, told]


def test_supported_versions_are_named_alike() -> None:
    """`.ci/pythons`, the workflow and the documents name the same range, from the version of the runtime."""
    major, oldest = runtime.OLDEST
    newest = int(re.findall(rf"^newest={major}\.(\d+)$", text_of(".ci/pythons"), re.MULTILINE)[0])
    versions = [f"{major}.{minor}" for minor in range(oldest, newest + 1)]
    listed = text_of(".github/workflows/ci.yml").partition("python-version: |\n")[2].split()

    assert listed[: len(versions)] == versions[::-1]
    for name in ("CONTRIBUTING.md", "SECURITY.md"):
        assert f"{versions[0]} to {versions[-1]}" in text_of(name), name


def test_env_example_names_every_setting_once_and_gives_no_value() -> None:
    """Copying the example shows all there is to set, each with its meaning above it."""
    lines = text_of(".env.example").splitlines()
    names = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    settings = setting_names() - PLATFORM_SETTINGS

    deployment = {name for name in names if name.startswith("DEPLOY_")} | DEPLOYER_SETTINGS

    assert sorted(names) == sorted(settings | deployment)
    assert [line for line in lines if line and not line.startswith("#") and not line.endswith("=")] == []
    for name in names:
        assert re.match(r"# [A-Z0-9a-z].*\.$", lines[lines.index(f"{name}=") - 1]), name


def test_settings_page_names_every_setting() -> None:
    """The table of settings is complete, and names none that does not exist."""
    table = text_of("docs/settings.md").partition("| Variable |")[2].partition("\n\n")[0]
    first_cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    named_there = re.findall(r"`([A-Z][A-Z0-9_]+)`", " ".join(first_cells))

    assert sorted(setting_names()) == sorted(named_there)
