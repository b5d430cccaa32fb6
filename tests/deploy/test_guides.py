"""The pages for operators, executed: every command as printed, in order, in a fresh copy.

The Serverless CLI is the published one and calls the cloud on this machine; VOD, the store and the deployed
functions are those of a local stack.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
import requests

from local.deploy.scf_calls import API_URL
from local.doctor.vod_calls import EventConfiguration, VodCalls
from local.package.archive import read_folder, write_folder, write_zip
from local.package.bill_of_materials import FILE as BILL
from local.package.build import BUILD, package_at
from local.package.interpreter import runtime_python
from local.package.last_build import note_build, noted_table
from local.repository import REPOSITORY
from local.stack.demo_settings import user_token
from local.stack.stack import Stack
from shared.config.settings import VodApiSettings, load_settings
from shared.store.connection import StoreScope, digest
from shared.store.journal import Store
from tests.deploy.console_blocks import Shown, plain, shown_on
from tests.deploy.filled_example import VALUES, filled_example
from tests.deploy.loopback_cloud import LoopbackCloud, loopback_cloud
from tests.deploy.proof import COMMAND_LINE, NODE, run_component
from tests.shared.uploads import uploaded
from tests.test_repository import make_targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.package.build import Package

DEPLOYMENT = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")
BY_API = DEPLOYMENT.partition("## Without the CLI\n")[2].partition("\n## ")[0]
OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
PARTS = (
    "LICENSE",
    "Makefile",
    "serverless.yml",
    ".env.example",
    "pyproject.toml",
    "requirements.txt",
    "requirements",
    "functions",
    "shared",
    "local",
    "docs",
)
IN_THE_CLOUD: dict[str, str | None] = {
    "REDIS_URL": VALUES["REDIS_URL"],
    "VOD_API_URL": "",
    "INVOKE_API_URL": "",
}
"""Of the settings, what is on this machine in the stack."""
NOT_OURS = shutil.ignore_patterns("node_modules")

pytestmark = pytest.mark.usefixtures("needs_runtime_python")


def build_without_libraries(packages: list[Package], target: Path) -> None:
    """Write packages of our own code alone, as `make package` would; uploads are tested elsewhere."""
    whole = packages[0].folder.parents[1]
    table = noted_table(whole)
    assert table is not None
    for package in packages:
        files = read_folder(package.folder)
        kept = {name: it for name, it in files.items() if name.startswith("shared/") or "/" not in name}
        small = package_at(target, package.function)
        write_folder(small.folder, kept)
        write_zip(small.archive, kept)
    shutil.copy(whole / BILL, target)
    note_build(target, table)


@pytest.fixture
def clone(packages: list[Package], tmp_path: Path) -> Path:
    """Copy what a clone has, with set-up done, and its packages built."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in PARTS:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, clone / name, ignore=NOT_OURS)
        else:
            shutil.copy2(REPOSITORY / name, clone)
    (clone / ".venv").mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (clone / ".venv" / part).symlink_to(Path(sys.prefix) / part)
    for ready in (".ready-to-package", ".ready-to-run", ".ready-to-test"):
        (clone / ".venv" / ready).touch()
    build_without_libraries(packages, clone / "build")
    (clone / "build" / "wheels").symlink_to(BUILD / "wheels")
    return clone


@pytest.fixture
def stack(clone: Path) -> Iterator[Stack]:
    """Run VOD, the store and the functions, where the commands expect them."""
    with Stack(folder=clone / ".local", overrides={"STAGE": "prod"}) as stack:
        yield stack


@pytest.fixture
def cloud() -> Iterator[LoopbackCloud]:
    """Run the cloud that the CLI deploys to."""
    with loopback_cloud() as cloud:
        yield cloud


@pytest.fixture
def other_cloud() -> Iterator[LoopbackCloud]:
    """Run the cloud that is deployed to without the CLI."""
    with loopback_cloud() as cloud:
        yield cloud


def type_in(shown: Shown, clone: Path, **variables: str) -> None:
    """Run one command as printed, and compare its output with the page."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    path = f"{clone / 'bin'}:{clone / '.venv' / 'bin'}:{environment['PATH']}"
    run = subprocess.run(  # noqa: S603  # what the page says
        ["/bin/sh", "-c", shown.command],
        cwd=clone,
        env={**environment, "PATH": path, "HOME": str(clone.parent), "CI": "1", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )

    assert (run.returncode != 0) == shown.fails, f"$ {shown.command}\n{run.stdout}"
    assert shown.agrees(run.stdout), f"$ {shown.command}\n{plain(run.stdout)}"


def install_cli(clone: Path) -> None:
    """Install the published CLI on the path, with every request redirected to this machine."""
    program = clone / "bin" / "serverless"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec node --require "{NODE}/to_loopback.cjs" "{COMMAND_LINE}" "$@"\n')
    program.chmod(0o755)


def settings_of(stack: Stack) -> Mapping[str, str]:
    """Return the values for the example: the services are those of the stack."""
    own = {
        name: value
        for name, value in stack.environment.items()
        if name not in ("STAGE", "APP_WEBHOOK_ALLOW_INSECURE")
    }
    deployer = {"TENCENT_SECRET_ID": "AKIDexample", "TENCENT_SECRET_KEY": "example"}
    return {**VALUES, **own, **deployer, "APP_WEBHOOK_URL": "off", "APP_WEBHOOK_SECRETS": ""}


def in_the_environment(stack: Stack) -> dict[str, str]:
    """Return the variables that the page has somebody set, where VOD's callbacks are not switched on yet."""
    vod = VodCalls(load_settings(VodApiSettings, stack.environment))
    vod.set_event_configuration(EventConfiguration("PULL", "", "OFF", "OFF", "OFF"), None, sign_key=None)
    token = requests.get(f"{stack.url}/local/token", params={"user": "alice"}, timeout=10).text
    return {
        "CALLBACK_URL": f"{stack.url}/vod-callback",
        "SIGNATURE_URL": stack.url,
        "STATUS_URL": stack.url,
        "USER_TOKEN": token,
    }


def only_python(folder: Path) -> str:
    """Return a PATH with the tools of any system, the interpreter of the runtime, and no Node."""
    folder.mkdir()
    for tool in ("awk", "cat", "cp", "curl", "env", "make", "rm", "sed", "sh", "touch", "true"):
        (folder / tool).symlink_to(str(shutil.which(tool)))
    (folder / "python3.10").symlink_to(runtime_python())
    assert shutil.which("node", path=str(folder)) is None
    return str(folder)


@pytest.mark.proof
@pytest.mark.skipif(
    not COMMAND_LINE.exists(), reason="the packages that deploy are not installed: make test installs them"
)
@pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("make", "node", "curl")),
    reason="make, node or curl is missing",
)
def test_deployment_guide_does_what_it_prints(
    clone: Path,
    stack: Stack,
    cloud: LoopbackCloud,
    other_cloud: LoopbackCloud,
    tmp_path: Path,
) -> None:
    """From a copy of the repository, with its packages made before, to a signature, by the page alone.

    The CLI deploys into one cloud. With Python alone: check, plan, deploy, change, deploy, go back in another
    one; the doctor finds no fault. test_packages.py shows that a build runs no other program.
    """
    install_cli(clone)
    cloud.component = lambda deployed: run_component(
        cloud, deployed["inputs"], clone.parent, stage=deployed["stageName"]
    )
    other_cloud.scf.settling = 1
    variables = in_the_environment(stack)
    by_cli = {**variables, "LOOPBACK_PORT": str(cloud.port), API_URL: f"http://127.0.0.1:{cloud.port}"}
    python_alone = {
        **variables,
        API_URL: f"http://127.0.0.1:{other_cloud.port}",
        "PATH": f"{clone / '.venv' / 'bin'}:{only_python(tmp_path / 'tools')}",
    }
    blocks = shown_on(DEPLOYMENT.replace(BY_API, ""))
    for block in blocks:
        deploys = any(shown.command == "make deploy STAGE=prod" for shown in block)
        for shown in block:
            type_in(shown, clone, **(by_cli if deploys else python_alone))
        if any(shown.command.startswith("cp .env.example") for shown in block):
            (clone / ".env.prod").write_text(filled_example({**settings_of(stack), **IN_THE_CLOUD}), "utf-8")
        if deploys:
            for shown in (shown for block in shown_on(BY_API) for shown in block):
                type_in(shown, clone, **python_alone)
                for version in other_cloud.scf.versions.get("scf-prod-vod-upload-event_delivery", [])[:1]:
                    python_alone["RELEASE"] = version["Description"].split()[1].rstrip(".")
            # From here on the deployment is the stack, which no check would let be deployed.
            (clone / ".env.prod").write_text(filled_example(settings_of(stack)), "utf-8")

    assert len(blocks) >= 7
    assert cloud.deployed is not None
    assert len(cloud.deployed["inputs"]["functions"]) == 5
    assert {aliases["live"]["FunctionVersion"] for aliases in other_cloud.scf.aliases.values()} == {"1"}
    assert {len(listed) for listed in other_cloud.scf.versions.values()} == {2}
    assert [each.scf.refused for each in (cloud, other_cloud)] == [[], []]
    assert [len(each.scf.reserved) for each in (cloud, other_cloud)] == [2, 2]


@pytest.mark.proof
def test_operations_page_does_what_it_prints(clone: Path, stack: Stack) -> None:
    """Beside a stack whose app has asked to be left alone, and with a log of what could not be journaled."""
    url, stage = stack.environment["APP_WEBHOOK_URL"], stack.environment["STAGE"]
    raw = json.dumps(uploaded("", file_id="5576678020011223399"))
    line = {"time": time.time(), "level": "error", "event": "event.unjournaled", "requestId": "r", "raw": raw}
    (clone / "functions.log").write_text(json.dumps(line) + "\n")
    (clone / "token.txt").write_text(user_token(stack.environment, user="alice", ttl_seconds=600))
    marks = {name: int(time.time()) for name in ("delivered_at", "failing_since", "disabled_at")}
    store = Store(stack.environment["REDIS_URL"], StoreScope(stage, 7200))
    assert not store.endpoint_health(url).is_disabled
    with redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
        client.hset(f"vuf:{{{stage}.0}}:endpoint:{digest(url)}", mapping=marks)

    blocks = shown_on(OPERATIONS)
    variables = {"STATUS_URL": stack.url, "OPERATOR_TOKEN": stack.environment["HEALTH_TOKEN"]}
    for block in blocks:
        for shown in block:
            type_in(shown, clone, **variables)

    assert len(blocks) >= 3
    assert not store.endpoint_health(url).is_disabled


@pytest.mark.parametrize("page", [DEPLOYMENT, OPERATIONS], ids=["deployment", "operations"])
def test_page_names_nothing_that_is_not_there(page: str) -> None:
    """Targets, settings and fields of the log lines; what an alarm reads is a field that is written."""
    fields = set(re.findall(r"\b(?:figures|durations|calls)_[A-Za-z_]*[A-Za-z]", page))
    listed = set(re.findall(r"`((?:figures|durations|calls)_\w+)`", OPERATIONS))

    assert set(re.findall(r"`make ([a-z-]+)", page)) <= make_targets()
    assert {field for field in fields if f"{field}_…" not in page} <= listed


SAME: dict[str, tuple[str, ...]] = {
    "anything": (),
    "done in 3.5 ms": ("done in 12 ms",),
    "one\ntwo\ntwo\nthree": ("one", "…", "three"),
    "at http://x/[newest token]": ("at …[newest token]",),
    "a      b": ("a  b",),
    "01M8198VJ3MSBJV9ZXSG4D2N3K": ("01M8198VJ3MSBJV9ZXSG4D2N3J",),
}
OTHER: dict[str, tuple[str, ...]] = {
    "failed": ("done",),
    "one\ntwo\nthree": ("one", "three"),
    "two": ("one", "…"),
    "no id": ("01M8198VJ3MSBJV9ZXSG4D2N3J",),
    "": ("done",),
}


@pytest.mark.parametrize("printed", SAME)
def test_comparison_takes_other_ids_times_and_numbers(printed: str) -> None:
    """What varies from run to run may vary."""
    assert Shown("true", SAME[printed]).agrees(printed)


@pytest.mark.parametrize("printed", OTHER)
def test_comparison_takes_nothing_else(printed: str) -> None:
    """Any other difference fails the comparison."""
    assert not Shown("true", OTHER[printed]).agrees(printed)
