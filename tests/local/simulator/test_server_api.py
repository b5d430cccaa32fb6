"""The server API as used by Tencent's official SDK for Python."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.vod.v20180717 import models  # type: ignore[import-untyped]  # no stubs exist

from local.simulator import RoleCredential
from local.simulator.tc3_authorization import ApiError, tc3_signature, verify_tc3
from tests.local.simulator.account import SECRET_KEY, Account
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(TencentCloudSDKException) as refused:
        call()
    return str(refused.value.get_code())


def _ask(account: Account, action: str, **parameters: object) -> dict[str, Any]:
    answer: dict[str, Any] = account.api().call_json(action, parameters)["Response"]
    return answer


def _refusal(account: Account, action: str, **parameters: object) -> str:
    return _code(lambda: account.api().call_json(action, parameters))


def test_media_is_described_as_the_event_showed_it(account: Account) -> None:
    """A lost upload event can be made good: BasicInfo has the same source context, and the URL."""
    file_id = account.upload(b"x" * 7, source_context="who", class_id=7)["data"]["fileId"]
    request = models.DescribeMediaInfosRequest()
    request.FileIds = [file_id, "5000000000000000000"]
    answer = account.api().DescribeMediaInfos(request)

    assert answer.NotExistFileIdSet == ["5000000000000000000"]
    [media] = answer.MediaInfoSet
    assert media.FileId == file_id
    assert media.BasicInfo.SourceInfo.SourceType == "Upload"
    assert media.BasicInfo.SourceInfo.SourceContext == "who"
    assert media.BasicInfo.ClassId == 7
    assert media.BasicInfo.MediaUrl.startswith(f"{account.url}/local/media/")
    assert media.MetaData.Size == 7
    assert media.TranscodeInfo is None


def test_filters_choose_what_is_shown(account: Account) -> None:
    """Without filters everything, with them only what they name."""
    file_id = account.upload()["data"]["fileId"]
    answer = _ask(account, "DescribeMediaInfos", FileIds=[file_id], Filters=["metaData"])

    [media] = answer["MediaInfoSet"]
    assert media["BasicInfo"] is None
    assert media["MetaData"]["Size"] == 15


def test_media_of_another_application_does_not_exist(account: Account) -> None:
    """Each sub-application sees its own media."""
    file_id = account.upload(vod_sub_app_id=1500054321)["data"]["fileId"]
    described = {
        application: _ask(account, "DescribeMediaInfos", FileIds=[file_id], SubAppId=application)
        for application in (0, 1500012345, 1500054321, 1500054322)
    }

    assert [len(answer["MediaInfoSet"]) for answer in described.values()] == [0, 0, 1, 0]
    assert described[0]["NotExistFileIdSet"] == [file_id]


@pytest.mark.parametrize(
    ("code", "action", "parameters"),
    [
        ("UnknownParameter", "DescribeMediaInfos", {"FileIds": ["1"], "Colour": "red"}),
        ("InvalidParameterValue.FileIds", "DescribeMediaInfos", {}),
        ("InvalidParameterValue.FileIds", "DescribeMediaInfos", {"FileIds": [str(n) for n in range(21)]}),
        ("InvalidParameterValue.Filters", "DescribeMediaInfos", {"FileIds": ["1"], "Filters": ["all"]}),
        ("InvalidParameter", "DescribeMediaInfos", {"FileIds": "1"}),
        ("InvalidParameter", "DescribeMediaInfos", {"FileIds": [1]}),
        ("InvalidParameter", "SearchMedia", {"CreateTime": "today"}),
        ("InvalidParameterValue.After", "SearchMedia", {"CreateTime": {"After": "today"}}),
        ("InvalidParameterValue.Limit", "SearchMedia", {"Limit": 101}),
        ("InvalidParameterValue.Offset", "SearchMedia", {"Offset": 4901, "Limit": 100}),
        ("InvalidParameterValue.SubAppId", "PullEvents", {"SubAppId": 7}),
        ("InvalidParameter", "PullEvents", {"SubAppId": "7"}),
        ("ResourceNotFound", "DescribeTaskDetail", {"TaskId": "1500012345-Procedure-0t0"}),
        ("InvalidParameterValue", "ConfirmEvents", {}),
        ("InvalidParameterValue", "ConfirmEvents", {"EventHandles": ["x"]}),
        ("InvalidParameterValue", "ConfirmEvents", {"EventHandles": ["x"] * 17}),
        ("InvalidParameterValue", "ModifyEventConfig", {"Mode": "POLL"}),
        ("InvalidParameterValue", "ModifyEventConfig", {"NotificationUrl": "file:///etc/passwd"}),
        ("InvalidParameterValue", "ModifyEventConfig", {"SignKey": "with space"}),
        ("InvalidParameterValue", "ModifyEventConfig", {"SignKey": "x" * 33}),
        (
            "InvalidParameterValue.UploadMediaCompleteEventSwitch",
            "ModifyEventConfig",
            {"UploadMediaCompleteEventSwitch": "yes"},
        ),
    ],
)
def test_wrong_call_has_its_official_code(
    account: Account, code: str, action: str, parameters: dict[str, object]
) -> None:
    """The SDK raises with the code of its own list."""
    assert code == _refusal(account, action, **parameters)


def test_action_that_is_not_there_is_501_and_one_log_line(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """The official SDK takes it for a broken server, and not for a missing right."""
    code = _refusal(account, "DescribeEverything")

    assert code == "ServerNetworkError"
    assert [line for line in caplog.messages if line.startswith("server API")] == [
        "server API refused a call: InvalidAction The simulator does not have the action DescribeEverything."
    ]


def test_search_finds_by_id_name_source_and_time(tmp_path: Path) -> None:
    """Reconciliation asks for a span of creation times, page by page, newest first."""
    with Account(tmp_path) as account:
        file_ids = []
        for moved_by in (0, 100, 200):
            account.clock.moved_by = moved_by
            file_ids.append(account.upload()["data"]["fileId"])
        first = _ask(account, "SearchMedia", FileIds=[file_ids[0]])["MediaInfoSet"][0]["BasicInfo"][
            "CreateTime"
        ]
        account.clock.moved_by = 0

        def found(**parameters: object) -> list[str]:
            answer = _ask(account, "SearchMedia", **parameters)
            return [media["FileId"] for media in answer["MediaInfoSet"]]

        newest_first = file_ids[::-1]
        assert found() == newest_first
        assert found(Sort={"Field": "CreateTime", "Order": "Asc"}) == file_ids
        assert found(Offset=1, Limit=1) == [file_ids[1]]
        assert _ask(account, "SearchMedia", Limit=1)["TotalCount"] == 3
        assert found(FileIds=file_ids[:2]) == newest_first[1:]
        assert found(Names=["CLI"]) == newest_first
        assert found(Names=["other"]) == []
        assert found(SourceTypes=["Upload"]) == newest_first
        assert found(SourceTypes=["Record"]) == []
        assert found(CreateTime={"After": first, "Before": first}) == [file_ids[0]]
        assert found(CreateTime={"Before": "2020-01-01T00:00:00+08:00"}) == []


def test_event_configuration_is_shown_without_its_key_and_takes_effect(tmp_path: Path) -> None:
    """ModifyEventConfig changes what it names and nothing else."""
    with Account(tmp_path) as account:
        before = _ask(account, "DescribeEventConfig")
        _ask(
            account,
            "ModifyEventConfig",
            Mode="PULL",
            NotificationUrl="https://app.test/hook",
            DeleteMediaCompleteEventSwitch="ON",
            SignKey="AbCd1234EfGh5678",
        )
        _ask(account, "ModifyEventConfig", UploadMediaCompleteEventSwitch="OFF")
        after = _ask(account, "DescribeEventConfig")
        account.upload()
        nothing = _ask(account, "PullEvents")
        _ask(account, "ModifyEventConfig", UploadMediaCompleteEventSwitch="ON", NotificationUrl="")
        account.upload()
        something = _ask(account, "PullEvents")

    del before["RequestId"], after["RequestId"]
    assert before == {
        "Mode": "PUSH",
        "NotificationUrl": "",
        "UploadMediaCompleteEventSwitch": "ON",
        "DeleteMediaCompleteEventSwitch": "OFF",
        "PersistenceCompleteEventSwitch": "OFF",
    }
    assert after == {
        "Mode": "PULL",
        "NotificationUrl": "https://app.test/hook",
        "UploadMediaCompleteEventSwitch": "OFF",
        "DeleteMediaCompleteEventSwitch": "ON",
        "PersistenceCompleteEventSwitch": "OFF",
    }
    assert nothing["EventSet"] == []
    assert [event["EventType"] for event in something["EventSet"]] == ["NewFileUpload"]


def test_regions_and_procedures_are_those_of_the_account(account: Account) -> None:
    """What the simulator was started with is what the API lists."""
    regions = _ask(account, "DescribeStorageRegions")["StorageRegionInfos"]
    templates = _ask(account, "DescribeProcedureTemplates", Names=["LongVideoPreset"])

    assert [(region["Region"], region["IsDefault"]) for region in regions] == [
        ("ap-singapore", True),
        ("ap-seoul", False),
        ("ap-chongqing", False),
    ]
    assert templates["TotalCount"] == 1
    [template] = templates["ProcedureTemplateSet"]
    assert sorted(template["MediaProcessTask"]) == [
        "AdaptiveDynamicStreamingTaskSet",
        "CoverBySnapshotTaskSet",
    ]


def test_task_can_be_looked_up(account: Account) -> None:
    """The task of an upload is there from the event on, and ends as FINISH."""
    file_id = account.upload(procedure="TranscodeAndCover")["data"]["fileId"]
    [flow] = account.simulator._task_flows.of_media(file_id)  # noqa: SLF001  # no event here names it
    wait_until(lambda: _ask(account, "DescribeTaskDetail", TaskId=flow.task_id)["Status"] == "FINISH")
    detail = _ask(account, "DescribeTaskDetail", TaskId=flow.task_id)
    described = _ask(account, "DescribeMediaInfos", FileIds=[file_id])["MediaInfoSet"][0]

    assert detail["TaskType"] == "Procedure"
    assert detail["CreateTime"] <= detail["BeginProcessTime"] <= detail["FinishTime"]
    assert detail["ProcedureTask"]["FileId"] == file_id
    assert [item["Definition"] for item in described["TranscodeInfo"]["TranscodeSet"]] == [100030]
    assert described["BasicInfo"]["CoverUrl"]
    foreign = {"TaskId": flow.task_id, "SubAppId": 1500054321}
    assert _refusal(account, "DescribeTaskDetail", **foreign) == "ResourceNotFound"


def test_tasks_of_a_file_are_listed(account: Account) -> None:
    """DescribeTasks names what an upload has started, of the last 72 hours, and nothing of other files."""
    file_id = account.upload(procedure="TranscodeAndCover", session_context="mine")["data"]["fileId"]
    account.upload(procedure="TranscodeAndCover")
    [flow] = account.simulator._task_flows.of_media(file_id)  # noqa: SLF001  # no event here names it
    wait_until(lambda: _ask(account, "DescribeTaskDetail", TaskId=flow.task_id)["Status"] == "FINISH")

    listed = _ask(account, "DescribeTasks", FileId=file_id)
    others = _ask(account, "DescribeTasks", Sort={"Field": "CreateTime", "Order": "Asc"}, Limit=100)
    running = _ask(account, "DescribeTasks", FileId=file_id, Status="PROCESSING")
    old = replace(flow, created_at=flow.created_at - 3 * 86_400 - 10)
    account.simulator._task_flows._save(old)  # noqa: SLF001  # three days are not waited for

    assert listed["TotalCount"] == 1
    [task] = listed["TaskSet"]
    assert (task["TaskId"], task["FileId"], task["Status"]) == (flow.task_id, file_id, "FINISH")
    assert (task["TaskType"], task["SessionContext"]) == ("Procedure", "mine")
    assert task["TaskId"] in [other["TaskId"] for other in others["TaskSet"]]
    assert others["TotalCount"] >= 2
    assert running["TaskSet"] == []
    assert _ask(account, "DescribeTasks", FileId=file_id)["TaskSet"] == []


@pytest.mark.parametrize(("context", "known"), [("mine", True), ("somebody else's", False)])
def test_task_of_an_emitted_event_is_known(account: Account, context: str, known: bool) -> None:  # noqa: FBT001  # what differs
    """An emitted task flow can be asked about as if it had run, unless its file is somebody else's."""
    file_id = account.upload(source_context="mine")["data"]["fileId"]
    task = {"TaskId": f"emitted-{known}", "Status": "FINISH", "FileId": file_id, "SessionContext": context}
    event: Any = {"EventType": "ProcedureStateChanged", "ProcedureStateChangeEvent": task}
    requests.post(f"{account.url}/local/simulator/emit", json=event, timeout=10).raise_for_status()

    if known:
        assert _ask(account, "DescribeTaskDetail", TaskId=task["TaskId"])["ProcedureTask"] == task
    else:
        assert _refusal(account, "DescribeTaskDetail", TaskId=task["TaskId"]) == "ResourceNotFound"


def test_signature_is_verified(account: Account) -> None:
    """Unknown keys, wrong secrets, unknown tokens and clocks that are off have their codes."""
    request = models.DescribeEventConfigRequest()
    codes = {
        "key": _code(lambda: account.api(secret_id="AKIDother").DescribeEventConfig(request)),
        "secret": _code(lambda: account.api(secret_key="other").DescribeEventConfig(request)),
        "token": _code(lambda: account.api(token="some").DescribeEventConfig(request)),
    }
    account.clock.moved_by = 310
    codes["late"] = _code(lambda: account.api().DescribeEventConfig(request))

    assert codes == {
        "key": "AuthFailure.SecretIdNotFound",
        "secret": "AuthFailure.SignatureFailure",
        "token": "AuthFailure.TokenFailure",
        "late": "AuthFailure.SignatureExpire",
    }


def test_role_credentials_need_their_token(tmp_path: Path) -> None:
    """What a function gets from its execution role works like the long-term pair, with its token."""
    role = RoleCredential("AKIDrole", "role-key", "role-token")
    request = models.DescribeEventConfigRequest()
    with Account(tmp_path, role_credentials=(role,)) as account:
        api = account.api(secret_id="AKIDrole", secret_key="role-key", token="role-token")
        mode = api.DescribeEventConfig(request).Mode
        without = account.api(secret_id="AKIDrole", secret_key="role-key")

        assert mode == "PUSH"
        assert _code(lambda: without.DescribeEventConfig(request)) == "AuthFailure.TokenFailure"


def test_role_credentials_sign_no_uploads(tmp_path: Path) -> None:
    """Only the long-term pair signs uploads: there is no place for a token in an upload signature."""
    with Account(tmp_path, secret_id="AKIDlong") as account:
        reply = account.call("PrepareUploadUGC", signature=account.signature())

    assert reply["code"] == 10004


def test_signature_is_the_one_of_the_published_steps() -> None:
    """The known answer: the steps of the common API documentation, written out by hand here."""
    body = json.dumps({"SubAppId": 1}).encode()
    headers = {
        "content-type": "application/json",
        "host": "vod.tencentcloudapi.com",
        "x-tc-timestamp": "1793318400",
    }
    canonical = (
        "POST\n/\n\ncontent-type:application/json\nhost:vod.tencentcloudapi.com\n\ncontent-type;host\n"
        + hashlib.sha256(body).hexdigest()
    )
    string_to_sign = (
        "TC3-HMAC-SHA256\n1793318400\n2026-10-30/vod/tc3_request\n"
        + hashlib.sha256(canonical.encode()).hexdigest()
    )
    day = hmac.digest(f"TC3{SECRET_KEY}".encode(), b"2026-10-30", "sha256")
    signing = hmac.digest(hmac.digest(day, b"vod", "sha256"), b"tc3_request", "sha256")
    expected = hmac.new(signing, string_to_sign.encode(), "sha256").hexdigest()

    assert expected == tc3_signature(
        headers, body, ["content-type", "host"], secret_key=SECRET_KEY, scope=("2026-10-30", "vod")
    )


@pytest.mark.parametrize(
    ("code", "header", "value"),
    [
        ("AuthFailure.InvalidAuthorization", "authorization", ""),
        ("AuthFailure.InvalidAuthorization", "authorization", "TC3-HMAC-SHA256 é"),
        ("AuthFailure.SignatureExpire", "x-tc-timestamp", "now"),
        ("AuthFailure.SignatureExpire", "x-tc-timestamp", "9" * 40),
        ("AuthFailure.TokenFailure", "x-tc-token", "é"),
        ("AuthFailure.SignatureFailure", "host", "other.test"),
    ],
)
def test_headers_are_checked(code: str, header: str, value: str) -> None:
    """Each hostile header ends in its refusal."""
    headers = {
        "host": "vod.tencentcloudapi.com",
        "content-type": "application/json",
        "x-tc-timestamp": "1793318400",
    }
    signature = tc3_signature(
        headers, b"{}", ["content-type", "host"], secret_key="k", scope=("2026-10-30", "vod")
    )
    headers["authorization"] = (
        "TC3-HMAC-SHA256 Credential=id/2026-10-30/vod/tc3_request, "
        f"SignedHeaders=content-type;host, Signature={signature}"
    )
    verify_tc3(headers, b"{}", keys={"id": ("k", "")}, now=1793318400)

    with pytest.raises(ApiError) as refused:
        verify_tc3({**headers, header: value}, b"{}", keys={"id": ("k", "")}, now=1793318400)

    assert refused.value.code == code


def test_answer_to_anything_has_status_200(account: Account) -> None:
    """Not signed, not POST, too large: the error is in the body, as the SDK expects."""
    for method, options in (("GET", {}), ("POST", {"data": b"x"}), ("POST", {"data": bytes(2_000_000)})):
        answer = account.request(method, "vod.tencentcloudapi.com", "/", **options)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert {"Error", "RequestId"} == set(answer.json()["Response"])
