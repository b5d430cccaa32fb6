"""Examples for the document, built by the code that builds the real messages.

Keys, users and instants are invented; the events are those recorded in `local.operator.sample_events`.
"""

from __future__ import annotations

import json
from typing import Any

from local.operator.sample_events import SAMPLES
from shared.domain.app_event import ENFORCEMENT, EXPIRY, PUSH, AppEvent, event_id_for, to_json
from shared.domain.event_status import Verdict
from shared.domain.ingested_event import classify, journal_name
from shared.domain.journal import version_name
from shared.domain.policy import Grant
from shared.domain.rejection import FORBIDDEN, Rejection
from shared.domain.session import ProcedureOutcome, UploadSession
from shared.domain.upload_representation import upload_answer
from shared.errors import RateLimit
from shared.runtime.upload_list import limit_json
from shared.vod.context_token import UploadContext, seal
from shared.vod.notification import parse_notification
from shared.vod.notification_types import EventNotification
from shared.vod.signature import SignatureParameters, sign

_KEYS = ("an-example-key-that-nobody-may-use",)
_STAGE = "example"
_UPLOAD = UploadContext("01M8QN8R800000000000EXAMP1", "alice", "lesson 3")
_ISSUED_AT = 1_795_336_000
_RECEIVED_AT = _ISSUED_AT + 73
_ENDS_AT = _ISSUED_AT + 90_000

_EVENTS: dict[str, tuple[str, Verdict]] = {
    "upload.completed": ("NewFileUpload", Verdict.ATTRIBUTED),
    "upload.replayed": ("NewFileUpload", Verdict.REPLAYED),
    "upload.cover_changed": ("NewFileUpload", Verdict.COVER_CHANGED),
    "upload.integrity": ("DescribeFileAttributesComplete", Verdict.ATTRIBUTED),
    "procedure.changed": ("ProcedureStateChanged", Verdict.ATTRIBUTED),
    "procedure.finished": ("ProcedureStateChanged", Verdict.ATTRIBUTED),
    "vod.*": ("FileDeleted", Verdict.UNATTRIBUTED),
}


def signature_example() -> dict[str, object]:
    """Return an answer of POST /signature."""
    parameters = SignatureParameters(
        secret_id="AKIDexampleexampleexample",  # noqa: S106 -- an id, and of nobody
        current_time_stamp=_ISSUED_AT,
        expire_time=_ISSUED_AT + 600,
        random=2_147_483_659,
        source_context=_token(),
        one_time_valid=True,
        session_context=_token(),
        storage_region="ap-seoul",
    )
    return {
        "signature": sign(parameters, secret_key=_KEYS[0]),
        "uploadId": _UPLOAD.upload_id,
        "expiresAt": parameters.expire_time,
        "oneTime": True,
    }


def upload_example() -> dict[str, object]:
    """Return an answer of GET /uploads/{uploadId}, for an upload whose task flow has finished."""
    file = parse_notification(_sample("NewFileUpload")).file_upload
    flow = parse_notification(_sample("ProcedureStateChanged")).procedure_state
    assert file is not None  # noqa: S101 -- the samples are what they are called
    assert flow is not None  # noqa: S101 -- as above
    session = UploadSession(
        upload_id=_UPLOAD.upload_id,
        user_id=_UPLOAD.user_id,
        grant=Grant("course", 600, one_time=True, context=_UPLOAD.app_context, procedure="LongVideoPreset"),
        issued_at=_ISSUED_AT,
        ends_at=_ENDS_AT,
        uploaded_at=_RECEIVED_AT,
        file_id=file.file_id,
        media_url=file.media_url,
        cover_url=file.cover_url,
        procedure_task_id=flow.task_id,
        procedure=ProcedureOutcome("FINISH", succeeded=True, subtasks=flow.subtasks[:1]),
        updated_at=_RECEIVED_AT + 90,
    )
    return upload_answer(session, now=_RECEIVED_AT + 120)


def uploads_example() -> dict[str, object]:
    """Return an answer of GET /uploads, for a user with this one upload."""
    limits = [limit_json(RateLimit("user", 30, 60, 29, 2)), limit_json(RateLimit("open", 100, 0, 100, 0))]
    return {"uploads": [upload_example()], "next": None, "limits": limits}


def event_example(event_type: str) -> dict[str, object]:
    """Return the app's event of one type, built from what VOD sends."""
    if event_type == "upload.expired":
        nothing = EventNotification(event_type="", wire_format="unknown", raw={})
        return to_json(_event(f"expiry-{_UPLOAD.upload_id}", nothing, Verdict.ATTRIBUTED, EXPIRY))
    if event_type == "upload.rejected":
        return to_json(_rejected())
    sample, verdict = _EVENTS[event_type]
    body = json.loads(_sample(sample))
    if event_type == "upload.replayed":
        body["FileUploadEvent"]["FileId"] = "5576678020099887766"
    if event_type == "upload.cover_changed":
        cover = (
            "https://1500012345.vod-example.test/c0ffee00vodkr1500012345/1f2e3d4c5576678020044556677/new.jpg"
        )
        body["FileUploadEvent"]["MediaBasicInfo"]["CoverUrl"] = cover
    if event_type.startswith("procedure."):
        _shorten(body["ProcedureStateChangeEvent"], finished=event_type == "procedure.finished")
    notification = parse_notification(json.dumps(body).encode())
    name = journal_name(notification)
    name = version_name(name, 1) if verdict is Verdict.COVER_CHANGED else name
    event = _event(name, notification, verdict, PUSH)
    if event_type == "upload.integrity":
        event = event._replace(declared=":".join(notification.digests[1]))
    return to_json(event)


def _rejected() -> AppEvent:
    nothing = EventNotification(event_type="", wire_format="unknown", raw={})
    file = parse_notification(_sample("NewFileUpload")).file_upload
    assert file is not None  # noqa: S101 -- for the type checker: a sample of an upload has a file
    exceeded = {"limit": "maxDuration", "allowed": 60, "actual": 120.04}
    name = f"rejected-{_UPLOAD.upload_id}.{file.file_id}"
    event = _event(name, nothing, Verdict.ATTRIBUTED, ENFORCEMENT)
    return event._replace(rejection=Rejection(file.file_id, FORBIDDEN, None, [exceeded]))


def callback_example() -> dict[str, object]:
    """Return the body that VOD posts for a finished upload."""
    body: dict[str, object] = json.loads(_sample("NewFileUpload"))
    return body


def _event(name: str, notification: EventNotification, verdict: Verdict, origin: str) -> AppEvent:
    uploader, _ = classify(notification, keys=_KEYS, stage=_STAGE)
    if origin in (EXPIRY, ENFORCEMENT):
        uploader = _UPLOAD
    first = origin == EXPIRY or notification.event_type == "NewFileUpload"
    return AppEvent(
        event_id=event_id_for(name),
        notification=notification,
        uploader=uploader,
        verdict=verdict,
        verified=uploader is not None,
        sequence=0 if uploader is None else 1 if first and verdict is Verdict.ATTRIBUTED else 2,
        received_at=_ENDS_AT if origin == EXPIRY else _RECEIVED_AT,
        origin=origin,
    )


def _shorten(flow: dict[str, Any], *, finished: bool) -> None:
    """Keep one subtask of a task flow, finished or in progress."""
    flow["MediaProcessResultSet"] = flow["MediaProcessResultSet"][:1]
    for name in [name for name in flow if name.startswith("Ai")]:
        flow[name] = []
    transcode = flow["MediaProcessResultSet"][0]["TranscodeTask"]
    if not finished:
        flow["Status"] = transcode["Status"] = "PROCESSING"
        transcode |= {"Progress": 40, "Message": ""}
        transcode.pop("Output", None)


def _sample(name: str) -> bytes:
    """Read a recorded event and attribute it to the example's upload."""
    body = json.loads((SAMPLES / f"{name}.json").read_bytes())
    if name == "NewFileUpload":
        body["FileUploadEvent"]["MediaBasicInfo"]["SourceInfo"]["SourceContext"] = _token()
    if name == "ProcedureStateChanged":
        body["ProcedureStateChangeEvent"] |= {"SessionContext": _token(), "Status": "FINISH"}
    if name == "DescribeFileAttributesComplete":
        body["DescribeFileAttributesCompleteEvent"]["SessionContext"] = _token()
    return json.dumps(body).encode()


def _token() -> str:
    return seal(_UPLOAD, keys=_KEYS, stage=_STAGE)
