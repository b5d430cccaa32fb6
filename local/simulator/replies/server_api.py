"""The replies of the server API, by action: the members of `Response` (API model 2018-07-17).

The official SDKs raise for an `Error`, and take an absent member for null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.simulator.replies.api_media import BASIC_INFO, MEDIA_INFO, PROBED, TASK_TIMES
from local.simulator.replies.members import (
    ALWAYS,
    Declaration,
    absent_unless,
    all_absent_unless,
    may_be_empty,
    under,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_ID: Declaration = {"RequestId": ALWAYS}
_ORDERED = may_be_empty("whoever ordered the task set none")
_NONE_FOUND = may_be_empty("nothing was found")
_AFTER_SUCCESS = absent_unless("the file was fetched")
_UNFETCHED = may_be_empty("the file was not fetched")
_MEDIA_SET = under("MediaInfoSet[]", MEDIA_INFO, _NONE_FOUND)
_SESSION: Declaration = {"SessionId": _ORDERED, "SessionContext": _ORDERED}
_INPUT: Declaration = {"Definition": ALWAYS, "WatermarkSet": may_be_empty("without watermarks")}
_PICTURE_INPUT: Declaration = {**_INPUT, "PositionType": ALWAYS, "PositionValue": ALWAYS}
_IN_TEMPLATE = absent_unless("the template has such a subtask")
_TEMPLATE: Declaration = {
    "Name": ALWAYS,
    "Type": ALWAYS,
    "Comment": may_be_empty("no template here has one"),
    **under(
        "MediaProcessTask",
        {
            **under("TranscodeTaskSet[]", _INPUT, _IN_TEMPLATE),
            **under("CoverBySnapshotTaskSet[]", _PICTURE_INPUT, _IN_TEMPLATE),
            **under("AdaptiveDynamicStreamingTaskSet[]", _INPUT, _IN_TEMPLATE),
            **under("SampleSnapshotTaskSet[]", _INPUT, _IN_TEMPLATE),
        },
    ),
}
_PULLED: Declaration = {
    "TaskId": ALWAYS,
    "Status": ALWAYS,
    "ErrCode": ALWAYS,
    "Message": may_be_empty("the task is not over"),
    "FileId": _UNFETCHED,
    **under("MediaBasicInfo", BASIC_INFO, _AFTER_SUCCESS),
    **under("MetaData", PROBED, _AFTER_SUCCESS),
    "FileUrl": _UNFETCHED,
    "ProcedureTaskId": may_be_empty("no procedure was ordered"),
    "ReviewAudioVideoTaskId": may_be_empty("the simulator reviews nothing"),
    "Progress": ALWAYS,
    **_SESSION,
}
_ATTRIBUTES: Declaration = {
    "TaskId": ALWAYS,
    "Status": ALWAYS,
    "ErrCode": ALWAYS,
    "ErrCodeExt": may_be_empty("the task succeeded"),
    "Message": ALWAYS,
    "Progress": ALWAYS,
    "FileId": ALWAYS,
    **under("Output", {"Md5": ALWAYS, "Sha1": absent_unless("VOD computes it (266/83796), not MD5 alone")}),
    **_SESSION,
}
_STARTED: Declaration = {"TaskId": ALWAYS, **_ID}

ERROR: Declaration = {**under("Error", {"Code": ALWAYS, "Message": ALWAYS}), **_ID}
SERVER_API: Mapping[str, Declaration] = {
    "DescribeMediaInfos": {**_MEDIA_SET, "NotExistFileIdSet": _NONE_FOUND, **_ID},
    "SearchMedia": {"TotalCount": ALWAYS, **_MEDIA_SET, **_ID},
    "ModifyMediaInfo": {"CoverUrl": absent_unless("the call brought a cover (null in the model)"), **_ID},
    "ForbidMediaDistribution": {"NotExistFileIdSet": _NONE_FOUND, **_ID},
    "DeleteMedia": _ID,
    "DescribeEventConfig": {
        "Mode": ALWAYS,
        "NotificationUrl": may_be_empty("none is set"),
        "UploadMediaCompleteEventSwitch": ALWAYS,
        "DeleteMediaCompleteEventSwitch": ALWAYS,
        "PersistenceCompleteEventSwitch": ALWAYS,
        **_ID,
    },
    "ModifyEventConfig": _ID,
    "PullEvents": {
        "EventSet": may_be_empty("an empty queue is an empty list, null or an error (UNVERIFIED)"),
        "EventSet[].EventHandle": ALWAYS,
        "EventSet[].*": ALWAYS,
        **_ID,
    },
    "ConfirmEvents": _ID,
    "DescribeEventsState": {"CountOfEventsToPull": ALWAYS, **_ID},
    "ProcessMedia": _STARTED,
    "ProcessMediaByProcedure": _STARTED,
    "DescribeFileAttributes": _STARTED,
    "PullUpload": _STARTED,
    "ManageTask": _ID,
    "DescribeTaskDetail": {
        "TaskType": ALWAYS,
        "Status": ALWAYS,
        **all_absent_unless("the task ran here, and is not known from an emitted event alone", TASK_TIMES),
        **under(
            "ProcedureTask",
            {"TaskId": ALWAYS, "Status": ALWAYS, "*": ALWAYS},
            absent_unless("TaskType is Procedure"),
        ),
        **under("PullUploadTask", _PULLED, absent_unless("TaskType is PullUpload")),
        **under(
            "DescribeFileAttributesTask",
            _ATTRIBUTES,
            absent_unless("TaskType is DescribeFileAttributes"),
        ),
        **_ID,
    },
    "DescribeTasks": {
        "TotalCount": ALWAYS,
        "ScrollToken": may_be_empty("there is no further page"),
        **under(
            "TaskSet[]",
            {
                "TaskId": ALWAYS,
                "Status": ALWAYS,
                "FileId": ALWAYS,
                "TaskType": ALWAYS,
                **TASK_TIMES,
                **_SESSION,
            },
            _NONE_FOUND,
        ),
        **_ID,
    },
    "DescribeProcedureTemplates": {
        "TotalCount": ALWAYS,
        **under("ProcedureTemplateSet[]", _TEMPLATE, _NONE_FOUND),
        **_ID,
    },
    "DescribeStorageRegions": {
        **under(
            "StorageRegionInfos[]",
            {"Region": ALWAYS, "Description": ALWAYS, "Status": ALWAYS, "IsDefault": ALWAYS, "Area": ALWAYS},
        ),
        **_ID,
    },
    "ApplyUpload": {
        "StorageBucket": ALWAYS,
        "StorageRegion": ALWAYS,
        "VodSessionKey": ALWAYS,
        "MediaStoragePath": ALWAYS,
        "CoverStoragePath": absent_unless("a cover is announced (vod-python-sdk uploads what it finds)"),
        **under(
            "TempCertificate",
            {"SecretId": ALWAYS, "SecretKey": ALWAYS, "Token": ALWAYS, "ExpiredTime": ALWAYS},
        ),
        **_ID,
    },
    "CommitUpload": {
        "FileId": ALWAYS,
        "MediaUrl": ALWAYS,
        "CoverUrl": absent_unless("a cover was uploaded"),
        **_ID,
    },
}
