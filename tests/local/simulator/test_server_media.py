"""The server API on finished media and on tasks: change, forbid, delete, process, abort."""

from __future__ import annotations

import base64
import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # no stubs exist

from local.simulator.database import Database
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.local.simulator.account import Account

PNG = b"\x89PNG picture"


def _ask(account: Account, action: str, **parameters: object) -> dict[str, Any]:
    answer: dict[str, Any] = account.api().call_json(action, parameters)["Response"]
    return answer


def _refusal(account: Account, action: str, **parameters: object) -> str:
    with pytest.raises(TencentCloudSDKException) as refused:
        account.api().call_json(action, parameters)
    return str(refused.value.get_code())


def _info(account: Account, file_id: str) -> dict[str, Any]:
    [media] = _ask(account, "DescribeMediaInfos", FileIds=[file_id])["MediaInfoSet"]
    info: dict[str, Any] = media["BasicInfo"]
    return info


def _file_id(account: Account) -> str:
    return str(account.upload()["data"]["fileId"])


def test_media_is_changed_where_it_is_named(pulling: Account) -> None:
    """ModifyMediaInfo changes what it names; the cover's address is answered where there is one."""
    file_id = _file_id(pulling)
    cover = base64.b64encode(PNG).decode()
    plain = _ask(pulling, "ModifyMediaInfo", FileId=file_id, Name="new", ClassId=3, AddTags=["a", "b"])
    covered = _ask(pulling, "ModifyMediaInfo", FileId=file_id, CoverData=cover, DeleteTags=["a"])
    _ask(
        pulling,
        "ModifyMediaInfo",
        FileId=file_id,
        Description="told",
        ExpireTime="2030-01-01T00:00:00Z",
    )
    info = _info(pulling, file_id)
    _ask(pulling, "ModifyMediaInfo", FileId=file_id, ClearTags=1)

    assert "CoverUrl" not in plain
    assert covered["CoverUrl"] == info["CoverUrl"]
    assert requests.get(info["CoverUrl"], timeout=10).content == PNG
    assert (info["Name"], info["ClassId"], info["TagSet"]) == ("new", 3, ["b"])
    assert (info["Description"], info["ExpireTime"]) == ("told", "2030-01-01T00:00:00Z")
    assert _info(pulling, file_id)["TagSet"] == []


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("InvalidParameterValue.Name", {"Name": "x" * 65}),
        ("InvalidParameterValue.Description", {"Description": "x" * 129}),
        ("InvalidParameterValue.ImageDecodeError", {"CoverData": "?"}),
        ("InvalidParameterValue.PicFormatError", {"CoverData": "dGV4dA=="}),
        ("InvalidParameterValue.AddTagsAndClearTagsConflict", {"AddTags": ["a"], "ClearTags": 1}),
        ("InvalidParameterValue.AddTagsAndDeleteTagsConflict", {"AddTags": ["a"], "DeleteTags": ["a"]}),
        ("LimitExceeded.TagCountReachMax", {"AddTags": [str(n) for n in range(17)]}),
    ],
)
def test_wrong_change_has_its_code(pulling: Account, code: str, parameters: dict[str, object]) -> None:
    """Nothing is changed then."""
    assert _refusal(pulling, "ModifyMediaInfo", FileId=_file_id(pulling), **parameters) == code


@pytest.mark.parametrize(
    "action", ["ModifyMediaInfo", "DeleteMedia", "DescribeFileAttributes", "ProcessMediaByProcedure"]
)
def test_media_of_nobody_has_its_code(pulling: Account, action: str) -> None:
    """A file that does not exist, or is another application's."""
    more = {"ProcedureName": "TranscodeAndCover"} if action == "ProcessMediaByProcedure" else {}
    foreign = {"FileId": _file_id(pulling), "SubAppId": 1500054321}

    assert _refusal(pulling, action, FileId="1", **more) == "ResourceNotFound.FileNotExist"
    assert _refusal(pulling, action, **foreign, **more) == "ResourceNotFound.FileNotExist"


def test_call_about_files_takes_twenty(pulling: Account) -> None:
    """The API model's limit of DescribeMediaInfos; a call without a file is refused as well."""
    file_ids = [_file_id(pulling), *map(str, range(19))]

    answer = _ask(pulling, "DescribeMediaInfos", FileIds=file_ids)
    assert ([it["FileId"] for it in answer["MediaInfoSet"]], len(answer["NotExistFileIdSet"])) == (
        file_ids[:1],
        19,
    )
    for wrong in ([*file_ids, "19"], []):
        assert _refusal(pulling, "DescribeMediaInfos", FileIds=wrong) == "InvalidParameterValue.FileIds"


def test_forbidden_media_is_not_served(pulling: Account) -> None:
    """It is there, its status says so, and it can be recovered."""
    file_id = _file_id(pulling)
    url = _info(pulling, file_id)["MediaUrl"]
    answer = _ask(pulling, "ForbidMediaDistribution", FileIds=[file_id, "1"], Operation="forbid")
    forbidden = requests.get(url, timeout=10).status_code, _info(pulling, file_id)["Status"]
    _ask(pulling, "ForbidMediaDistribution", FileIds=[file_id], Operation="recover")

    assert answer["NotExistFileIdSet"] == ["1"]
    assert forbidden == (403, "Forbidden")
    assert (requests.get(url, timeout=10).status_code, _info(pulling, file_id)["Status"]) == (200, "Normal")
    assert _refusal(pulling, "ForbidMediaDistribution", FileIds=[file_id], Operation="hide") == (
        "InvalidParameterValue.Operation"
    )


@pytest.mark.parametrize(("storage_class", "status"), [("STANDARD_IA", "Forbidden"), ("ARCHIVE", "Normal")])
def test_media_of_two_storage_classes_alone_is_forbidden(
    pulling: Account, storage_class: str, status: str
) -> None:
    """Another class is refused (266/40636)."""
    file_id = _file_id(pulling)
    with closing(Database(pulling.settings.folder / "simulator.sqlite3")) as database, database.transaction():
        change = "UPDATE media SET document = json_set(document, '$.storage_class', ?) WHERE file_id = ?"
        database.change(change, storage_class, file_id)

    forbid = {"FileIds": [file_id], "Operation": "forbid"}
    if status == "Forbidden":
        _ask(pulling, "ForbidMediaDistribution", **forbid)
    else:
        code = _refusal(pulling, "ForbidMediaDistribution", **forbid)
        assert code == "InvalidParameterValue.UnsupportedStorageClass"
    info = _info(pulling, file_id)
    assert (info["Status"], info["StorageClass"]) == (status, storage_class)


@pytest.mark.parametrize(("switch", "events"), [("OFF", []), ("ON", ["FileDeleted"])])
def test_deleted_media_is_gone(pulling: Account, switch: str, events: list[str]) -> None:
    """Its files, its outputs and its answers; the event is off by default."""
    _ask(pulling, "ModifyEventConfig", DeleteMediaCompleteEventSwitch=switch)
    file_id = _file_id(pulling)
    url = _info(pulling, file_id)["MediaUrl"]
    _ask(pulling, "DeleteMedia", FileId=file_id)
    pulled = [event for event in _ask(pulling, "PullEvents")["EventSet"] if "FileDeleteEvent" in event]

    assert requests.get(url, timeout=10).status_code == 404
    assert _ask(pulling, "DescribeMediaInfos", FileIds=[file_id])["NotExistFileIdSet"] == [file_id]
    assert [event["EventType"] for event in pulled] == events
    assert all(event["FileDeleteEvent"]["FileIdSet"] == [file_id] for event in pulled)
    assert _refusal(pulling, "DeleteMedia", FileId=_file_id(pulling), DeleteParts=[{"Type": "x"}]) == (
        "UnsupportedOperation"
    )


def test_task_flow_of_deleted_media_ends(pulling: Account) -> None:
    """Nothing can be made of a file that is gone."""
    pulling.configure(task_flow_step_seconds=0.3)
    file_id = _file_id(pulling)
    _ask(pulling, "ProcessMediaByProcedure", FileId=file_id, ProcedureName="TranscodeAndCover")
    _ask(pulling, "DeleteMedia", FileId=file_id)

    wait_until(lambda: _ask(pulling, "DescribeTasks", FileId=file_id)["TaskSet"][0]["Status"] == "ABORTED")


@pytest.mark.parametrize("action", ["ProcessMedia", "ProcessMediaByProcedure"])
def test_media_is_processed_by_order(pulling: Account, action: str) -> None:
    """A flow that no upload started is reported and found like any other, under its session id."""
    file_id = _file_id(pulling)
    transcode = {"TranscodeTaskSet": [{"Definition": 100030}]}
    what: dict[str, object] = {"ProcedureName": "TranscodeAndCover"}
    what = {"MediaProcessTask": transcode} if action == "ProcessMedia" else what
    order = {"SessionId": f"once {action}", "SessionContext": "again", "TasksPriority": 5}
    task_id = _ask(pulling, action, FileId=file_id, **what, **order)["TaskId"]
    wait_until(lambda: _ask(pulling, "DescribeTaskDetail", TaskId=task_id)["Status"] == "FINISH")
    events = _ask(pulling, "PullEvents")["EventSet"]
    [flow] = [event["ProcedureStateChangeEvent"] for event in events if "ProcedureStateChangeEvent" in event]

    assert (flow["TaskId"], flow["Status"], flow["TasksPriority"]) == (task_id, "FINISH", 5)
    assert (flow["SessionId"], flow["SessionContext"]) == (f"once {action}", "again")
    assert flow["MediaProcessResultSet"][0]["TranscodeTask"]["Output"]["Definition"] == 100030
    assert _refusal(pulling, action, FileId=file_id, **what, **order) == "FailedOperation.TaskDuplicate"


@pytest.mark.parametrize(
    ("code", "action", "parameters"),
    [
        ("InvalidParameter.ProcedureNameNotExist", "ProcessMediaByProcedure", {"ProcedureName": "Unknown"}),
        ("InvalidParameterValue", "ProcessMedia", {}),
        ("UnsupportedOperation", "ProcessMedia", {"MediaProcessTask": {"ImageSpriteTaskSet": []}}),
        ("InvalidParameter", "ProcessMedia", {"MediaProcessTask": {"TranscodeTaskSet": ["x"]}}),
        ("InvalidParameterValue", "DescribeFileAttributes", {"TasksPriority": 11}),
        ("InvalidParameterValue.SessionIdTooLong", "DescribeFileAttributes", {"SessionId": "x" * 51}),
        (
            "InvalidParameterValue.SessionContextTooLong",
            "DescribeFileAttributes",
            {"SessionContext": "x" * 1001},
        ),
    ],
)
def test_wrong_order_has_its_code(
    pulling: Account, code: str, action: str, parameters: dict[str, object]
) -> None:
    """What the simulator cannot make is called that."""
    assert _refusal(pulling, action, FileId=_file_id(pulling), **parameters) == code


def test_waiting_flow_can_be_aborted(pulling: Account) -> None:
    """It ends without an event, as ABORTED (266/39438); one that runs cannot be."""
    pulling.configure(task_flow_step_seconds=0.5)
    file_id = _file_id(pulling)
    ids = [
        _ask(pulling, "ProcessMediaByProcedure", FileId=file_id, ProcedureName="TranscodeAndCover")["TaskId"]
        for _ in range(2)
    ]
    _ask(pulling, "ManageTask", TaskId=ids[0], OperationType="Abort")
    again = _refusal(pulling, "ManageTask", TaskId=ids[0], OperationType="Abort")
    pulling.configure(task_flow_step_seconds=0)
    wait_until(lambda: _ask(pulling, "DescribeTaskDetail", TaskId=ids[1])["Status"] == "FINISH")
    events = _ask(pulling, "PullEvents")["EventSet"]
    flows = [event["ProcedureStateChangeEvent"] for event in events if "ProcedureStateChangeEvent" in event]

    assert again == "FailedOperation"
    assert _ask(pulling, "DescribeTaskDetail", TaskId=ids[0])["Status"] == "ABORTED"
    assert [flow["TaskId"] for flow in flows] == [ids[1]]
    assert _refusal(pulling, "ManageTask", TaskId="1", OperationType="Abort") == "ResourceNotFound"
    assert _refusal(pulling, "ManageTask", TaskId=ids[1], OperationType="Pause") == (
        "InvalidParameterValue.InvalidOperationType"
    )


def test_digests_of_a_file_come_by_event(pulling: Account) -> None:
    """DescribeFileAttributes yields MD5 and SHA-1, and the media shows the MD5 from then on."""
    file_id = _file_id(pulling)
    order = {"SessionId": "digests", "SessionContext": "mine"}
    task_id = _ask(pulling, "DescribeFileAttributes", FileId=file_id, **order)["TaskId"]
    detail = _ask(pulling, "DescribeTaskDetail", TaskId=task_id)
    [event] = [
        event
        for event in _ask(pulling, "PullEvents")["EventSet"]
        if event["EventType"] == "DescribeFileAttributesComplete"
    ]
    [media] = _ask(pulling, "DescribeMediaInfos", FileIds=[file_id])["MediaInfoSet"]
    task = event["DescribeFileAttributesCompleteEvent"]

    assert task == detail["DescribeFileAttributesTask"]
    assert task["Output"]["Md5"] == hashlib.md5(b"moving pictures", usedforsecurity=False).hexdigest()
    assert task["Output"]["Sha1"] == hashlib.sha1(b"moving pictures", usedforsecurity=False).hexdigest()
    assert media["MetaData"]["Md5"] == task["Output"]["Md5"]
    assert _refusal(pulling, "DescribeFileAttributes", FileId=file_id, **order) == (
        "FailedOperation.TaskDuplicate"
    )


def test_events_are_counted_until_they_are_pulled(pulling: Account) -> None:
    """DescribeEventsState counts what a pull could return now."""
    before = _ask(pulling, "DescribeEventsState")["CountOfEventsToPull"]
    _file_id(pulling)
    waiting = _ask(pulling, "DescribeEventsState")["CountOfEventsToPull"]
    _ask(pulling, "PullEvents")

    assert [before, waiting, _ask(pulling, "DescribeEventsState")["CountOfEventsToPull"]] == [0, 1, 0]
