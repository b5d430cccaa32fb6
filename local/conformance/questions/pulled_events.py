"""The reliable callback: what PullEvents returns, and which events there are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from local.conformance.called import NotAskedError, StepFailedError, expected
from local.conformance.question import Cost, Questions
from local.conformance.shapes import ABSENT, shape
from local.conformance.uploads import COVER, commit, session_of, store, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_ONE = Cost(uploads=1, events=True)
_HANDLE_SECONDS = 30
_SIGN_KEY = "AbCd1234EfGh5678"


@QUESTIONS.declare(
    "pull-empty",
    "What does PullEvents return when there is no event?",
    source="doc 266/34183; vod-xiaoshipin-server",
    concerns="configuration empty_event_set",
    cost=Cost(events=True),
)
def _empty(vod: Subject) -> Answer:
    vod.events.configure_pull()
    called = vod.api("PullEvents")
    if called.members.get("EventSet"):
        raise NotAskedError("the queue is not empty: it has events of others")
    return {"PullEvents": called.word, "members": shape(called.members)}


@QUESTIONS.declare(
    "pull-upload",
    "Which members has a pulled NewFileUpload?",
    source="docs 266/33950, 266/34183",
    concerns="media.Media.upload_event, replies/server_api.py SERVER_API",
    cost=_ONE,
)
def _upload(vod: Subject) -> Answer:
    vod.events.configure_pull()
    file_id = str(uploaded(vod, sourceContext="a context")["fileId"])
    event = vod.events.pulled(_is_upload_of(file_id))
    if event is None:
        return {"NewFileUpload": ABSENT}
    source = event["FileUploadEvent"]["MediaBasicInfo"].get("SourceInfo") or {}
    return {
        "NewFileUpload": "pulled",
        "members": shape({name: value for name, value in event.items() if value is not None}),
        "SourceType": source.get("SourceType", ABSENT),
        "SourceContext": source.get("SourceContext", ABSENT),
    }


@QUESTIONS.declare(
    "pull-confirm",
    "When does an event come again, and what does a second ConfirmEvents answer?",
    source="docs 266/34183, 266/34184",
    concerns="pull_queue.PullQueue",
    cost=Cost(uploads=1, seconds=_HANDLE_SECONDS + 2, events=True),
)
def _confirm(vod: Subject) -> Answer:
    vod.events.configure_pull()
    file_id = str(uploaded(vod)["fileId"])
    first = _of_upload(vod, file_id, confirm=False)
    soon = [event for event in vod.events.pull() if _is_upload_of(file_id)(event)]
    vod.pace.wait(_HANDLE_SECONDS + 2)
    late = vod.events.confirm(first)
    vod.events.forget(first)
    again = _of_upload(vod, file_id, confirm=False)
    return {
        "again at once": bool(soon),
        "ConfirmEvents after 30 s": late,
        "another handle": again["EventHandle"] != first["EventHandle"],
        "ConfirmEvents": vod.events.confirm(again),
        "ConfirmEvents again": vod.events.confirm(again),
    }


@QUESTIONS.declare(
    "pull-cover-change",
    "Does a changed cover raise an event?",
    source="vod-js-sdk-v6 src/uploader.ts; no document",
    concerns="switch coverChange",
    cost=Cost(uploads=2, events=True),
)
def _cover_change(vod: Subject) -> Answer:
    vod.events.configure_pull()
    file_id = str(uploaded(vod)["fileId"])
    vod.events.forget(_of_upload(vod, file_id))
    cover = {"coverName": vod.name(), "coverType": "png", "coverSize": len(COVER)}
    session = session_of(vod.control("ApplyUploadUGC", signature=vod.signature(), fileId=file_id, **cover))
    store(vod, session)
    expected("CommitUploadUGC", commit(vod, session))
    found = _before_the_next(vod, lambda event: file_id in str(event))
    return {"events": sorted(str(event.get("EventType")) for event in found)}


@QUESTIONS.declare(
    "pull-other-events",
    "Which events do DescribeFileAttributes and DeleteMedia raise, and which members have they?",
    source="API model 2018-07-17 (EventContent); doc 266/57589",
    concerns="task_actions.TaskActions, media.Media.delete_event",
    cost=Cost(uploads=1, events=True),
)
def _other_events(vod: Subject) -> Answer:
    vod.events.configure_pull()
    file_id = str(uploaded(vod)["fileId"])
    vod.events.forget(_of_upload(vod, file_id))
    expected("DescribeFileAttributes", vod.api("DescribeFileAttributes", FileId=file_id))
    attributes = vod.events.pulled(
        lambda event: event.get("EventType") == "DescribeFileAttributesComplete" and file_id in str(event)
    )
    vod.api("DeleteMedia", FileId=file_id)
    deleted = vod.events.pulled(
        lambda event: event.get("EventType") == "FileDeleted" and file_id in str(event)
    )
    return {"DescribeFileAttributes": shape(attributes or {}), "DeleteMedia": shape(deleted or {})}


@QUESTIONS.declare(
    "pull-procedure",
    "Which members has the event that a task flow ends with?",
    source="doc 266/33953",
    concerns="task_flow.TaskFlow.state_event",
    cost=Cost(uploads=1, events=True, processing=True),
)
def _procedure(vod: Subject) -> Answer:
    vod.events.configure_pull()
    file_id = str(uploaded(vod, procedure=vod.permissions.procedure)["fileId"])
    event = _of_upload(vod, file_id)
    ended = vod.events.pulled(
        lambda event: event.get("EventType") == "ProcedureStateChanged" and file_id in str(event)
    )
    if ended is None:
        return {"ProcedureStateChanged": ABSENT}
    flow = ended.get("ProcedureStateChangeEvent") or {}
    return {
        "ProcedureTaskId is the TaskId": event["FileUploadEvent"].get("ProcedureTaskId")
        == flow.get("TaskId"),
        "members": sorted(flow),
        "Status": flow.get("Status", ABSENT),
    }


@QUESTIONS.declare(
    "pull-sign",
    "Does the callback signature cover events that are pulled?",
    source="API model ModifyEventConfigRequest (SignKey)",
    concerns="push_sender.signed_push",
    cost=_ONE,
)
def _sign(vod: Subject) -> Answer:
    vod.events.configure_pull(sign_key=_SIGN_KEY)
    event = _of_upload(vod, str(uploaded(vod)["fileId"]))
    vod.events.configure_pull()
    return {name: name in event for name in ("Sign", "T")}


@QUESTIONS.declare(
    "pull-count",
    "Does DescribeEventsState count an event that waits?",
    source="API model 2018-07-17; doc 266/48758",
    concerns="event_actions.EventActions",
    cost=_ONE,
)
def _count(vod: Subject) -> Answer:
    vod.events.configure_pull()
    file_id = str(uploaded(vod)["fileId"])
    called = vod.api("DescribeEventsState")
    _of_upload(vod, file_id)
    count = called.members.get("CountOfEventsToPull")
    return {"members": shape(called.members), "counted at once": isinstance(count, int) and count > 0}


def _is_upload_of(file_id: str) -> Callable[[dict[str, Any]], bool]:
    def is_it(event: dict[str, Any]) -> bool:
        return (
            event.get("EventType") == "NewFileUpload"
            and (event.get("FileUploadEvent") or {}).get("FileId") == file_id
        )

    return is_it


def _of_upload(vod: Subject, file_id: str, *, confirm: bool = True) -> dict[str, Any]:
    event = vod.events.pulled(_is_upload_of(file_id), confirm=confirm)
    if event is None:
        raise StepFailedError(f"NewFileUpload did not come within {vod.pace.patience:.0f} s")
    return event


def _before_the_next(vod: Subject, is_wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Return the events that came until that of another upload did, and a while later."""
    _of_upload(vod, str(uploaded(vod)["fileId"]))
    time.sleep(vod.pace.silence)
    vod.events.pull()
    return vod.events.take(is_wanted)
