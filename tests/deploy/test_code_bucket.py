"""Packages that go by a bucket of COS: put there first, signed as COS's own SDK signs, and named to SCF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from qcloud_cos import CosConfig  # type: ignore[import-untyped]  # the SDK has no types
from qcloud_cos.cos_auth import CosS3Auth  # type: ignore[import-untyped]  # as above

from local.deploy.value_checks import value_faults
from local.package.build import package_at
from local.package.contents import LIBRARIES
from tests.deploy.api_stage import DEPLOYER, ApiStage, name_of
from tests.deploy.loopback_cloud import LoopbackCloud, loopback_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cloud() -> Iterator[LoopbackCloud]:
    """Run a cloud with COS."""
    with loopback_cloud() as cloud:
        yield cloud


@pytest.fixture
def stage(cloud: LoopbackCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> ApiStage:
    """Prepare a stage whose packages go by a bucket."""
    return ApiStage(cloud, tmp_path, capsys, settings={"CODE_BUCKET": "code-of-ours-1250000000"})


def test_package_is_put_into_the_bucket_before_the_function_is_told(
    cloud: LoopbackCloud, stage: ApiStage
) -> None:
    """Once for the same code, and the request names bucket and object as the API wants them."""
    stage.deployed()
    created = [asked["Code"] for action, asked in cloud.calls if action == "CreateFunction"]
    stage.package("upload_signature", "second")
    stage.deployed()
    updated = [asked["Code"] for action, asked in cloud.calls if action == "UpdateFunctionCode"]

    assert {code["CosBucketName"] for code in (*created, *updated)} == {"code-of-ours"}
    assert [code["CosObjectName"] for code in (*created, *updated)] == list(cloud.objects)
    assert len(created) == len(LIBRARIES)
    assert len(updated) == 1
    newest = cloud.objects[updated[0]["CosObjectName"]][0]
    assert newest == package_at(stage.folder, "upload_signature").archive.read_bytes()
    assert cloud.scf.refused == []
    assert stage.plan()["changes"] == []


def test_request_is_signed_as_the_sdk_of_cos_signs_it(
    cloud: LoopbackCloud, stage: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the same time, with the same key, for the same object."""
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.5)
    stage.deployed()
    path, (content, headers) = next(iter(cloud.objects.items()))
    config = CosConfig(
        Region="ap-singapore",
        SecretId=DEPLOYER["TENCENT_SECRET_ID"],
        SecretKey=DEPLOYER["TENCENT_SECRET_KEY"],
    )
    request = requests.Request("PUT", f"http://{headers['Host']}{path}", data=content).prepare()
    request.headers.clear()
    request.headers["host"] = headers["Host"]
    CosS3Auth(config, key=path, expire=900)(request)

    assert path.startswith(f"/{name_of('upload_signature')}/")
    assert headers["Authorization"] == request.headers["Authorization"]


def test_bucket_that_refuses_is_told(cloud: LoopbackCloud, stage: ApiStage) -> None:
    """The sentence names the setting, and no function is created."""
    cloud.stores = False

    assert "CODE_BUCKET refuses a package with 403" in stage.deploy()[0]
    assert cloud.functions == {}


@pytest.mark.parametrize(
    ("value", "is_one"),
    [("", True), ("code-1250000000", True), ("code", False), ("Code-1250000000", False), ("code-12", False)],
)
def test_check_knows_the_name_of_a_bucket(value: str, *, is_one: bool) -> None:
    """The account's number belongs to it."""
    faults = value_faults("", {"CODE_BUCKET": value}, "dev")

    assert any(fault.startswith("CODE_BUCKET must be") for fault in faults) == (not is_one)
