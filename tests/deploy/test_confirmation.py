"""After a deployment: shares of concurrency are set, and what the cloud made of the file is read back."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from local.deploy.confirmation import confirm
from local.deploy.opened_stage import open_stage
from local.deploy.outcome import WITH_URL
from local.deploy.scf_calls import API_URL
from local.deploy.serverless_file import deployed_name, functions_in, inputs_of, sent_environment
from local.deploy.stage_variables import parse_env_file
from local.deploy.value_checks import INSTANCES
from local.deploy.yaml_file import read_yaml
from local.package.contents import PackageError
from local.repository import REPOSITORY
from tests.deploy.filled_example import SECRET, filled_example
from tests.deploy.loopback_cloud import LoopbackCloud, loopback_cloud
from tests.deploy.scf_cloud import REGION_MEGABYTES, SHARED_MEGABYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_, FILE = read_yaml(REPOSITORY / "serverless.yml")
DEPLOYER: dict[str, str | None] = {"TENCENT_SECRET_ID": "AKIDexample", "TENCENT_SECRET_KEY": f"{SECRET}-9"}
SIGNATURE, NOTIFICATION = (
    deployed_name(FILE, "dev", name) for name in ("upload_signature", "event_notification")
)


@pytest.fixture
def cloud() -> Iterator[LoopbackCloud]:
    """Run a cloud in which the stage `dev` is deployed."""
    with loopback_cloud() as cloud:
        deployed_in(cloud, parse_env_file(filled_example({})))
        yield cloud


def deployed_in(cloud: LoopbackCloud, values: dict[str, str]) -> None:
    """Create every function and URL as the component does."""
    for key, function in functions_in(FILE).items():
        name = deployed_name(FILE, "dev", key)
        sent = sent_environment(function, values, "dev")
        variables = [{"Key": variable, "Value": value} for variable, value in sent.items()]
        asked = {"FunctionName": name, "Runtime": "Python3.10", "Environment": {"Variables": variables}}
        assert cloud.scf.answer("CreateFunction", asked) == {}
        if key in WITH_URL:
            url = {"AuthType": "NONE", "NetConfig": {"EnableExtranet": True}, "ApiGwCompatible": True}
            trigger = {"Type": "http", "Qualifier": "$DEFAULT", "TriggerDesc": json.dumps(url)}
            cloud.scf.answer("CreateTrigger", {"FunctionName": name, "TriggerName": "web", **trigger})


def confirmed(
    cloud: LoopbackCloud, folder: Path, settings: dict[str, str | None] | None = None
) -> tuple[str, list[str]]:
    """Confirm the stage `dev` with these settings."""
    shutil.copy(REPOSITORY / "serverless.yml", folder)
    (folder / ".env").write_text(filled_example({**DEPLOYER, **(settings or {})}), encoding="utf-8")
    api = {API_URL: f"http://127.0.0.1:{cloud.port}"}
    return confirm(open_stage("dev", repository=folder, environment=api), "$DEFAULT")


def test_urls_are_shown_and_shares_are_set_once(cloud: LoopbackCloud, tmp_path: Path) -> None:
    """50 instances for signatures, which no flood exceeds, and 100 that are the callback's alone."""
    table, faults = confirmed(cloud, tmp_path)
    confirmed(cloud, tmp_path)

    assert faults == []
    assert cloud.scf.refused == []
    assert cloud.scf.reserved == {SIGNATURE: 50 * 256, NOTIFICATION: 100 * 256}
    assert cloud.actions().count("PutReservedConcurrencyConfig") == 2
    rows = [line for line in table.splitlines() if "https://" in line]
    assert [row.split("|")[3].strip() for row in rows] == ["50", "", "100"]


def test_shares_can_be_others_or_left_alone(cloud: LoopbackCloud, tmp_path: Path) -> None:
    """Each is a setting; `off` changes nothing."""
    settings: dict[str, str | None] = {
        "RESERVED_INSTANCES_UPLOAD_SIGNATURE": "off",
        "RESERVED_INSTANCES_EVENT_NOTIFICATION": "30",
    }

    assert confirmed(cloud, tmp_path, settings)[1] == []
    assert cloud.scf.reserved == {NOTIFICATION: 30 * 256}


def test_share_that_the_account_does_not_have_is_told(cloud: LoopbackCloud, tmp_path: Path) -> None:
    """The sentence names the setting and what to do; the others are set."""
    _, faults = confirmed(cloud, tmp_path, {"RESERVED_INSTANCES_UPLOAD_SIGNATURE": "500"})

    assert [fault for fault in faults if "lower RESERVED_INSTANCES_UPLOAD_SIGNATURE" in fault] == faults
    assert cloud.scf.reserved == {NOTIFICATION: 100 * 256}


def test_url_that_is_not_compatible_is_told(cloud: LoopbackCloud, tmp_path: Path) -> None:
    """What the cloud made of the file counts, and not what the file says."""
    cloud.forget()
    cloud.scf.compatible_urls = False
    deployed_in(cloud, parse_env_file(filled_example({})))
    _, faults = confirmed(cloud, tmp_path)

    assert len([fault for fault in faults if "does not read back apiGwCompatible: true" in fault]) == 3


def test_url_that_is_not_there_is_told(cloud: LoopbackCloud, tmp_path: Path) -> None:
    """A function without its URL answers nobody."""
    cloud.triggers.clear()

    assert len([fault for fault in confirmed(cloud, tmp_path)[1] if "it has no URL" in fault]) == 3


def test_variable_that_did_not_arrive_is_told_without_its_value(cloud: LoopbackCloud, tmp_path: Path) -> None:
    """The hosted component may take another key for the variables than the published one."""
    cloud.functions[NOTIFICATION]["Environment"]["Variables"].pop()
    _, faults = confirmed(cloud, tmp_path)

    assert faults == [f"{NOTIFICATION}: OPTIONAL_SETTINGS did not arrive as in the settings: deploy again."]


def test_function_that_is_not_there_is_told(cloud: LoopbackCloud, tmp_path: Path) -> None:
    """The engine can fail after the CLI has ended."""
    del cloud.functions[SIGNATURE]

    assert [fault for fault in confirmed(cloud, tmp_path)[1] if "deploy first" in fault] == [
        f"{SIGNATURE}: it is not there: deploy first, and look at what the engine says in the console."
    ]


def test_cloud_cannot_be_asked_without_credentials(cloud: LoopbackCloud, tmp_path: Path) -> None:
    """They are named, all at once."""
    with pytest.raises(PackageError, match="No value has TENCENT_SECRET_ID and DEPLOY_REGION: "):
        confirmed(cloud, tmp_path, {"TENCENT_SECRET_ID": "", "DEPLOY_REGION": ""})
    assert cloud.calls == []


def test_cloud_that_does_not_answer_is_told(cloud: LoopbackCloud, tmp_path: Path) -> None:
    """Each function has its sentence, none has a secret."""
    cloud.port = 9
    _, faults = confirmed(cloud, tmp_path)

    assert len(faults) == 5
    assert all("the API said " in fault and SECRET not in fault for fault in faults)


def test_document_has_the_arithmetic_of_the_shares() -> None:
    """The defaults are those of the table, and leave the account what the API demands."""
    page = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(RESERVED_\w+)` \| .* \| (\d+) \|$", page, re.MULTILINE)
    memory = inputs_of(FILE)["memorySize"]
    megabytes = sum(instances for _, instances in INSTANCES.values()) * memory
    left = REGION_MEGABYTES - megabytes

    assert {name: (setting, int(default)) for name, setting, default in rows} == INSTANCES
    assert f"{megabytes:,} MB of the {REGION_MEGABYTES - SHARED_MEGABYTES:,} MB" in page
    assert f"{left:,} MB, {left // memory} instances" in page
