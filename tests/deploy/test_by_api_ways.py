"""Two ways of deploying, one stage: URLs change only if that is meant, and no timer runs twice."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from local.deploy import __main__ as command
from local.deploy.by_api.deployment import Choices, deploy_by_api
from local.deploy.by_api.ways import changed_urls, free_timers, triggers_of_stage
from tests.deploy.api_stage import ApiStage, name_of
from tests.deploy.loopback_cloud import LoopbackCloud, loopback_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIGNATURE, DELIVERY = "upload_signature", "event_delivery"
ANYWAY = Choices(change_urls=True)


@pytest.fixture
def cloud() -> Iterator[LoopbackCloud]:
    """Run a cloud."""
    with loopback_cloud() as cloud:
        yield cloud


@pytest.fixture
def stage(cloud: LoopbackCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> ApiStage:
    """Deploy a stage, so that it looks as the CLI leaves it: all is bound to `$DEFAULT`."""
    stage = ApiStage(cloud, tmp_path, capsys)
    stage.directly(cloud)
    stage.deployed()
    cloud.scf.aliases.clear()
    for kept in cloud.triggers.values():
        for trigger in kept:
            trigger["Qualifier"] = "$DEFAULT"
            trigger["TriggerDesc"] = trigger["TriggerDesc"].replace("live.", ".")
    for function in cloud.functions.values():
        function["Description"] = ""
    cloud.scf.versions.clear()
    cloud.calls.clear()
    return stage


def bound_to(cloud: LoopbackCloud, function: str) -> list[str]:
    """Return what the triggers of a function are bound to."""
    return [trigger["Qualifier"] for trigger in cloud.triggers[name_of(function)]]


def test_stage_of_the_cli_is_not_deployed_by_the_api_unasked(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """The refusal shows each URL that would change, and each timer."""
    faults = stage.deploy()

    assert len([line for line in faults if "-> (made by the deployment)" in line]) == 3
    assert len([line for line in faults if "its timer every-minute is bound to $DEFAULT" in line]) == 2
    assert faults[-1].startswith("If that is meant: CHANGE_URLS=1.")
    assert not any(action.startswith(("Create", "Update", "Delete")) for action in cloud.actions())


def test_way_is_changed_with_the_flag_and_old_urls_stay(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """Whoever still calls an old URL is served, it is named until it is deleted, and a timer moves."""
    printed = stage.deployed(ANYWAY)
    again = stage.deployed()

    assert bound_to(cloud, SIGNATURE) == ["$DEFAULT", "live"]
    assert bound_to(cloud, DELIVERY) == ["live"]
    assert [text.count("has another URL, of $DEFAULT: https://") for text in (printed, again)] == [3, 3]
    assert again.startswith("Nothing to change")


def test_stage_of_the_api_is_not_deployed_by_the_cli_unasked(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """Its URLs would go on with the old version, and its timers could not be made a second time."""
    stage.deployed(ANYWAY)
    for kept in cloud.triggers.values():
        kept[:] = [trigger for trigger in kept if trigger["Qualifier"] == "live"]
    opened = stage.opened()
    lines = changed_urls(triggers_of_stage(opened), "$DEFAULT")

    assert len([line for line in lines if "live." in line]) == 3
    assert len([line for line in lines if "its timer every-minute is bound to live" in line]) == 2
    free_timers(opened, triggers_of_stage(opened))
    assert bound_to(cloud, DELIVERY) == []
    assert bound_to(cloud, SIGNATURE) == ["live"]


def test_new_stage_can_be_deployed_either_way(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """Where nothing is deployed, no URL changes."""
    cloud.forget()

    assert changed_urls(triggers_of_stage(stage.opened()), "$DEFAULT") == []
    assert stage.deploy() == []


def test_command_by_the_cli_refuses_before_it_starts(
    stage: ApiStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither the CLI nor a change of a timer comes before the question."""
    stage.deployed(ANYWAY)
    marker = tmp_path / "started"
    monkeypatch.setattr(command, "deploying_cli", lambda: "scf")
    monkeypatch.setattr(command, "open_stage", lambda _: stage.opened())
    monkeypatch.setattr(command, "deploy", lambda _: marker.touch())
    monkeypatch.setattr(command, "check", lambda _: [])
    monkeypatch.setattr(command, "cautions", lambda _: [])

    assert command.main(["deploy"]) == 1
    assert "VIA=cli changes what this stage is called by" in stage.capsys.readouterr().err
    assert not marker.exists()


def test_plan_for_programs_is_alone_on_standard_output(
    stage: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the checks and the steps print is for people, and goes elsewhere."""
    monkeypatch.setattr(command, "open_stage", lambda _: stage.opened())
    monkeypatch.setattr(command, "deploy_by_api", partial(deploy_by_api, build=stage.folder))
    monkeypatch.setattr(command, "check", lambda _: [])
    monkeypatch.setattr(command, "cautions", lambda _: [])

    assert command.main(["deploy", "--via", "api", "--json", "--change-urls"]) == 0
    printed = stage.capsys.readouterr()
    assert json.loads(printed.out)["stage"] == "dev"
    assert "Nothing stands in the way" in printed.err
    assert "upload_signature: CreateAlias" in printed.err


@pytest.mark.parametrize("option", ["--plan", "--json"])
def test_cli_has_no_plan(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What only the API can do is refused with the CLI, instead of deploying."""
    with pytest.raises(SystemExit):
        command.main(["deploy", option])
    assert "need --via api" in capsys.readouterr().err
