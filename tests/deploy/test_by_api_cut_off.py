"""A deployment by the API that is cut off at any call is finished by the next one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from local.deploy.by_api.deployment import Choices
from tests.deploy.api_stage import ApiStage, name_of, state_of
from tests.deploy.loopback_cloud import LoopbackCloud, loopback_cloud
from tests.deploy.scf_cloud import ScfCloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ANYWAY = Choices(change_urls=True)


@pytest.fixture
def cloud() -> Iterator[LoopbackCloud]:
    """Run a cloud."""
    with loopback_cloud() as cloud:
        yield cloud


@pytest.fixture
def stage(cloud: LoopbackCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> ApiStage:
    """Prepare a stage that is not deployed yet."""
    return ApiStage(cloud, tmp_path, capsys)


def from_nothing(_stage: ApiStage, _scf: ScfCloud) -> None:
    """Deploy for the first time."""


def with_other_code(stage: ApiStage, _scf: ScfCloud) -> None:
    """Deploy other code, other settings and another timer over an earlier release."""
    stage.deployed()
    stage.package("upload_signature", "second")
    stage.settings["REDIS_URL"] = "redis://10.0.0.9:6379"
    stage.edits.append(("cronExpression: '30 * *", "cronExpression: '40 * *"))


def with_other_runtime(stage: ApiStage, scf: ScfCloud) -> None:
    """Deploy where a function has to be created anew."""
    stage.deployed()
    scf.functions[name_of("upload_signature")]["Runtime"] = "Python3.9"


def after_the_cli(stage: ApiStage, scf: ScfCloud) -> None:
    """Deploy where the CLI has deployed before."""
    stage.deployed()
    scf.aliases.clear()
    scf.versions.clear()
    scf.published.clear()
    for name, kept in scf.triggers.items():
        scf.functions[name]["Description"] = ""
        kept[0]["Qualifier"] = "$DEFAULT"


@pytest.mark.parametrize("prepare", [from_nothing, with_other_code, with_other_runtime, after_the_cli])
def test_deployment_that_is_cut_off_anywhere_is_finished_by_the_next(
    stage: ApiStage, prepare: Callable[[ApiStage, ScfCloud], None]
) -> None:
    """After each call took effect, which is before the next one has: the state is the same in the end."""
    scf = ScfCloud(settling=1)
    stage.directly(scf)
    prepare(stage, scf)
    start = copy.deepcopy(scf)
    calls = stage.directly(scf)
    calls.recorded = []
    stage.deployed(ANYWAY)
    expected, count = state_of(scf), calls.count
    different = []
    states = [start, *(done.state for done in calls.recorded)]
    for last in range(count):
        stage.directly(start, cut_after=last).known = calls.recorded
        assert stage.deploy(ANYWAY) != []
        # After a call that only reads, the next deployment finds what it found after the one before.
        if last and states[last] == states[last - 1]:
            continue
        scf = copy.deepcopy(states[last])
        stage.directly(scf)
        stage.deployed(ANYWAY)
        if state_of(scf) != expected or scf.refused:
            different.append((last, scf.refused))

    assert count > 60
    assert different == []


@pytest.mark.parametrize("action", ["CreateFunction", "CreateTrigger"])
@pytest.mark.parametrize("before", [True, False])
def test_connection_that_ends_without_an_answer_ends_the_run(
    cloud: LoopbackCloud, stage: ApiStage, action: str, *, before: bool
) -> None:
    """By HTTP, with the SDK: the fault says to run it again, and that is enough."""
    stage.deployed()
    cloud.cut_at = cloud.actions().index(action) + 1
    expected = state_of(cloud.scf)
    cloud.forget()
    cloud.calls.clear()
    cloud.cut_before = before
    faults = stage.deploy()
    cloud.cut_at = 0

    assert len(faults) == 1
    assert "What was done stays; run it again to go on." in faults[0]
    stage.deployed()
    assert state_of(cloud.scf) == expected
