"""The packages, built once for the whole run, and local stacks whose functions run from them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import zipfile
from typing import TYPE_CHECKING, Any, Protocol

import pytest

import local.stack.system
from local.deploy.serverless_file import functions_in, inputs_of, sent_environment, variables_read
from local.deploy.yaml_file import read_yaml
from local.package import measure
from local.package.__main__ import build
from local.package.build import BUILD, Package, package_at, place_of, read_libraries
from local.package.contents import LIBRARIES, MissingToolError
from local.package.interpreter import runtime_python
from local.package.package_checks import Packaged, packaged
from local.repository import REPOSITORY
from local.simulator import RoleCredential
from local.stack.stack import Stack
from tests.deploy.packaged_instances import Deployed, PackagedInstances
from tests.shared.jwks_server import KeyServer, rsa_jwk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ROLE = RoleCredential("AKIDrole", "role-key", "role-token")
ROLE_VARIABLES = {
    "TENCENTCLOUD_SECRETID": ROLE.secret_id,
    "TENCENTCLOUD_SECRETKEY": ROLE.secret_key,
    "TENCENTCLOUD_SESSIONTOKEN": ROLE.token,
}
"""What the platform passes to a function that has an execution role."""
LOOPBACK_RECEIVER = {"APP_WEBHOOK_ALLOW_INSECURE": "1"}
"""Never deployed; in the tests the app's endpoint is on this machine."""


@pytest.fixture(scope="session")
def needs_runtime_python() -> None:
    """Skip if the runtime's Python is missing."""
    try:
        runtime_python()
    except MissingToolError as error:
        pytest.skip(str(error))


@contextlib.contextmanager
def shared_folder(factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """Lock and return a folder that all processes of the run have."""
    base = factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Package]:
    """Build every package once, also when several processes run the tests."""
    with shared_folder(tmp_path_factory, "build") as target:
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(measure, "REPEATS", 1)  # of seconds that no test reads
                build(target)
        except MissingToolError as error:
            pytest.skip(str(error))
    return [package_at(target, function) for function in LIBRARIES]


@pytest.fixture(scope="session")
def built(packages: list[Package]) -> Packaged:
    """Read once what the packages hold."""
    return packaged(packages[0].folder.parents[1])


@pytest.fixture
def copied_build(packages: list[Package], tmp_path: Path) -> Path:
    """Link all packages into a folder of the test's own; a file that is changed there is unlinked first."""
    functions = packages[0].folder.parent
    shutil.copytree(functions, tmp_path / "build" / functions.name, copy_function=os.link)
    return tmp_path / "build"


@pytest.fixture(scope="session")
def unpacked(packages: list[Package], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Unpack each zip into an empty read-only folder, like /var/user."""
    folders = {}
    for package in packages:
        folder = tmp_path_factory.mktemp(package.function)
        with zipfile.ZipFile(package.archive) as archive:
            archive.extractall(folder)
        for path in (*folder.rglob("*"), folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        folders[package.function] = folder
    return folders


class Deploy(Protocol):
    """Deploys every function with the environment that `serverless.yml` passes to it."""

    def __call__(self, environment: Mapping[str, str]) -> PackagedInstances:
        """Deploy; nothing is started yet."""


class StartStack(Protocol):
    """Starts a stack; the keywords are those of `local.stack.system.SystemOptions`."""

    def __call__(self, *, off: frozenset[str] = ..., **options: Any) -> tuple[Stack, PackagedInstances]:  # noqa: ANN401  # as there
        """Start it without the timers of `off`; return it and the instances of its functions."""


@pytest.fixture
def deploy(unpacked: Mapping[str, Path], tmp_path: Path) -> Deploy:
    """Deploy the packages."""
    text, file = read_yaml(REPOSITORY / "serverless.yml")
    nothing = dict.fromkeys(variables_read(text), "")

    def deploy(environment: Mapping[str, str]) -> PackagedInstances:
        deployed = {
            function: Deployed(
                package=unpacked[function],
                variables={
                    **sent_environment(entry, {**nothing, **environment}, environment["STAGE"]),
                    **LOOPBACK_RECEIVER,
                    **ROLE_VARIABLES,
                },
                time_limit=entry.get("timeout", inputs_of(file)["timeout"]),
            )
            for function, entry in functions_in(file).items()
        }
        return PackagedInstances(deployed, folder=tmp_path / "instances")

    return deploy


@pytest.fixture
def packaged_stack(deploy: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartStack]:
    """Start local stacks whose functions run from their packages."""
    with contextlib.ExitStack() as parts:

        def start(
            *,
            off: frozenset[str] = frozenset(),
            **options: Any,  # noqa: ANN401  # as above
        ) -> tuple[Stack, PackagedInstances]:
            made: list[PackagedInstances] = []

            def instances(environment: Mapping[str, str], **_: object) -> PackagedInstances:
                made.append(deploy(environment))
                made[0].off = off
                return made[0]

            monkeypatch.setattr(local.stack.system, "Instances", instances)
            simulator = {"role_credentials": (ROLE,), **options.pop("simulator", {})}
            stack = Stack(folder=tmp_path / "stack", simulator=simulator, timer_seconds=0.5, **options)
            return parts.enter_context(stack), made[0]

        yield start


@pytest.fixture(scope="session")
def library_of(packages: list[Package]) -> Mapping[str, str]:
    """Return for each file of the packages the library that brought it."""
    assert packages  # built, so the wheels are there
    libraries = read_libraries(BUILD / "wheels")
    return {place_of(name): library for library, files in libraries.items() for name in files}


@pytest.fixture
def key_set_url() -> Iterator[str]:
    """Publish the public half of the first RSA key, as a login service does."""
    with KeyServer() as server:
        server.publish(rsa_jwk("first"))
        yield server.keys_url
