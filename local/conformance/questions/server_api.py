"""The server API: regions, event configuration, and its error codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.conformance.called import expected
from local.conformance.question import Cost, Questions
from local.conformance.shapes import shape
from local.conformance.uploads import (
    applied,
    server_applied,
)

if TYPE_CHECKING:
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_ONE = Cost(uploads=1)
_NO_FILE = "5000000000000000000"


@QUESTIONS.declare(
    "api-regions",
    "Which members has DescribeStorageRegions, and into which region goes an upload that names none?",
    source="API model 2018-07-17; doc 266/9760",
    concerns="server_uploads.ServerUploads, new_sessions.media_session",
)
def _regions(vod: Subject) -> Answer:
    called = vod.api("DescribeStorageRegions")
    regions = expected("DescribeStorageRegions", called).get("StorageRegionInfos") or []
    opened = [str(region["Region"]) for region in regions if region.get("Status") == "opened"]
    default = [str(region["Region"]) for region in regions if region.get("IsDefault")]
    client = applied(vod)
    prepared = vod.control("PrepareUploadUGC", signature=vod.signature()).members
    raced = {str(region.get("region")) for region in prepared.get("cosRegionList") or []}
    return {
        "members": shape(called.members),
        "one is the default": len(default) == 1,
        "ApplyUpload takes the default": server_applied(vod).bucket.region in default,
        "Apply takes one that is opened": client.bucket.region in opened,
        "Prepare offers opened ones alone": raced <= set(opened),
    }


@QUESTIONS.declare(
    "api-errors",
    "Which codes have wrong parameters?",
    source="API model 2018-07-17, errorcodes.py",
    concerns="api_parameters.py, media_actions.py, task_actions.py",
)
def _errors(vod: Subject) -> Answer:
    words = {
        "unknown file: DeleteMedia": vod.api("DeleteMedia", FileId=_NO_FILE),
        "unknown file: ModifyMediaInfo": vod.api("ModifyMediaInfo", FileId=_NO_FILE, Name="a"),
        "unknown file: DescribeFileAttributes": vod.api("DescribeFileAttributes", FileId=_NO_FILE),
        "unknown task": vod.api("DescribeTaskDetail", TaskId="1-Procedure-none"),
        "unknown task: ManageTask": vod.api("ManageTask", TaskId="1-Procedure-none", OperationType="Abort"),
        "unknown session: CommitUpload": vod.api("CommitUpload", VodSessionKey="no-session-has-this-key"),
        "unknown SubAppId": vod.api("DescribeMediaInfos", FileIds=[_NO_FILE], SubAppId=1_999_999_999),
        "unknown filter": vod.api("DescribeMediaInfos", FileIds=[_NO_FILE], Filters=["colour"]),
        "unknown parameter": vod.api("DescribeMediaInfos", FileIds=[_NO_FILE], Colour="red"),
        "parameter of another type": vod.api("DescribeMediaInfos", FileIds=_NO_FILE),
        "21 files": vod.api("DescribeMediaInfos", FileIds=[str(5 * 10**18 + n) for n in range(21)]),
        "ApplyUpload without MediaType": vod.api("ApplyUpload", MediaType=""),
        "ApplyUpload into no region": vod.api("ApplyUpload", MediaType="mp4", StorageRegion="xx-nowhere"),
        "PullUpload of no URL": vod.api("PullUpload", MediaUrl="no-url"),
        "handle that was never given": vod.api("ConfirmEvents", EventHandles=["no-event-has-this-handle"]),
    }
    refused = vod.api("DeleteMedia", FileId=_NO_FILE).members
    missing = vod.api("DescribeMediaInfos", FileIds=[_NO_FILE])
    return {
        **{name: called.word for name, called in words.items()},
        "members of an error": shape(refused),
        "unknown file: DescribeMediaInfos": shape(missing.members),
    }


@QUESTIONS.declare(
    "api-authorization",
    "Which codes have an unknown key, a wrong signature, a wrong token and a wrong time?",
    source="common API documentation (TC3-HMAC-SHA256)",
    concerns="tc3_authorization.py",
)
def _authorization(vod: Subject) -> Answer:
    secret_id, secret_key, token = vod.account.api_credentials
    now, hour = vod.now(), 3600
    tries = {
        "unknown SecretId": (("AKIDnobodyhasthisone", secret_key, token), now),
        "wrong SecretKey": ((secret_id, "not-the-key", token), now),
        "wrong token": ((secret_id, secret_key, "no-token"), now),
        "an hour late": ((secret_id, secret_key, token), now - hour),
        "an hour early": ((secret_id, secret_key, token), now + hour),
    }
    return {
        name: vod.api_as(credentials, at, "DescribeStorageRegions", {}).word
        for name, (credentials, at) in tries.items()
    }


@QUESTIONS.declare(
    "event-config",
    "Which members has DescribeEventConfig?",
    source="API model 2018-07-17; doc 266/64486",
    concerns="replies/server_api.py SERVER_API",
)
def _event_config(vod: Subject) -> Answer:
    called = vod.api("DescribeEventConfig")
    kinds = shape(expected("DescribeEventConfig", called))
    return {"members": sorted(kinds), "Mode": called.members.get("Mode") in ("PUSH", "PULL")}
