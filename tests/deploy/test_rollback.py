"""`make rollback`: every alias goes back to its version of a release, with the settings it had."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from local.deploy.by_api.deployment import roll_back_by_api
from local.package.contents import LIBRARIES, PackageError
from tests.deploy.api_stage import ApiStage, name_of, state_of
from tests.deploy.loopback_cloud import LoopbackCloud, loopback_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.deploy.scf_cloud import ScfCloud


@pytest.fixture
def cloud() -> Iterator[LoopbackCloud]:
    """Run a cloud."""
    with loopback_cloud() as cloud:
        yield cloud


@pytest.fixture
def stage(cloud: LoopbackCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> ApiStage:
    """Deploy two releases that differ in the code of one function and in a setting of all."""
    stage = ApiStage(cloud, tmp_path, capsys)
    stage.directly(cloud)
    stage.deployed()
    stage.package("upload_signature", "second")
    stage.settings["REDIS_URL"] = "redis://10.0.0.9:6379"
    stage.deployed()
    cloud.calls.clear()
    return stage


def releases(stage: ApiStage) -> list[str]:
    """Return the names of the releases, the newest first."""
    return [line.split()[1] for line in stage.roll_back("").splitlines()[2:]]


def live_versions(scf: ScfCloud) -> set[str]:
    """Return the versions that the aliases point at."""
    return {aliases["live"]["FunctionVersion"] for aliases in scf.aliases.values()}


def test_releases_are_listed_with_the_one_that_is_live(stage: ApiStage) -> None:
    """Without a release to go back to, nothing changes."""
    rows = stage.roll_back("").splitlines()[2:]

    assert [row.endswith("| live |") for row in rows] == [True, False]
    assert not any(action.startswith("Update") for action in stage.cloud.actions())


def test_every_alias_goes_back_and_a_deployment_goes_forward_again(
    cloud: LoopbackCloud, stage: ApiStage
) -> None:
    """Going back moves aliases and nothing else; the newer versions are found again."""
    newest, first = releases(stage)
    cloud.calls.clear()
    printed = stage.roll_back(first)

    assert live_versions(cloud.scf) == {"1"}
    assert [action for action in cloud.actions() if not action.startswith(("Get", "List"))] == [
        "UpdateAlias"
    ] * len(LIBRARIES)
    assert [row.split()[1] for row in printed.splitlines() if row.endswith("| live |")] == [first]
    assert {(it["before"], it["after"]) for it in stage.plan()["changes"]} == {(first, newest)}
    stage.deployed()
    assert live_versions(cloud.scf) == {"2"}
    assert len(cloud.scf.versions[name_of("upload_status")]) == 2


def test_rollback_that_is_cut_off_anywhere_is_finished_by_the_next(
    cloud: LoopbackCloud, stage: ApiStage
) -> None:
    """Part of the functions are at the other release until then, as the table says."""
    _, first = releases(stage)
    start = copy.deepcopy(cloud.scf)
    calls = stage.directly(cloud.scf)
    stage.roll_back(first)
    expected = state_of(cloud.scf)
    for last in range(calls.count):
        scf = copy.deepcopy(start)
        stage.directly(scf, cut_after=last)
        assert roll_back_by_api(stage.opened(), first) != []
        stage.directly(scf)
        stage.roll_back(first)
        assert state_of(scf) == expected, last


def test_part_of_the_functions_at_a_release_is_shown_as_such(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """Whoever looks sees that a run was cut off."""
    cloud.scf.aliases[name_of("upload_status")]["live"]["FunctionVersion"] = "1"
    rows = stage.roll_back("").splitlines()[2:]

    assert [row.rpartition("| ")[2] for row in rows] == ["4 of 5 functions |", "1 of 5 functions |"]


def test_release_that_not_all_functions_have_is_refused(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """One that was cut off before everything was published is not listed, either."""
    _, first = releases(stage)
    cloud.scf.versions[name_of("event_delivery")].pop(0)

    assert first not in releases(stage)
    for unknown in (first, "0123456789ab"):
        with pytest.raises(PackageError, match=f"No release {unknown} is there with all functions"):
            roll_back_by_api(stage.opened(), unknown)
    assert live_versions(cloud.scf) == {"2"}


def test_rollback_of_what_was_never_deployed_is_told(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """The sentence says to deploy first."""
    cloud.forget()

    assert "deploy first" in roll_back_by_api(stage.opened(), "0123456789ab")[0]
