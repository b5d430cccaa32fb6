"""Every reply is as it is declared: a tour over all calls, and what the check finds wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.simulator import Procedure, Subtask
from local.simulator.replies import control, server_api, storage
from local.simulator.replies.members import (
    ALWAYS,
    Declaration,
    absent_unless,
    may_be_empty,
    objections,
    under,
)
from tests.local.simulator.account import Account, Applied, policy_fields
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

DECLARED: Declaration = {
    "Code": ALWAYS,
    **under(
        "Part[]", {"ETag": ALWAYS, "Note": may_be_empty("few have one")}, absent_unless("there are parts")
    ),
    "IsTruncated": ALWAYS,
    "Next": absent_unless("the page is truncated", holds=lambda page: page.get("IsTruncated") == "true"),
    **under("Task", {"Id": ALWAYS, "*": ALWAYS}, absent_unless("it ran")),
}
WHOLE: dict[str, Any] = {
    "Code": 0,
    "Part": [{"ETag": "a", "Note": ""}],
    "IsTruncated": "true",
    "Next": "1",
    "Task": {"Id": 1, "More": None},
}
PROBED = {"Bitrate", "Height", "Width", "Duration", "Rotate", "VideoStreamSet", "AudioStreamSet"}
PROBED |= {"VideoDuration", "AudioDuration"}
"""Members of MetaData that need a video; `test_media_probe` has them."""


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"Code": None}, ["Code is empty"]),
        ({"Colour": "red"}, ["Colour is not declared"]),
        ({"Part": [{"ETag": "", "Note": ""}]}, ["Part[].ETag is empty"]),
        ({"Part": [{"ETag": "a", "Note": ""}, {"Note": ""}]}, ["Part[].ETag is missing"]),
        ({"Part": []}, ["Part is empty"]),
        ({"IsTruncated": "false"}, ["Next is there, and it is not so that the page is truncated"]),
        ({"Task": {}}, ["Task.Id is missing", "Task is empty"]),
    ],
)
def test_difference_is_named(changes: dict[str, Any], found: list[str]) -> None:
    """A sentence for each member that is not as it is declared."""
    assert sorted(objections({**WHOLE, **changes}, DECLARED)) == sorted(found)


def test_absence_is_named_unless_it_is_declared() -> None:
    """A member that is always there may not be missing, nor one whose condition holds."""
    reply = {name: WHOLE[name] for name in ("IsTruncated", "Task")}

    assert objections(reply, DECLARED) == [
        "Code is missing",
        "Next is missing, although the page is truncated",
    ]


def test_every_declared_member_is_met_on_a_tour(tmp_path: Path) -> None:
    """No line of the declarations is about a member that no reply has; no call is without a declaration."""
    steps = ("Transcode", "AdaptiveDynamicStreaming", "SampleSnapshot", "CoverBySnapshot")
    procedure = Procedure("Everything", tuple(Subtask(step, 1) for step in steps))  # type: ignore[arg-type]  # the four
    with Account(tmp_path, mode="PULL", procedures=(procedure,)) as account:
        _tour_of_uploads(account)
        _tour_of_the_api(account)
        account.request("POST", "vodreport.qcloud.com", "/ugcupload_new", data=b"{}")
        met = account.replies.seen
        actions = set(account.simulator._actions.actions)  # noqa: SLF001  # the table of all

    declared: dict[str, Declaration] = {
        **control.CONTROL,
        "refusal": control.REFUSAL,
        "Statistics": control.STATISTICS,
        **storage.DOCUMENTS,
        "error": storage.ERROR,
        **server_api.SERVER_API,
        "Error": server_api.ERROR,
    }
    unmet = {
        name: sorted(path for path in set(members) - met.get(name, set()) if not _needs_a_video(path))
        for name, members in declared.items()
    }
    unmet_headers = {
        name: sorted({header.lower() for header in members} - met.get(f"headers of {name}", set()))
        for name, members in storage.HEADERS.items()
    }
    assert {name: paths for name, paths in unmet.items() if paths} == {}
    assert {name: headers for name, headers in unmet_headers.items() if headers} == {}
    assert actions == set(server_api.SERVER_API)


def _needs_a_video(path: str) -> bool:
    return path.endswith("*") or bool(PROBED & set(path.replace("[]", "").split(".")))


def _tour_of_uploads(account: Account) -> None:
    """Prepare, Apply with everything it can name, all storage operations, Commit, and refusals."""
    account.configure(storage_upload_domain="up.app.test", mini_program_accelerate_host="mini.app.test")
    account.call("PrepareUploadUGC", signature=account.signature())
    account.call("PrepareUploadUGC")
    applied = account.apply(signature=account.signature(procedure="Everything"), coverType="png")
    account.configure(storage_upload_domain="", mini_program_accelerate_host="")
    client = account.storage(applied)
    ids = [client.create_multipart_upload(applied.bucket, applied.key)["UploadId"] for _ in range(2)]
    client.list_multipart_uploads(applied.bucket, MaxUploads=1, EncodingType="url")
    etags = [
        client.upload_part(applied.bucket, applied.key, b"x" * 1024 * 1024, number, ids[0])["ETag"]
        for number in (1, 2)
    ]
    client.list_parts(applied.bucket, applied.key, ids[0], MaxParts=1)
    listed = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    client.complete_multipart_upload(applied.bucket, applied.key, ids[0], {"Part": listed})
    client.abort_multipart_upload(applied.bucket, applied.key, ids[1])
    client.head_object(applied.bucket, applied.key)
    client.head_bucket(applied.bucket)
    client.put_object(applied.bucket, b"c", applied.data["cover"]["storagePath"][1:])
    fields = {**policy_fields(applied), "success_action_status": "201"}
    account.request("POST", applied.host, "/", data=fields, files={"file": ("clip.mp4", b"x")})
    account.request("PUT", applied.host, f"/{applied.key}", data=b"x")
    account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)
    deleted = account.apply()
    account.storage(deleted).put_object(deleted.bucket, b"x", deleted.key)
    account.storage(deleted).delete_object(deleted.bucket, deleted.key)


def _tour_of_the_api(account: Account) -> None:
    """Every action, with what makes its optional members appear."""

    def ask(action: str, **parameters: object) -> dict[str, Any]:
        answer: dict[str, Any] = account.api().call_json(action, parameters)["Response"]
        return answer

    account.request("POST", "vod.tencentcloudapi.com", "/", data=b"x")
    [media] = ask("SearchMedia")["MediaInfoSet"]
    file_id = media["FileId"]
    attributes = ask("DescribeFileAttributes", FileId=file_id)["TaskId"]
    [flow] = ask("DescribeTasks")["TaskSet"]
    wait_until(lambda: ask("DescribeTaskDetail", TaskId=flow["TaskId"])["Status"] == "FINISH")
    ask("DescribeTaskDetail", TaskId=attributes)
    ask("DescribeMediaInfos", FileIds=[file_id, "1"])
    ask("SearchMedia")
    ask("ModifyMediaInfo", FileId=file_id, CoverData="iVBORw0KGgo=")
    ask("ForbidMediaDistribution", FileIds=[file_id], Operation="forbid")
    order = {"FileId": file_id, "SessionContext": "mine"}
    ask("ProcessMedia", **order, MediaProcessTask={"TranscodeTaskSet": [{"Definition": 1}]})
    account.configure(task_flow_step_seconds=60)
    waiting = ask("ProcessMediaByProcedure", **order, ProcedureName="Everything")["TaskId"]
    ask("ManageTask", TaskId=waiting, OperationType="Abort")
    ask("DescribeProcedureTemplates")
    ask("DescribeStorageRegions")
    ask("DescribeEventConfig")
    ask("DescribeEventsState")
    handles = [event["EventHandle"] for event in ask("PullEvents")["EventSet"]]
    ask("ConfirmEvents", EventHandles=handles)
    ask("ModifyEventConfig", DeleteMediaCompleteEventSwitch="ON")
    applied = ask("ApplyUpload", MediaType="mp4", CoverType="png")
    certificate = applied["TempCertificate"]
    names = {"secretId": "SecretId", "secretKey": "SecretKey", "token": "Token"}
    wire = {name: certificate[member] for name, member in names.items()}
    client = account.storage(Applied({"tempCertificate": wire, "storageRegionV5": applied["StorageRegion"]}))
    for kind in ("Media", "Cover"):
        client.put_object(applied["StorageBucket"], b"x", applied[f"{kind}StoragePath"][1:])
    uploaded = ask("CommitUpload", VodSessionKey=applied["VodSessionKey"])["MediaUrl"]
    pulled = ask("PullUpload", MediaUrl=uploaded)["TaskId"]
    wait_until(lambda: ask("DescribeTaskDetail", TaskId=pulled)["Status"] == "FINISH")
    other = ask("DescribeTaskDetail", TaskId=pulled)["PullUploadTask"]["FileId"]
    ask("DescribeFileAttributes", FileId=other)
    again = ask("PullUpload", MediaUrl=uploaded)["TaskId"]
    wait_until(lambda: ask("DescribeTaskDetail", TaskId=again)["Status"] == "FINISH")
    ask("DeleteMedia", FileId=file_id)
