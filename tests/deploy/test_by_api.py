"""The deployment by SCF's API: what is created, what a change comes to, and that the plan shows it."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from local.deploy.by_api.deployment import Choices
from local.package.contents import LIBRARIES, PackageError
from tests.deploy.api_stage import ApiStage, name_of
from tests.deploy.filled_example import SECRET, VALUES
from tests.deploy.loopback_cloud import LoopbackCloud, loopback_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIGNATURE, DELIVERY = "upload_signature", "event_delivery"
READING = ("Get", "List")


@pytest.fixture
def cloud() -> Iterator[LoopbackCloud]:
    """Run a cloud in which every change takes a moment."""
    with loopback_cloud() as cloud:
        cloud.scf.settling = 1
        yield cloud


@pytest.fixture
def stage(cloud: LoopbackCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> ApiStage:
    """Prepare a stage that is not deployed yet, and calls the cloud without a connection."""
    stage = ApiStage(cloud, tmp_path, capsys)
    stage.directly(cloud)
    return stage


def changing(cloud: LoopbackCloud) -> list[str]:
    """Return the actions that changed something, in order."""
    return [action for action in cloud.actions() if not action.startswith(READING)]


def test_everything_is_created_from_nothing(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """Functions, versions, aliases, URLs, timers and shares, by HTTP; no request breaks a rule of the API."""
    stage.calls = None
    printed = stage.deployed()
    name = name_of("event_notification")
    function = cloud.functions[name]
    (version,) = cloud.scf.versions[name]

    assert cloud.scf.refused == []
    assert cloud.functions.keys() == {name_of(function) for function in LIBRARIES}
    assert {
        "Runtime": "Python3.10",
        "Handler": "event_notification.main_handler",
        "Type": "Event",
        "Role": VALUES["DEPLOY_ROLE_EVENT_NOTIFICATION"],
        "MemorySize": 256,
        "Timeout": 15,
        "InitTimeout": 15,
        "VpcConfig": {"VpcId": VALUES["DEPLOY_VPC_ID"], "SubnetId": VALUES["DEPLOY_SUBNET_ID"]},
        "ClsLogsetId": VALUES["DEPLOY_CLS_LOGSET_ID"],
        "ClsTopicId": VALUES["DEPLOY_CLS_TOPIC_ID"],
    }.items() <= function.items()
    assert function["PublicNetConfig"]["PublicNetStatus"] == "ENABLE"
    assert {**version, "Version": "", "Description": "", "Status": ""} == {
        **function,
        "Version": "",
        "Description": "",
        "Status": "",
    }
    assert {aliases["live"]["FunctionVersion"] for aliases in cloud.scf.aliases.values()} == {"1"}
    triggers = [(it["Type"], it["Qualifier"]) for kept in cloud.triggers.values() for it in kept]
    assert sorted(triggers) == [("http", "live")] * 3 + [("timer", "live")] * 2
    assert sorted(cloud.scf.reserved.values()) == [50 * 256, 100 * 256]
    assert printed.count("https://") == 3


def test_functions_get_no_role_that_the_file_does_not_name(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """A member that is empty is not sent when a function is created."""
    stage.deployed()
    created = {asked["FunctionName"]: asked for action, asked in cloud.calls if action == "CreateFunction"}

    assert "Role" not in created[name_of(SIGNATURE)]
    assert stage.changes() == []


def test_second_run_changes_nothing(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """The plan is empty, and no call is made that could change anything."""
    stage.deployed()
    cloud.calls.clear()
    printed = stage.deployed()

    assert printed.startswith("Nothing to change: release ")
    assert changing(cloud) == []


def test_plan_changes_nothing(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """What is only shown is not done."""
    printed = stage.deployed(Choices(plan_only=True))

    assert len([line for line in printed.splitlines() if "| function | create |" in line]) == 5
    assert changing(cloud) == []


def memory(stage: ApiStage) -> None:
    """Set more memory for every function."""
    stage.edits.append(("memorySize: 256", "memorySize: 512"))
    stage.settings |= dict.fromkeys(
        ("RESERVED_INSTANCES_UPLOAD_SIGNATURE", "RESERVED_INSTANCES_EVENT_NOTIFICATION"), "off"
    )


def joined_setting(stage: ApiStage) -> None:
    """Set one of the settings that stand in one variable."""
    stage.settings["RENEWALS_PER_MINUTE"] = "30"


def own_setting(stage: ApiStage) -> None:
    """Exchange a secret that five functions have."""
    stage.settings["REDIS_URL"] = f"redis://:{SECRET}-new@10.0.0.1:6379"


def timer(stage: ApiStage) -> None:
    """Let a timer fire at another second."""
    stage.edits.append(("cronExpression: '30 * *", "cronExpression: '40 * *"))


def code(stage: ApiStage) -> None:
    """Package other code for one function."""
    stage.package(SIGNATURE, "second")


def network(stage: ApiStage) -> None:
    """Choose another subnet."""
    stage.settings["DEPLOY_SUBNET_ID"] = "subnet-9z8y7x6w"


def layers(stage: ApiStage) -> None:
    """Bind a layer, as CustomRuntime needs one with its Python."""
    stage.edits.append(
        ("  memorySize: 256", "  layers: [{name: vod-upload-python, version: 1}]\n  memorySize: 256")
    )


def share(stage: ApiStage) -> None:
    """Reserve more instances for the signatures."""
    stage.settings["RESERVED_INSTANCES_UPLOAD_SIGNATURE"] = "60"


EACH = list(LIBRARIES)
CHANGES: list[tuple[Callable[[ApiStage], None], list[tuple[str, str, str]]]] = [
    (memory, [(function, "MemorySize", "update") for function in EACH]),
    (joined_setting, [(SIGNATURE, "RENEWALS_PER_MINUTE", "update")]),
    (own_setting, [(function, "REDIS_URL", "update") for function in EACH]),
    (timer, [(DELIVERY, "timer every-minute", "update")]),
    (code, [(SIGNATURE, "code", "update")]),
    (network, [(function, "SubnetId", "update") for function in EACH]),
    (layers, [(function, "Layers", "update") for function in EACH]),
    (share, [(SIGNATURE, "share of concurrency", "update")]),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=lambda it: getattr(it, "__name__", ""))
def test_plan_shows_exactly_what_is_changed(
    cloud: LoopbackCloud,
    stage: ApiStage,
    change: Callable[[ApiStage], None],
    expected: list[tuple[str, str, str]],
) -> None:
    """And after it is carried out, there is nothing more to do."""
    stage.deployed()
    change(stage)

    assert stage.changes() == expected
    stage.deployed()
    assert stage.plan()["changes"] == []
    assert cloud.scf.refused == []


def test_release_is_published_for_all_functions_before_any_alias_moves(
    cloud: LoopbackCloud, stage: ApiStage
) -> None:
    """Five aliases do not move together, but nothing slow is between them."""
    stage.deployed()
    cloud.calls.clear()
    code(stage)
    stage.deployed()

    assert [action for action in changing(cloud) if "Function" not in action] == [
        *["PublishVersion"] * 5,
        *["UpdateAlias"] * 5,
    ]


def test_nothing_is_published_for_a_timer_or_a_share(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """A version holds code and configuration; the rest belongs to the function."""
    stage.deployed()
    cloud.calls.clear()
    timer(stage)
    share(stage)
    stage.deployed()

    assert changing(cloud) == ["UpdateTrigger", "PutReservedConcurrencyConfig"]


def test_values_of_settings_are_shown_as_digests_of_a_key(stage: ApiStage) -> None:
    """Whoever reads the plan sees that a secret is another, and cannot try out which one it is."""
    stage.deployed()
    own_setting(stage)
    shown = [stage.deployed(Choices(plan_only=True)), json.dumps(stage.plan())]
    rows = [it for it in stage.plan()["changes"] if it["subject"] == "REDIS_URL"]
    stage.settings["TENCENT_SECRET_KEY"] = "another"
    others = [it for it in stage.plan()["changes"] if it["subject"] == "REDIS_URL"]

    assert not any(SECRET in text for text in shown)
    assert all(len(it["after"]) == 9 for it in rows)
    assert {it["before"] for it in rows}.isdisjoint(it["after"] for it in rows)
    assert [it["after"] for it in rows] != [it["after"] for it in others]


@pytest.mark.parametrize(
    ("changed", "subject"),
    [
        ({"MemorySize": 512}, "MemorySize"),
        ({"Handler": "upload_status.main_handler"}, "Handler"),
        ({"Role": "another-role"}, "Role"),
        ({"Code": {"ZipFile": "UEs="}}, "code"),
        ({"Description": ""}, "code"),
        ({"Environment": {"Variables": []}}, "REDIS_URL"),
    ],
)
def test_what_somebody_else_changed_is_seen(
    cloud: LoopbackCloud, stage: ApiStage, changed: dict[str, Any], subject: str
) -> None:
    """By the console, or by the CLI: the plan names it, and it is put right; callers had the version."""
    stage.deployed()
    cloud.functions[name_of(SIGNATURE)].update(changed)

    assert (SIGNATURE, subject, "update") in stage.changes()
    stage.deployed()
    assert stage.changes() == []
    assert cloud.scf.aliases[name_of(SIGNATURE)]["live"]["FunctionVersion"] == "1"


def test_other_runtime_needs_a_new_function_and_another_url(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """The API changes no runtime; without the flag the function stays as it is."""
    stage.deployed()
    cloud.functions[name_of(SIGNATURE)]["Runtime"] = "Python3.9"
    before = stage.cloud.triggers[name_of(SIGNATURE)][0]
    faults = stage.deploy()

    assert (SIGNATURE, "function", "recreate") in stage.changes()
    assert "upload_signature: https://" in faults[1]
    assert "CHANGE_URLS=1" in faults[-1]
    assert "DeleteFunction" not in cloud.actions()
    stage.deployed(Choices(change_urls=True))
    assert cloud.functions[name_of(SIGNATURE)]["Runtime"] == "Python3.10"
    assert cloud.triggers[name_of(SIGNATURE)] == [before]
    assert stage.plan()["changes"] == []


def test_alias_that_shares_its_calls_gets_all_of_them_again(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """A part of the calls that goes to another version would be forgotten there."""
    stage.deployed()
    weights = {"AdditionalVersionWeights": [{"Version": "1", "Weight": 0.1}]}
    cloud.scf.aliases[name_of(SIGNATURE)]["live"]["RoutingConfig"] = weights
    stage.deployed()

    assert cloud.scf.aliases[name_of(SIGNATURE)]["live"]["RoutingConfig"] == {"AdditionalVersionWeights": []}


def test_old_versions_are_deleted_but_not_those_of_an_alias(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """Ten stay, and one that somebody else points at."""
    for number in range(12):
        stage.package(SIGNATURE, str(number))
        stage.deployed()
        if number == 0:
            held = {"Name": "mine", "FunctionVersion": "1", "RoutingConfig": {}}
            cloud.scf.aliases[name_of(SIGNATURE)]["mine"] = held

    numbers = {name: [int(it["Version"]) for it in listed] for name, listed in cloud.scf.versions.items()}
    assert numbers.pop(name_of(SIGNATURE)) == [1, *range(3, 13)]
    assert list(numbers.values()) == [list(range(3, 13))] * 4


@pytest.mark.parametrize("state", ["CreateFailed", "UpdateFailed"])
def test_failure_of_the_platform_is_told_and_mended_by_the_next_run(
    cloud: LoopbackCloud, stage: ApiStage, state: str
) -> None:
    """A function that could not be created is created anew; other code replaces what failed."""
    if state == "UpdateFailed":
        stage.deployed()
        code(stage)
    cloud.scf.failing[name_of(SIGNATURE)] = state
    faults = stage.deploy()

    assert len(faults) == 1
    assert f"{state}: no room" in faults[0]
    assert "run it again" in faults[0]
    stage.deployed()
    assert stage.plan()["changes"] == []


def test_calls_that_are_too_many_are_repeated(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """Five times; whatever else is refused is not."""
    cloud.scf.rate_limited = 5
    stage.deployed()
    cloud.scf.rate_limited = 6

    assert "RequestLimitExceeded" in stage.deploy()[0]


def test_function_that_stays_busy_is_not_waited_for_for_ever(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """Two minutes, and a sentence."""
    stage.deployed()
    cloud.scf.busy[name_of(SIGNATURE)] = 1000

    assert "still so after 120 s" in stage.deploy()[0]


def test_share_that_the_account_does_not_have_is_told(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """With what to do; everything else is done by then."""
    stage.settings["RESERVED_INSTANCES_UPLOAD_SIGNATURE"] = "500"

    assert "lower RESERVED_INSTANCES_UPLOAD_SIGNATURE" in stage.deploy()[0]
    assert len(cloud.triggers) == 5


def test_package_that_is_not_there_is_told(stage: ApiStage) -> None:
    """The sentence says what makes it."""
    (stage.folder / "zips" / "upload-status.zip").unlink()

    with pytest.raises(PackageError, match="upload_status has no zip: run make package"):
        stage.deploy()


def test_key_of_the_component_that_the_api_way_does_not_know_is_told(stage: ApiStage) -> None:
    """It would be dropped without a word."""
    stage.edits.append(("  memorySize: 256", "  tags: [{key: team, value: video}]\n  memorySize: 256"))

    with pytest.raises(PackageError, match="tags of upload_signature: VIA=api does not set it"):
        stage.deploy()


def test_stage_shows_no_secret_of_itself(stage: ApiStage) -> None:
    """Neither its variables nor its credentials are in its text."""
    assert repr(stage.opened()) == "OpenedStage('dev')"
    assert dataclasses.is_dataclass(stage.opened())
