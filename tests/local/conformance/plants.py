"""The planted differences, each with the questions that have to name it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.local.conformance.planting import (
    accepted,
    instead,
    refused,
    with_member,
    with_status,
    without,
    without_events,
    without_header,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.local.conformance.planting import Change


@dataclass(frozen=True)
class Plant:
    """One difference. `named` is question -> the fact in which it shows, or the beginning of its name.

    `patience` is for how many seconds an event is awaited: few, where one does not come.
    """

    what: str
    named: Mapping[str, str]
    switches: Mapping[str, str] = field(default_factory=dict)
    configuration: Mapping[str, object] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)
    patience: float = 20.0


_APPLY, _COMMIT, _PREPARE = "ApplyUploadUGC", "CommitUploadUGC", "PrepareUploadUGC"
_HOST, _MARKER = "up.app.test", "NextPartNumberMarker"

PLANTS = (
    Plant("a repeated Apply is answered", {"one-time-repeated": "for"}, {"repeatedApply": "accept"}),
    Plant("Commit does not check expiry", {"commit-expired": "Commit"}, {"commitExpiry": "ignore"}),
    Plant(
        "an expired credential is a skewed clock",
        {"storage-clock": "over", "credential-expired": "PutObject"},
        {"expiredCredential": "RequestTimeTooSkewed"},
    ),
    Plant("Commit's context counts", {"context-precedence": "SourceContext"}, {"context": "commit"}),
    Plant("a cover change has an event", {"pull-cover-change": "events"}, {"coverChange": "event"}),
    Plant(
        "digests have no context",
        {"media-attributes": "SessionContext"},
        {"fileAttributes": "withoutContext"},
    ),
    Plant("the index has the time of Apply", {"media-index": "CreateTime"}, {"createTime": "apply"}),
    Plant(
        "there is an upload domain",
        {"apply-hosts": "storageUploadDomain", "apply-reply": "members: data.storageUploadDomain"},
        configuration={"storage_upload_domain": _HOST},
    ),
    Plant(
        "there is an accelerating host",
        {"apply-hosts": "MiniProgramAccelerateHost"},
        configuration={"mini_program_accelerate_host": _HOST},
    ),
    Plant(
        "an empty queue is null",
        {"pull-empty": "members: EventSet"},
        configuration={"empty_event_set": "null"},
    ),
    Plant(
        "an empty queue is an error",
        {"pull-empty": "PullEvents"},
        configuration={"empty_event_set": "error"},
    ),
    Plant(
        "a credential lives for two hours",
        {"credential-life": "seconds"},
        configuration={"credential_seconds": 7200},
    ),
    Plant(
        "another code for an expired signature",
        {"signature-expired": "Apply"},
        changes={_APPLY: instead("10010", "10009")},
    ),
    Plant(
        "another code for an expired signature at Prepare alone",
        {"signature-expired": "Prepare"},
        changes={_PREPARE: instead("10010", "10009")},
    ),
    Plant(
        "another code for a forged signature",
        {"signature-forged": "another SecretKey", "signature-times": "milliseconds"},
        changes={_APPLY: instead("10004", "10003")},
    ),
    Plant(
        "another code for a repeated signature",
        {"one-time-spent": "Apply for another file"},
        changes={_APPLY: instead("10011", "10012")},
    ),
    Plant(
        "another code for an unknown session",
        {"commit-refusals": "unknown session"},
        changes={_COMMIT: instead("10001", "10008")},
    ),
    Plant(
        "unreadable signatures get another code",
        {"signature-unreadable": "no Base64", "signature-context-limits": "sourceContext: 251 letters"},
        changes={_APPLY: instead("10001", "10002")},
    ),
    Plant(
        "control calls are answered with 201",
        {"signature-random": "absent", "signature-expired": "Prepare"},
        changes={_APPLY: with_status(201), _PREPARE: with_status(201)},
    ),
    Plant(
        "Apply has no spelling for S3",
        {"apply-reply": "members: data.StorageRegionV5"},
        changes={_APPLY: without("data.StorageRegionV5")},
    ),
    Plant(
        "Apply has a member more",
        {"apply-reply": "members: data.colour"},
        changes={_APPLY: with_member("data.colour", "red")},
    ),
    Plant(
        "an absent host is an empty text",
        {"apply-hosts": "storageUploadDomain"},
        changes={_APPLY: with_member("data.storageUploadDomain", "")},
    ),
    Plant(
        "the time has milliseconds",
        {"apply-reply": "digits of timestamp"},
        changes={_APPLY: with_member("data.timestamp", 1_793_318_400_000)},
    ),
    Plant(
        "Prepare has no isAcc",
        {"prepare-reply": "members: data.cosRegionList[].isAcc"},
        changes={_PREPARE: without("data.cosRegionList.isAcc")},
    ),
    Plant(
        "Prepare joins addresses with a semicolon",
        {"prepare-reply": "separators of ip"},
        changes={_PREPARE: with_member("data.cosRegionList.ip", "192.0.2.1;192.0.2.2")},
    ),
    Plant(
        "Commit proves nothing",
        {"upload-web-cos": "members of Commit: data.video.verify_content"},
        changes={_COMMIT: without("data.video.verify_content")},
    ),
    Plant(
        "the last page of ListParts has a marker",
        {"list-parts-pages": "marker"},
        changes={"ListParts": instead("<MaxParts>", f"<{_MARKER}>3</{_MARKER}><MaxParts>")},
    ),
    Plant(
        "ListParts does not page",
        {"list-parts-pages": "pages of one part"},
        changes={"ListParts": instead(_MARKER, "Next")},
    ),
    Plant(
        "ListMultipartUploads calls itself complete",
        {"list-uploads-pages": "IsTruncated"},
        changes={"ListMultipartUploads": instead(">true<", ">false<")},
    ),
    Plant(
        "objects have no CRC",
        {"upload-mobile": "PutObject: x-cos-hash-crc64ecma"},
        changes={"PutObject": without_header("x-cos-hash-crc64ecma")},
    ),
    Plant(
        "an ETag has no quotes",
        {"upload-web-cos": "UploadPart: etag"},
        changes={"UploadPart": lambda answer: answer.headers.update(etag=answer.headers["etag"].strip('"'))},
    ),
    Plant(
        "another code for an unknown upload",
        {"storage-missing": "ListParts"},
        changes={"ListParts": instead("NoSuchUpload", "NoSuchKey")},
    ),
    Plant(
        "another status for an absent object",
        {"storage-missing": "HEAD of the object"},
        changes={"HeadObject": with_status(403, of=404)},
    ),
    Plant(
        "another code for a wrong signature",
        {"storage-refusals": "wrong signature", "upload-web-s3": "wrong signature"},
        changes={"PutObject": instead("SignatureDoesNotMatch", "AccessDenied")},
    ),
    Plant(
        "an error has no TraceId",
        {"storage-refusals": "members of the error: TraceId"},
        changes={"PutObject": instead("TraceId>", "Trace>")},
    ),
    Plant(
        "the bucket's ETag cannot be read by a page",
        {"storage-preflight": "exposed: etag"},
        changes={"HeadBucket": without_header("access-control-expose-headers")},
    ),
    Plant(
        "POST Object answers 204",
        {"upload-form": "PostObject"},
        changes={"PostObject": with_status(204, of=201)},
    ),
    Plant(
        "a server upload is called Upload",
        {"upload-server": "SourceInfo: SourceType"},
        changes={"DescribeMediaInfos": instead("ServerUpload", "Upload")},
    ),
    Plant(
        "a pulled upload has another error code",
        {"upload-pull": "ErrCode"},
        changes={"DescribeTaskDetail": with_member("Response.PullUploadTask.ErrCode", 40000)},
    ),
    Plant(
        "a media never expires",
        {"expire-time": "ExpireTime"},
        changes={
            "DescribeMediaInfos": with_member(
                "Response.MediaInfoSet.BasicInfo.ExpireTime", "9999-12-31T23:59:59Z"
            )
        },
    ),
    Plant(
        "a media has no Vid",
        {"media-info": "members: BasicInfo.Vid"},
        changes={"DescribeMediaInfos": without("Response.MediaInfoSet.BasicInfo.Vid")},
    ),
    Plant(
        "a forbidden media stays normal",
        {"media-forbidden": "Status"},
        changes={"DescribeMediaInfos": instead("Forbidden", "Normal")},
    ),
    Plant(
        "the digest is another",
        {"media-attributes": "Md5"},
        changes={"DescribeTaskDetail": with_member("Response.DescribeFileAttributesTask.Output.Md5", "0")},
    ),
    Plant(
        "tags are not kept",
        {"media-changed": "TagSet"},
        changes={"DescribeMediaInfos": with_member("Response.MediaInfoSet.BasicInfo.TagSet", [])},
    ),
    Plant(
        "a deleted file may be deleted again",
        {"media-deleted": "DeleteMedia again", "api-errors": "unknown file: DeleteMedia"},
        changes={"DeleteMedia": accepted()},
    ),
    Plant(
        "no region is the default",
        {"api-regions": "one is the default"},
        changes={"DescribeStorageRegions": with_member("Response.StorageRegionInfos.IsDefault", False)},  # noqa: FBT003  # the member's value
    ),
    Plant(
        "another code for an unknown task",
        {"api-errors": "unknown task"},
        changes={"DescribeTaskDetail": instead("ResourceNotFound", "InvalidParameterValue.TaskId")},
    ),
    Plant(
        "another code for an unknown key",
        {"api-authorization": "unknown SecretId"},
        changes={"DescribeStorageRegions": instead("SecretIdNotFound", "UnauthorizedOperation")},
    ),
    Plant(
        "the event configuration tells the SignKey",
        {"event-config": "members"},
        changes={"DescribeEventConfig": with_member("Response.SignKey", "AbCd1234")},
    ),
    Plant(
        "a repeated SessionId has another code",
        {"task-repeated": "repeated SessionId"},
        changes={"ProcessMediaByProcedure": instead("TaskDuplicate", "Duplicate")},
    ),
    Plant(
        "the session context of a task is lost",
        {"task-of-upload": "SessionContext"},
        changes={"DescribeTaskDetail": with_member("Response.ProcedureTask.SessionContext", "")},
    ),
    Plant(
        "events are not queued",
        {"pull-upload": "NewFileUpload"},
        changes={"PullEvents": without_events("NewFileUpload")},
        patience=0.1,
    ),
    Plant(
        "a deletion has no event",
        {"pull-other-events": "DeleteMedia: EventType"},
        changes={"PullEvents": without_events("FileDeleted")},
        patience=0.1,
    ),
    Plant(
        "pulled events are signed",
        {"pull-sign": "Sign"},
        changes={"PullEvents": with_member("Response.EventSet.Sign", "0" * 32)},
    ),
    Plant(
        "an event may be confirmed twice",
        {"pull-confirm": "ConfirmEvents again", "api-errors": "handle that was never given"},
        changes={"ConfirmEvents": accepted()},
    ),
    Plant(
        "the queue's length is unknown",
        {"pull-count": "members"},
        changes={"DescribeEventsState": refused("UnsupportedOperation")},
    ),
)
