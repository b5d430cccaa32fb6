"""The server API about one media: what it knows, how soon, and how it changes."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.conformance.called import StepFailedError, expected
from local.conformance.question import Cost, Questions
from local.conformance.shapes import ABSENT, shape
from local.conformance.uploads import CLIP, applied, commit, media_info, store, until, uploaded

if TYPE_CHECKING:
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_ONE = Cost(uploads=1)
_NO_FILE = "5000000000000000000"


@QUESTIONS.declare(
    "media-info",
    "Which members has a fresh media in DescribeMediaInfos, and which values are fixed?",
    source="API model 2018-07-17 (MediaInfo)",
    concerns="replies/api_media.py MEDIA_INFO",
    cost=_ONE,
)
def _media_info(vod: Subject) -> Answer:
    file_id = str(uploaded(vod, sourceContext="a context", classId=0)["fileId"])
    info = until(vod, lambda: _probed(vod, file_id), "MetaData")
    basic = info["BasicInfo"]
    fixed = ("Type", "ClassId", "Category", "Status", "StorageClass", "ExpireTime", "SourceInfo")
    return {
        "members": shape(info),
        **{name: basic.get(name, ABSENT) for name in fixed},
        "Vid is the FileId": basic.get("Vid") == file_id,
        "Size": info["MetaData"].get("Size") == len(CLIP),
        "Container": info["MetaData"].get("Container", ABSENT),
    }


@QUESTIONS.declare(
    "media-index",
    "How soon does SearchMedia find an upload, and is its CreateTime that of Apply or of Commit?",
    source="doc 266/31813; no document about the delay",
    concerns="switch createTime, media_actions.MediaActions",
    cost=Cost(uploads=1, seconds=10),
)
def _media_index(vod: Subject) -> Answer:
    applied_at = vod.now()
    session = applied(vod)
    store(vod, session)
    vod.pace.wait(10)
    file_id = str(expected("CommitUploadUGC", commit(vod, session))["fileId"])
    committed_at = vod.now()
    media = _searched(vod, file_id)
    found = "at once" if media else "late"
    media = media or until(vod, lambda: _searched(vod, file_id), "the media in SearchMedia")
    created = _unix(str(media["BasicInfo"]["CreateTime"]))
    return {
        "found": found if found == "at once" else f"after {vod.now() - committed_at} s",
        "CreateTime": "Apply" if created - applied_at < committed_at - created else "Commit",
        "members": shape({**_search(vod, file_id), "MediaInfoSet": []}),
    }


@QUESTIONS.declare(
    "media-attributes",
    "What has the task of DescribeFileAttributes, and are its digests and its context right?",
    source="API model 2018-07-17; doc 266/83796, 266/52517 (MD5 alone)",
    concerns="switch fileAttributes, task_actions.TaskActions, replies/server_api.py SERVER_API",
    cost=_ONE,
)
def _media_attributes(vod: Subject) -> Answer:
    file_id = str(uploaded(vod)["fileId"])
    called = vod.api("DescribeFileAttributes", FileId=file_id, SessionContext="digests")
    task_id = expected("DescribeFileAttributes", called)["TaskId"]

    def ended() -> dict[str, Any] | None:
        found = vod.api("DescribeTaskDetail", TaskId=task_id).members
        return found if found.get("Status") == "FINISH" else None

    detail = until(vod, ended, "the end of DescribeFileAttributes")
    task = detail.get("DescribeFileAttributesTask") or {}
    output = task.get("Output") or {}
    return {
        "TaskType": detail.get("TaskType", ABSENT),
        "members": shape(task),
        "Md5": output.get("Md5") == hashlib.md5(CLIP, usedforsecurity=False).hexdigest(),
        "Sha1": output.get("Sha1") == hashlib.sha1(CLIP, usedforsecurity=False).hexdigest(),
        "SessionContext": task.get("SessionContext") == "digests",
        "MetaData.Md5": bool((media_info(vod, file_id).get("MetaData") or {}).get("Md5")),
    }


@QUESTIONS.declare(
    "media-forbidden",
    "What does ForbidMediaDistribution change in DescribeMediaInfos, and is it taken back?",
    source="API model 2018-07-17",
    concerns="media_actions.MediaActions, replies/server_api.py SERVER_API",
    cost=_ONE,
)
def _media_forbidden(vod: Subject) -> Answer:
    file_id = str(uploaded(vod)["fileId"])
    called = {
        operation: vod.api("ForbidMediaDistribution", FileIds=[file_id, _NO_FILE], Operation=operation)
        for operation in ("forbid",)
    }
    status = (media_info(vod, file_id).get("BasicInfo") or {}).get("Status", ABSENT)
    again = vod.api("ForbidMediaDistribution", FileIds=[file_id], Operation="recover")
    return {
        "forbid": called["forbid"].word,
        "members": shape(called["forbid"].members),
        "Status": status,
        "recover": again.word,
        "Status afterwards": (media_info(vod, file_id).get("BasicInfo") or {}).get("Status", ABSENT),
    }


@QUESTIONS.declare(
    "media-changed",
    "What has the reply of ModifyMediaInfo, and what the media afterwards?",
    source="API model 2018-07-17",
    concerns="media_actions.MediaActions, replies/server_api.py SERVER_API",
    cost=_ONE,
)
def _media_changed(vod: Subject) -> Answer:
    file_id = str(uploaded(vod)["fileId"])
    called = vod.api("ModifyMediaInfo", FileId=file_id, Description="a description", AddTags=["one", "two"])
    basic = media_info(vod, file_id).get("BasicInfo") or {}
    return {
        "ModifyMediaInfo": called.word,
        "members": shape(called.members),
        "Description": basic.get("Description", ABSENT),
        "TagSet": sorted(basic.get("TagSet") or ()),
    }


@QUESTIONS.declare(
    "media-deleted",
    "What do DescribeMediaInfos and DeleteMedia answer after a deletion?",
    source="API model 2018-07-17",
    concerns="media_actions.MediaActions",
    cost=_ONE,
)
def _media_deleted(vod: Subject) -> Answer:
    file_id = str(uploaded(vod)["fileId"])
    deleted = vod.api("DeleteMedia", FileId=file_id)
    left = vod.api("DescribeMediaInfos", FileIds=[file_id]).members
    return {
        "DeleteMedia": deleted.word,
        "members": shape(deleted.members),
        "known afterwards": bool(left.get("MediaInfoSet")),
        "in NotExistFileIdSet": file_id in (left.get("NotExistFileIdSet") or ()),
        "DeleteMedia again": vod.api("DeleteMedia", FileId=file_id).word,
    }


def _probed(vod: Subject, file_id: str) -> dict[str, Any] | None:
    info = media_info(vod, file_id)
    return info if info.get("MetaData") and info.get("BasicInfo") else None


def _search(vod: Subject, file_id: str) -> dict[str, Any]:
    return vod.api("SearchMedia", FileIds=[file_id]).members


def _searched(vod: Subject, file_id: str) -> dict[str, Any] | None:
    found = _search(vod, file_id).get("MediaInfoSet") or ()
    return next((media for media in found if media.get("FileId") == file_id), None)


def _unix(text: str) -> float:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise StepFailedError(f"CreateTime is no time in ISO 8601: {text[:40]}") from None
