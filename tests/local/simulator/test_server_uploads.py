"""Media that a back end brings in through the server API, with Tencent's own clients."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.vod.v20180717 import models  # type: ignore[import-untyped]  # no stubs exist

from tests.local.simulator.account import HOST, Account, Applied
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"moving pictures of a server"


@contextmanager
def _elsewhere(status: int = 200) -> Iterator[str]:
    """Serve CONTENT under any path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _ask(account: Account, action: str, **parameters: object) -> dict[str, Any]:
    answer: dict[str, Any] = account.api().call_json(action, parameters)["Response"]
    return answer


def _refusal(account: Account, action: str, **parameters: object) -> str:
    with pytest.raises(TencentCloudSDKException) as refused:
        account.api().call_json(action, parameters)
    return str(refused.value.get_code())


def _applied(account: Account, **parameters: object) -> tuple[dict[str, Any], Applied]:
    """Apply, and return the answer in the client calls' form too, for the COS client."""
    answer = _ask(account, "ApplyUpload", **{"MediaType": "mp4", **parameters})
    certificate = answer["TempCertificate"]
    bucket, _, application = answer["StorageBucket"].rpartition("-")
    names = {"SecretId": "secretId", "SecretKey": "secretKey", "Token": "token"}
    return answer, Applied(
        {
            "storageBucket": bucket,
            "storageAppId": application,
            "storageRegionV5": answer["StorageRegion"],
            "tempCertificate": {wire: certificate[name] for name, wire in names.items()},
            "vodSessionKey": answer["VodSessionKey"],
        }
    )


def _events(account: Account) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = _ask(account, "PullEvents")["EventSet"]
    return events


def test_server_upload_goes_the_way_of_the_vendors_sdks(pulling: Account) -> None:
    """Apply, both files to COS under the paths without their slash, Commit (vod-python-sdk 1.4.4)."""
    request = models.ApplyUploadRequest()
    request.MediaType, request.MediaName, request.CoverType = "mp4", "lesson", "png"
    request.SourceContext, request.ClassId, request.StorageRegion = "mine", 7, "ap-seoul"
    api = pulling.api()
    applied = api.ApplyUpload(request)
    _, client = _applied(pulling, StorageRegion="ap-seoul")
    client.data["tempCertificate"] = {
        "secretId": applied.TempCertificate.SecretId,
        "secretKey": applied.TempCertificate.SecretKey,
        "token": applied.TempCertificate.Token,
    }
    storage = pulling.storage(client)
    for path, content in ((applied.MediaStoragePath, CONTENT), (applied.CoverStoragePath, b"picture")):
        storage.put_object(applied.StorageBucket, content, path[1:])
    closing = models.CommitUploadRequest()
    closing.VodSessionKey = applied.VodSessionKey
    committed, again = api.CommitUpload(closing), api.CommitUpload(closing)
    [event] = _events(pulling)
    info = event["FileUploadEvent"]["MediaBasicInfo"]

    assert applied.StorageRegion == "ap-seoul"
    assert applied.TempCertificate.ExpiredTime > pulling.clock()
    assert requests.get(committed.MediaUrl, timeout=10).content == CONTENT
    assert requests.get(committed.CoverUrl, timeout=10).content == b"picture"
    assert again.FileId == committed.FileId == event["FileUploadEvent"]["FileId"]
    assert event["EventType"] == "NewFileUpload"
    assert info["SourceInfo"] == {"SourceType": "ServerUpload", "SourceContext": "mine"}
    assert (info["Name"], info["ClassId"]) == ("lesson", 7)


def test_server_session_is_not_a_clients(pulling: Account) -> None:
    """Neither side can commit or resume what the other opened."""
    answer, _ = _applied(pulling)
    theirs = pulling.apply(1)
    key = answer["VodSessionKey"]

    for action in ("ApplyUploadUGC", "CommitUploadUGC"):
        assert pulling.call(action, signature=pulling.signature(), vodSessionKey=key)["code"] == 10001
    assert _refusal(pulling, "CommitUpload", VodSessionKey=theirs.session_key) == (
        "InvalidParameterValue.VodSessionKey"
    )


def test_commit_needs_a_session_that_lives_and_its_files(pulling: Account) -> None:
    """An unknown, a foreign, an incomplete and an old session have their codes; a deleted file too."""
    answer, client = _applied(pulling)
    key = answer["VodSessionKey"]
    invalid = "InvalidParameterValue.VodSessionKey"

    assert _refusal(pulling, "CommitUpload", VodSessionKey="unknown") == invalid
    assert _refusal(pulling, "CommitUpload", VodSessionKey=key, SubAppId=1500054321) == invalid
    assert _refusal(pulling, "CommitUpload", VodSessionKey=key) == "FailedOperation.UploadCosFail"
    pulling.storage(client).put_object(client.bucket, b"x", answer["MediaStoragePath"][1:])
    pulling.query(
        "UPDATE sessions SET opened_at = opened_at - 90000,"
        " document = json_set(document, '$.opened_at', opened_at - 90000) WHERE vod_session_key = ?",
        key,
    )
    assert _refusal(pulling, "CommitUpload", VodSessionKey=key) == invalid


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("InvalidParameterValue.MediaType", {"MediaType": ""}),
        ("InvalidParameterValue.MediaType", {"MediaType": "m/4"}),
        ("InvalidParameterValue.MediaType", {"MediaType": "mp4", "MediaName": "a/b"}),
        ("InvalidParameter.StorageRegion", {"MediaType": "mp4", "StorageRegion": "na-nowhere"}),
        ("InvalidParameterValue", {"MediaType": "mp4", "SourceContext": "x" * 251}),
        ("InvalidParameterValue.SessionContextTooLong", {"MediaType": "mp4", "SessionContext": "x" * 1001}),
    ],
)
def test_wrong_apply_has_its_code(pulling: Account, code: str, parameters: dict[str, object]) -> None:
    """What a client's signature could not say, the server call cannot either."""
    assert _refusal(pulling, "ApplyUpload", **parameters) == code


def test_pulled_media_is_reported_by_its_own_event(pulling: Account) -> None:
    """PullUpload fetches in the background, cover and task flow included."""
    with _elsewhere() as address:
        task_id = _ask(
            pulling,
            "PullUpload",
            MediaUrl=f"{address}/clip.mp4?token=1.2",
            CoverUrl=f"{address}/cover.jpg",
            MediaName="pulled",
            Procedure="TranscodeAndCover",
            SourceContext="mine",
            SessionContext="a pull",
        )["TaskId"]
        wait_until(lambda: _ask(pulling, "DescribeTaskDetail", TaskId=task_id)["Status"] == "FINISH")
    detail = _ask(pulling, "DescribeTaskDetail", TaskId=task_id)
    task = detail["PullUploadTask"]
    [event] = [event for event in _events(pulling) if event["EventType"] == "PullComplete"]
    [media] = _ask(pulling, "DescribeMediaInfos", FileIds=[task["FileId"]])["MediaInfoSet"]

    assert detail["TaskType"] == "PullUpload"
    assert event["PullCompleteEvent"] == task
    assert (task["ErrCode"], task["SessionContext"]) == (0, "a pull")
    assert media["BasicInfo"]["Name"] == "pulled"
    assert media["BasicInfo"]["SourceInfo"] == {"SourceType": "Upload", "SourceContext": "mine"}
    assert media["BasicInfo"]["CoverUrl"]
    assert task["ProcedureTaskId"]
    assert requests.get(task["FileUrl"], timeout=10).content == CONTENT


def test_pull_that_fails_says_so(pulling: Account) -> None:
    """The event comes, with a code and without a file."""
    with _elsewhere(status=404) as address:
        task_id = _ask(pulling, "PullUpload", MediaUrl=f"{address}/clip.mp4")["TaskId"]
        wait_until(lambda: _ask(pulling, "DescribeTaskDetail", TaskId=task_id)["Status"] == "FINISH")
    [event] = _events(pulling)

    assert event["PullCompleteEvent"]["ErrCode"] == 70000
    assert event["PullCompleteEvent"]["FileId"] == ""
    assert "MediaBasicInfo" not in event["PullCompleteEvent"]


def test_pull_continues_after_a_restart(tmp_path: Path) -> None:
    """What was open when the process ended begins again."""
    with _elsewhere() as address:
        with Account(tmp_path) as account:
            account.simulator._pulls._is_started = False  # noqa: SLF001  # as if it ended right away
            task_id = _ask(account, "PullUpload", MediaUrl=f"{address}/clip.mp4")["TaskId"]
            before = _ask(account, "DescribeTaskDetail", TaskId=task_id)["Status"]
        with Account(tmp_path) as account:
            wait_until(lambda: _ask(account, "DescribeTaskDetail", TaskId=task_id)["Status"] == "FINISH")

    assert before == "PROCESSING"


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("InvalidParameterValue.MediaUrl", {}),
        ("InvalidParameterValue.MediaUrl", {"MediaUrl": "file:///etc/passwd"}),
        ("InvalidParameterValue.CoverUrl", {"MediaUrl": "http://a/b.mp4", "CoverUrl": "ftp://a/b.png"}),
        ("InvalidParameterValue.MediaType", {"MediaUrl": "http://a/b"}),
    ],
)
def test_wrong_pull_has_its_code(pulling: Account, code: str, parameters: dict[str, object]) -> None:
    """Only HTTP is fetched, and the type of the media is known beforehand."""
    assert _refusal(pulling, "PullUpload", **parameters) == code
