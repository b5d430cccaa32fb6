"""A back end's own upload through the running stack: what the app hears of a file that nobody here signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.common.credential import Credential  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.common.profile.client_profile import ClientProfile  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.common.profile.http_profile import HttpProfile  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.vod.v20180717.vod_client import VodClient  # type: ignore[import-untyped]  # no stubs exist

from tests.waiting import wait_until

if TYPE_CHECKING:
    from local.stack.stack import Stack


@pytest.mark.parametrize("scheme", ["TC3-HMAC-SHA256", "HmacSHA256"])
def test_server_upload_is_unattributed_and_verified(stack: Stack, scheme: str) -> None:
    """The app gets `vod.NewFileUpload` with SourceType ServerUpload, as VOD's own word."""
    host, _, port = stack.url.removeprefix("http://").partition(":")
    keys = Credential(stack.environment["VOD_SECRET_ID"], stack.environment["VOD_SECRET_KEY"])
    http = HttpProfile(protocol="http", endpoint=f"{host}:{port}", reqMethod="POST")
    api = VodClient(keys, "", ClientProfile(signMethod=scheme, httpProfile=http))
    applied = api.call_json("ApplyUpload", {"MediaType": "mp4", "MediaName": scheme})["Response"]
    certificate = applied["TempCertificate"]
    storage = CosS3Client(
        CosConfig(
            Region=applied["StorageRegion"],
            SecretId=certificate["SecretId"],
            SecretKey=certificate["SecretKey"],
            Token=certificate["Token"],
            Scheme="http",
            IP=host,
            Port=int(port),
        )
    )
    storage.put_object(applied["StorageBucket"], b"of a server", applied["MediaStoragePath"][1:])
    key = applied["VodSessionKey"]
    file_id = api.call_json("CommitUpload", {"VodSessionKey": key})["Response"]["FileId"]
    heard: list[dict[str, Any]] = []

    def is_heard() -> bool:
        events = requests.get(f"{stack.url}/local/events", timeout=10).json()
        heard[:] = [event["body"] for event in events if file_id in str(event)]
        return bool(heard)

    wait_until(is_heard, "the app to hear of it")
    [event] = heard
    info = event["raw"]["FileUploadEvent"]["MediaBasicInfo"]

    assert event["type"] == "vod.NewFileUpload"
    assert (event["data"]["verdict"], event["data"]["verified"]) == ("unattributed", True)
    assert info["SourceInfo"]["SourceType"] == "ServerUpload"
