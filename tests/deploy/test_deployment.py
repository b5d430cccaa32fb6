"""A deployment with the published packages, up to the requests they send: the cloud is on this machine."""

from __future__ import annotations

import copy
import io
import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from local.deploy.serverless_file import (
    OWN_STAGE,
    environment_of,
    functions_in,
    sent_environment,
    settings_of,
    variables_read,
)
from local.deploy.stage_variables import parse_env_file
from local.package.archive import read_folder
from local.package.contents import LIBRARIES
from local.repository import REPOSITORY
from shared.config.settings import JOINED, separated
from tests.deploy.filled_example import VALUES, filled_example
from tests.deploy.loopback_cloud import LoopbackCloud, loopback_cloud
from tests.deploy.proof import COMMAND_LINE, PREFIX, run_command_line, run_component

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.package.build import Package
    from tests.deploy.scf_cloud import ScfCloud

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(
        not COMMAND_LINE.exists() or shutil.which("node") is None,
        reason="the packages that deploy are not installed: make test installs them",
    ),
]


@pytest.fixture(scope="module")
def cloud(packages: list[Package], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackCloud]:
    """Deploy the stage `dev` once with the command line, from a folder of its own."""
    folder = tmp_path_factory.mktemp("deployment")
    shutil.copy(REPOSITORY / "serverless.yml", folder)
    (folder / "build").symlink_to(packages[0].folder.parents[1])
    (folder / ".env").write_text(filled_example({}), encoding="utf-8")
    with loopback_cloud() as cloud:
        run_command_line(cloud, folder)
        yield cloud


@pytest.fixture(scope="module")
def inputs(cloud: LoopbackCloud) -> dict[str, Any]:
    """Return what the engine was asked to deploy."""
    assert cloud.deployed is not None
    return dict(cloud.deployed["inputs"])


def test_uploaded_zip_holds_every_package_and_nothing_else(
    cloud: LoopbackCloud, packages: list[Package]
) -> None:
    """What leaves the machine is what was built: each function's folder, byte for byte."""
    with zipfile.ZipFile(io.BytesIO(cloud.uploaded)) as archive:
        uploaded = {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}
    built = {
        f"{package.folder.name}/{name}": content
        for package in packages
        for name, content in read_folder(package.folder).items()
    }

    assert uploaded.keys() - built.keys() == {"src.map"}  # the command line's own list of digests
    assert built == {name: content for name, content in uploaded.items() if name != "src.map"}


@pytest.mark.parametrize("function", LIBRARIES)
def test_component_finds_the_package_of_a_function_by_its_name(
    cloud: LoopbackCloud, packages: list[Package], inputs: dict[str, Any], function: str
) -> None:
    """It takes every path in which the name occurs, and that is the function's own folder alone."""
    (package,) = [package for package in packages if package.function == function]
    name = inputs["functions"][function]["src"].replace("./", "")
    with zipfile.ZipFile(io.BytesIO(cloud.uploaded)) as archive:
        taken = [entry for entry in archive.namelist() if name in entry and not entry.endswith("/")]

    assert sorted(taken) == [f"{name}/{file}" for file in sorted(read_folder(package.folder))]


def test_every_variable_arrives_with_its_value(inputs: dict[str, Any]) -> None:
    """No name is lost on the way, and none has the text `undefined`."""
    file = yaml.safe_load((REPOSITORY / "serverless.yml").read_text(encoding="utf-8"))
    text = json.dumps(inputs)

    assert "undefined" not in text
    assert variables_read(text) == set()
    for name, function in functions_in(file).items():
        arrived = environment_of(inputs["functions"][name])
        settings = separated(arrived.pop(JOINED)) | arrived
        expected = {key: VALUES[key] for key in settings_of(function) if VALUES.get(key)}
        assert settings == {**expected, "STAGE": OWN_STAGE}  # the engine itself knows the stage


def test_check_adds_up_what_the_command_line_sends(inputs: dict[str, Any]) -> None:
    """The variables that the check holds against the limits are those that arrive, byte for byte."""
    file = yaml.safe_load((REPOSITORY / "serverless.yml").read_text(encoding="utf-8"))
    values = parse_env_file(filled_example({}))

    for name, function in functions_in(file).items():
        assert sent_environment(function, values, OWN_STAGE) == environment_of(inputs["functions"][name])


Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def rounds(
    cloud: LoopbackCloud, inputs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Calls, ScfCloud]]:
    """Have the component deploy twice, and return the calls and SCF's state of each time."""
    made = []
    for _ in range(2):
        cloud.calls.clear()
        run_component(cloud, inputs, tmp_path_factory.mktemp("component"))
        made.append((list(cloud.calls), copy.deepcopy(cloud.scf)))
    return made


def test_functions_and_triggers_are_created_once_and_then_updated(
    rounds: list[tuple[Calls, ScfCloud]],
) -> None:
    """The component's library makes five functions, three URLs and two timers; the second time, none."""
    (first, _), (second, scf) = rounds

    made = [asked["FunctionName"] for action, asked in first if action == "CreateFunction"]
    assert sorted(made) == sorted(f"{PREFIX}-{function}" for function in LIBRARIES)
    triggers = [asked for action, asked in first if action == "CreateTrigger"]
    assert sorted(asked["Type"] for asked in triggers) == ["http", "http", "http", "timer", "timer"]
    assert scf.refused == []
    changes = {action for action, _ in second if not action.startswith(("Get", "List", "Describe"))}
    assert changes == {"UpdateFunctionCode", "UpdateFunctionConfiguration", "UpdateTrigger"}


def test_function_is_created_as_the_file_says(
    rounds: list[tuple[Calls, ScfCloud]], inputs: dict[str, Any]
) -> None:
    """Runtime, handler, role, network, logs and variables come through under the API's names."""
    (_, created), _ = rounds
    asked = created.functions[f"{PREFIX}-event_notification"]
    variables = {entry["Key"]: entry["Value"] for entry in asked["Environment"]["Variables"]}
    url = json.loads(created.triggers[f"{PREFIX}-event_notification"][0]["TriggerDesc"])

    assert {
        "Runtime": "Python3.10",
        "Handler": "event_notification.main_handler",
        "Role": VALUES["DEPLOY_ROLE_EVENT_NOTIFICATION"],
        "MemorySize": "256",
        "Timeout": "15",
        "InitTimeout": "15",
        "VpcConfig": {"VpcId": VALUES["DEPLOY_VPC_ID"], "SubnetId": VALUES["DEPLOY_SUBNET_ID"]},
        "ClsLogsetId": VALUES["DEPLOY_CLS_LOGSET_ID"],
        "ClsTopicId": VALUES["DEPLOY_CLS_TOPIC_ID"],
        "Code": {"CosBucketName": "code", "CosObjectName": "/event-notification.zip"},
    }.items() <= asked.items()
    assert asked["PublicNetConfig"]["PublicNetStatus"] == "ENABLE"
    assert variables == environment_of(inputs["functions"]["event_notification"]) | {"STAGE": "dev"}
    assert url.pop("NetConfig").items() >= {"EnableIntranet": False, "EnableExtranet": True}.items()
    assert url == {"AuthType": "NONE", "ApiGwCompatible": True}


def test_each_function_gets_its_own_role_or_none(rounds: list[tuple[Calls, ScfCloud]]) -> None:
    """Functions that call the VOD API get the role made for them; the others get no credentials (S43)."""
    (_, created), _ = rounds

    assert {
        name.removeprefix(f"{PREFIX}-"): asked.get("Role") for name, asked in created.functions.items()
    } == {
        "upload_signature": None,
        "upload_status": None,
        **{
            function: VALUES[f"DEPLOY_ROLE_{function.upper()}"]
            for function in ("event_notification", "reliable_notification", "event_delivery")
        },
    }
