"""Packages for another Python than the default, and for CustomRuntime, whose bootstrap starts a function."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
import yaml

import local.stack.system
from local.deploy.serverless_file import functions_in, inputs_of, sent_environment, variables_read
from local.deploy.yaml_file import read_yaml
from local.package import bytecode, runtime
from local.package.build import BUILD, package_at
from local.package.contents import LIBRARIES
from local.repository import REPOSITORY
from local.simulator import RoleCredential
from local.stack.instances import FunctionFailedError
from local.stack.stack import Stack
from tests.deploy.conftest import shared_folder
from tests.deploy.custom_runtime_api import CustomRuntimeInstances
from tests.deploy.filled_example import filled_example
from tests.deploy.packaged_instances import Deployed
from tests.deploy.test_packaged_functions import status_of, upload
from tests.functions.deployment import environment
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from local.package.build import Package

OTHER = "3.12"
ROLE = RoleCredential("AKIDrole", "role-key", "role-token")
_BUILD = """\
import pathlib, sys, zlib
from local.package.build import build_packages
from local.package.interpreter import runtime_python
zlib.Z_DEFAULT_COMPRESSION = zlib.Z_BEST_SPEED  # the sizes are those of no deployment
build_packages(pathlib.Path(sys.argv[1]), wheels=pathlib.Path(sys.argv[2]))
print(runtime_python())
"""
_CHECK = """\
import pathlib, sys
from local.deploy.checks import check
repository, build = map(pathlib.Path, sys.argv[1:])
print(check("prod", repository=repository, build=build, environment={}))
"""


@dataclasses.dataclass(frozen=True)
class CustomBuild:
    """The packages for CustomRuntime, and the Python that they are for."""

    folder: Path
    python: str

    def package(self, function: str) -> Path:
        """Return the folder of a function's package."""
        return package_at(self.folder, function).folder


@pytest.fixture(scope="session")
def custom(tmp_path_factory: pytest.TempPathFactory) -> CustomBuild:
    """Build once as `make package RUNTIME=custom-3.12` does; skip where there is no such Python."""
    with shared_folder(tmp_path_factory, "custom") as folder:
        python = folder / "python"
        if not python.exists():
            run = subprocess.run(  # noqa: S603  # our own build
                [sys.executable, "-c", _BUILD, str(folder), str(BUILD / "wheels")],
                cwd=REPOSITORY,
                env={**os.environ, "RUNTIME": f"custom-{OTHER}"},
                capture_output=True,
                text=True,
                check=False,
            )
            if "MissingToolError" in run.stderr:
                pytest.skip(run.stderr.splitlines()[-1])
            assert run.returncode == 0, run.stderr
            python.write_text(run.stdout.strip(), encoding="utf-8")
    return CustomBuild(folder, python.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "read"),
    [("", (runtime.OLDEST, False)), ("3.11", ((3, 11), False)), ("custom-3.14", ((3, 14), True))],
)
def test_runtime_is_read_from_one_word(text: str, read: object) -> None:
    """Nothing means the default; `custom-` asks for CustomRuntime."""
    assert runtime.read_runtime(text) == read


@pytest.mark.parametrize("text", ["3.9", "2.7", "3", "3.12.1", "Python3.12", "custom-", "custom"])
def test_runtime_that_is_none_is_refused(text: str) -> None:
    """A version that the code does not run on, and a word that names none, are errors."""
    with pytest.raises(ValueError, match=r"RUNTIME must be a version from 3\.10 on"):
        runtime.read_runtime(text)


def test_command_refuses_a_runtime_that_is_none() -> None:
    """The sentence is all that is printed."""
    run = subprocess.run(
        [sys.executable, "-m", "local.package", "check"],
        cwd=REPOSITORY,
        env={**os.environ, "RUNTIME": "docker"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert run.stderr == (
        "RUNTIME must be a version from 3.10 on, such as 3.10 or custom-3.12, not 'docker'.\n"
    )


@pytest.mark.parametrize("function", LIBRARIES)
def test_function_says_that_another_python_runs_it(
    packages: list[Package], custom: CustomBuild, function: str
) -> None:
    """A runtime that was changed without the package shows in the log as what it is, before anything else."""
    (package,) = [package for package in packages if package.function == function]
    expected = f"This package was built for Python {runtime.VERSION}, and Python {OTHER} runs it"
    remedy = f"deploy it with the runtime {runtime.SCF_NAME}, or build it for the other one"
    run = subprocess.run(  # noqa: S603  # the interpreter that the other build found
        [custom.python, "-s", "-S", "-B", "-c", f"import {function}"],
        cwd=package.folder.parent,
        env={"PYTHONPATH": str(package.folder)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.stderr.splitlines()[-1] == f"ImportError: {expected}: {remedy} (make package RUNTIME=...)."


def test_wheels_and_bytecode_are_of_the_runtime(custom: CustomBuild) -> None:
    """Every file that names a version of Python names the one that was asked for."""
    tags = {
        found[1]
        for path in custom.folder.joinpath("functions").rglob("*")
        if (found := bytecode.VERSION_TAG.search(path.name))
    }

    assert tags == {OTHER.partition(".")[2]}


def test_bootstrap_is_executable_in_folder_and_zip(custom: CustomBuild) -> None:
    """CustomRuntime executes the file of that name at the root (doc 583/47274); no other is a program."""
    for function in LIBRARIES:
        package = package_at(custom.folder, function)
        entries = zipfile.ZipFile(package.archive).infolist()
        executable = {entry.filename for entry in entries if entry.external_attr >> 16 & stat.S_IXUSR}

        assert executable == {"bootstrap"}
        assert os.access(package.folder / "bootstrap", os.X_OK)


def test_packages_of_the_runtime_have_no_fault(packages: list[Package], tmp_path: Path) -> None:
    """What `make package` makes can be deployed, and what is not there is another check's matter."""
    assert bytecode.bytecode_faults(packages[0].folder.parents[1]) == []
    assert bytecode.bytecode_faults(tmp_path) == []


def test_package_of_another_runtime_is_a_fault(custom: CustomBuild) -> None:
    """A build for 3.12 is not deployed as Python3.10: each function is named, with what to do."""
    faults = bytecode.bytecode_faults(custom.folder)

    assert faults == [
        f"{function}: its package is for Python {OTHER}, and {runtime.SCF_NAME} runs {runtime.VERSION}: "
        f"run make package RUNTIME={runtime.VERSION}."
        for function in LIBRARIES
    ]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "redis/client.pyc",
            b"\xcb\r\r\n\x01",
            "redis/client.pyc in its package is bytecode of another Python",
        ),
        ("bootstrap", b"#!/bin/bash\n", "its package has the bootstrap of CustomRuntime"),
    ],
)
def test_file_of_another_runtime_in_a_package_is_a_fault(
    copied_build: Path, name: str, content: bytes, sentence: str
) -> None:
    """A name without a version does not hide what Python a file is of."""
    changed = package_at(copied_build, "event_delivery").folder / name
    changed.unlink(missing_ok=True)
    changed.write_bytes(content)
    (fault,) = bytecode.bytecode_faults(copied_build)

    assert sentence in fault


def test_file_as_documented_for_custom_runtime_passes_the_check(custom: CustomBuild, tmp_path: Path) -> None:
    """With the lines of docs/deployment.md in serverless.yml nothing stands in the way of such packages."""
    page = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")
    lines = page.partition("```yaml\n   runtime:")[2].partition("```")[0]
    text = (REPOSITORY / "serverless.yml").read_text(encoding="utf-8")
    documented = text.replace(f" {runtime.SCF_NAME}\n", lines.rstrip(" ").replace("\n   ", "\n  "))
    (tmp_path / "serverless.yml").write_text(documented, encoding="utf-8")
    (tmp_path / ".env.prod").write_text(filled_example({}), encoding="utf-8")
    run = subprocess.run(  # noqa: S603  # our own check
        [sys.executable, "-c", _CHECK, str(tmp_path), str(custom.folder)],
        cwd=REPOSITORY,
        env={**os.environ, "RUNTIME": f"custom-{OTHER}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert yaml.safe_load(documented)["inputs"]["runtime"] == "CustomRuntime"
    assert yaml.safe_load(documented)["inputs"]["layers"] == [{"name": "vod-upload-python", "version": 1}]
    assert run.stdout == "[]\n"


@pytest.fixture
def stack(
    custom: CustomBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Stack, CustomRuntimeInstances]]:
    """Start a local stack whose functions run from packages for CustomRuntime."""
    text, file = read_yaml(REPOSITORY / "serverless.yml")
    nothing = dict.fromkeys(variables_read(text), "")
    made: list[CustomRuntimeInstances] = []

    def instances(variables: Mapping[str, str], **_: object) -> CustomRuntimeInstances:
        deployed = {
            function: Deployed(
                package=custom.package(function),
                variables={
                    **sent_environment(entry, {**nothing, **variables}, variables["STAGE"]),
                    "APP_WEBHOOK_ALLOW_INSECURE": "1",
                    "TENCENTCLOUD_SECRETID": ROLE.secret_id,
                    "TENCENTCLOUD_SECRETKEY": ROLE.secret_key,
                    "TENCENTCLOUD_SESSIONTOKEN": ROLE.token,
                },
                time_limit=entry.get("timeout", inputs_of(file)["timeout"]),
            )
            for function, entry in functions_in(file).items()
        }
        made.append(CustomRuntimeInstances(deployed, folder=tmp_path / "instances", python=custom.python))
        return made[0]

    monkeypatch.setattr(local.stack.system, "Instances", instances)
    with Stack(
        folder=tmp_path / "stack", simulator={"role_credentials": (ROLE,)}, timer_seconds=0.5
    ) as stack:
        yield stack, made[0]


def test_upload_reaches_the_app_through_custom_runtime(
    stack: tuple[Stack, CustomRuntimeInstances], small_media: Path
) -> None:
    """Signature, event, delivery, status and both timers work when the bootstrap has started them."""
    running, instances = stack
    event = upload(running, small_media)

    assert event["data"]["uploader"] == "alice"
    assert event["data"]["verified"] is True
    wait_until(lambda: status_of(running, event["data"]["uploadId"])["state"] == "ready")
    wait_until(lambda: all(instances.results.values()), "a result of every function")


def test_failure_is_reported_by_its_name_alone(custom: CustomBuild, tmp_path: Path, valkey_url: str) -> None:
    """What a function raises ends its invocation as an error without the message; the next one is served."""
    package = shutil.copytree(custom.package("upload_signature"), tmp_path / "package")
    (package / "raising.py").write_text(
        "def main_handler(event, context):\n"
        "    if event: raise ValueError(event['secret'])\n"
        "    return context\n"
    )
    deployed = {"raising": Deployed(package, environment(valkey_url), time_limit=5)}
    instances = CustomRuntimeInstances(deployed, folder=tmp_path / "logs", python=custom.python)

    async def both() -> object:
        try:
            with pytest.raises(FunctionFailedError, match=r"^ValueError$"):
                await instances.invoke("raising", {"secret": "canary"})
            return await instances.invoke("raising", {}, request_id="id-of-it")
        finally:
            await instances.stop()

    context = asyncio.run(both())

    assert context == {"request_id": "id-of-it", "time_limit_in_ms": 5000, "memory_limit_in_mb": 256}
    log = (tmp_path / "logs" / "functions.log").read_text("utf-8")
    assert log == "ValueError in main_handler < _outcome\n"
