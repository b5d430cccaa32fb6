"""Uploads in the order of each SDK, from Apply to Commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.conformance.called import expected
from local.conformance.question import Cost, Questions
from local.conformance.shapes import ABSENT, shape
from local.conformance.storage_calls import completion, word_of
from local.conformance.subject import CONTROL_HOST
from local.conformance.uploads import (
    CLIP,
    COVER,
    announced,
    applied,
    commit,
    media_info,
    server_applied,
    server_commit,
    session_of,
    storage,
    store,
    until,
    uploaded,
)

if TYPE_CHECKING:
    from local.conformance.http_calls import Reply
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_ONE = Cost(uploads=1)
_HEADERS = ("etag", "x-cos-request-id", "x-cos-hash-crc64ecma", "location")


@QUESTIONS.declare(
    "upload-web-cos",
    "Does an upload in the order of the Web SDK's COS mode go through, and what has each reply?",
    source="vod-js-sdk-v6 1.8.0, cos-js-sdk-v5 1.8.3 (sliceUploadFile)",
    concerns="replies/control.py COMMIT, replies/storage.py",
    cost=_ONE,
)
def _web_cos(vod: Subject) -> Answer:
    vod.control("PrepareUploadUGC", signature=vod.signature())
    session = applied(vod, uploadFromWeb=True)
    cos, key = storage(vod, session), session.media_key
    listed = cos.cos("GET", query=(("uploads", None), ("prefix", key)))
    begun = cos.cos("POST", key, query=(("uploads", None),), headers={"Content-Type": "video/mp4"})
    one = ("uploadId", begun.xml()["UploadId"])
    part = cos.cos("PUT", key, query=(("partNumber", "1"), one), body=CLIP)
    body = completion([part.headers.get("etag", "")])
    done = cos.cos("POST", key, query=(one,), body=body, headers={"Content-Type": "application/xml"})
    replies = {"List": listed, "Initiate": begun, "UploadPart": part, "Complete": done}
    committed = commit(vod, session)
    return {
        **{name: {"status": reply.status, **_headers(reply)} for name, reply in replies.items()},
        "members of Initiate": shape(begun.xml()),
        "members of Complete": shape(done.xml()),
        "Commit": committed.word,
        "members of Commit": shape(committed.document),
    }


@QUESTIONS.declare(
    "upload-web-s3",
    "Does an upload in the Web SDK's S3 mode go through?",
    source='vod-js-sdk-v6 1.8.0 (storageType: "s3"); no document',
    concerns="s3_authorization.py",
    cost=_ONE,
)
def _web_s3(vod: Subject) -> Answer:
    session = applied(vod, uploadFromWeb=True)
    put = storage(vod, session).s3("PUT", session.media_key, body=CLIP)
    refused = storage(vod, session).with_wrong("secret_key").s3("PUT", session.media_key, body=CLIP)
    return {
        "PutObject": word_of(put),
        "headers": _headers(put),
        "wrong signature": word_of(refused),
        "Commit": commit(vod, session).word,
    }


@QUESTIONS.declare(
    "upload-mobile",
    "Does an upload with a cover in the order of the mobile SDKs go through, with one signature?",
    source="TVCClient of Android 13.4 and iOS 13.1",
    concerns="signatures.UsedSignatures, storage_calls.py",
    cost=_ONE,
)
def _mobile(vod: Subject) -> Answer:
    signature = vod.signature(oneTimeValid=1)
    client = {"clientReportId": "conformance", "clientVersion": "13.4"}
    prepared = vod.control("PrepareUploadUGC", signature=signature, clientVersion="13.4")
    file = announced(vod, cover=True)
    session = session_of(vod.control("ApplyUploadUGC", signature=signature, **file, **client))
    cos = storage(vod, session)
    raced = vod.http.send("HEAD", session.bucket.host, "/")
    begun = cos.cos("POST", session.media_key, query=(("uploads", None),))
    put = cos.cos("PUT", session.media_key, body=CLIP)
    cover = cos.cos("PUT", session.cover_key, body=COVER)
    with vod.ledger.making():
        committed = vod.control(
            "CommitUploadUGC", signature=signature, vodSessionKey=session.session_key, **client
        )
    vod.ledger.note(str(committed.members.get("fileId", "")))
    return {
        "Prepare": prepared.word,
        "HEAD of the race": raced.status,
        "Initiate": begun.status,
        "PutObject": {"status": put.status, **_headers(put)},
        "cover": {"status": cover.status, **_headers(cover)},
        "Commit": committed.word,
        "members of Commit": shape(committed.members),
    }


@QUESTIONS.declare(
    "upload-mini-program",
    "Does the control host take storage requests with Vod-Forward-Cos?",
    source="vod-wx-sdk-v2 1.1.2",
    concerns="storage_request.storage_request",
    cost=_ONE,
)
def _mini_program(vod: Subject) -> Answer:
    session = applied(vod)
    put = storage(vod, session).cos("PUT", session.media_key, body=CLIP, to_host=CONTROL_HOST)
    return {"PutObject": word_of(put), "headers": _headers(put), "Commit": commit(vod, session).word}


@QUESTIONS.declare(
    "upload-form",
    "Does the storage take a form with a policy, as mini programs of old libraries send a file?",
    source="doc 436/14690; vod-wx-sdk-v2 1.1.2 (wx.uploadFile)",
    concerns="post_policy.py, replies/storage.py DOCUMENTS",
    cost=_ONE,
)
def _form(vod: Subject) -> Answer:
    session = applied(vod)
    posted = storage(vod, session).form(session.media_key, CLIP)
    return {
        "PostObject": word_of(posted),
        "headers": _headers(posted),
        "members": shape(posted.xml()),
        "Commit": commit(vod, session).word,
    }


@QUESTIONS.declare(
    "upload-server",
    "Does an upload of the server API go through, and what does VOD say of it afterwards?",
    source="API model 2018-07-17; vod-python-sdk 1.4.4, vod-node-sdk 1.1.0",
    concerns="server_uploads.py, replies/server_api.py SERVER_API",
    cost=_ONE,
)
def _server(vod: Subject) -> Answer:
    session = server_applied(vod, CoverType="png", SourceContext="of a server")
    store(vod, session)
    committed = server_commit(vod, session)
    info = media_info(vod, str(committed.members.get("FileId", ""))).get("BasicInfo") or {}
    return {
        "members of ApplyUpload": shape(session.data),
        "CommitUpload": committed.word,
        "members of CommitUpload": shape(committed.members),
        "SourceInfo": info.get("SourceInfo", ABSENT),
        "Commit of a client": vod.control(
            "CommitUploadUGC", signature=vod.signature(), vodSessionKey=session.session_key
        ).word,
    }


@QUESTIONS.declare(
    "upload-pull",
    "Does PullUpload fetch a file, and what has its task?",
    source="API model 2018-07-17",
    concerns="pull_uploads.py, replies/server_api.py SERVER_API",
    cost=Cost(uploads=2),
)
def _pull(vod: Subject) -> Answer:
    url = str(uploaded(vod)["video"]["url"])
    with vod.ledger.making():
        begun = vod.api("PullUpload", MediaUrl=url, MediaName=vod.name())
        task_id = expected("PullUpload", begun)["TaskId"]

        def ended() -> dict[str, Any] | None:
            found = vod.api("DescribeTaskDetail", TaskId=task_id).members
            return found if found.get("Status") in ("FINISH", "ABORTED") else None

        detail = until(vod, ended, "the end of PullUpload")
        task = detail.get("PullUploadTask") or {}
        vod.ledger.note(str(task.get("FileId") or ""))
    info = media_info(vod, str(task.get("FileId") or "")).get("BasicInfo") or {}
    return {
        "members of PullUpload": shape(begun.members),
        "TaskType": detail.get("TaskType", ABSENT),
        "ErrCode": task.get("ErrCode", ABSENT),
        "members of the task": {name: kind for name, kind in shape(task).items() if "." not in name},
        "SourceType": info.get("SourceInfo", {}).get("SourceType", ABSENT),
    }


def _headers(reply: Reply) -> dict[str, str]:
    shown = {name: "there" if reply.headers.get(name) else ABSENT for name in _HEADERS}
    etag = reply.headers.get("etag", "")
    return shown | ({"etag": "quoted" if etag.startswith('"') else "bare"} if etag else {})
