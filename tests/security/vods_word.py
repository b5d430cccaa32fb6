"""Check that every member of an event marked as verified, `raw` included, is what VOD says.

VOD itself is asked; what may have changed since is not compared: a file's cover, and a flow's progress.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.domain.app_event import AppEvent, to_json
from shared.domain.event_status import Verdict
from shared.flows.verify_event import upload_event
from shared.vod.context_token import UploadContext, unseal
from shared.vod.notification import notification_from_pull

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.security.outside import Outside

_SECONDS = 10
_CHANGING = frozenset({"CoverUrl", "UpdateTime"})
_OURS = ("verdict", "verified", "reconciled", "sequence", "breaches")


def untrue(event: Mapping[str, Any], outside: Outside) -> list[str]:
    """Return what is untrue in an event; empty for one that is not marked as verified."""
    if not event["data"]["verified"] or event["type"] == "upload.expired":
        return []
    try:
        if event["type"] in ("upload.completed", "upload.replayed"):
            return _untrue_upload(event, outside)
        if event["type"] in ("procedure.changed", "procedure.finished"):
            return _untrue_task_flow(event, outside)
    except (KeyError, TypeError) as error:
        return [f"{event['id']}: VOD knows nothing like it ({error!r})"]
    return [f"{event['id']}: nobody can vouch for a {event['type']}"]


def _untrue_upload(event: Mapping[str, Any], outside: Outside) -> list[str]:
    told, raw = event["data"], event["raw"]["FileUploadEvent"]
    media: Any = outside.vod.media_info(told["fileId"], timeout_seconds=_SECONDS)
    tasks = outside.vod.tasks_of_file(told["fileId"], timeout_seconds=_SECONDS)
    task_ids = {str(task["TaskType"]): str(task["TaskId"]) for task in tasks}
    true = upload_event(media, task_ids)
    token = media["BasicInfo"]["SourceInfo"]["SourceContext"]
    expected = {**_content(true, token, outside), "coverUrl": told["coverUrl"]}
    basic, true_basic = raw["MediaBasicInfo"], media["BasicInfo"]
    faults = [name for name in expected.keys() - set(_OURS) if told[name] != expected[name]]
    faults += [name for name in true_basic.keys() - _CHANGING if basic[name] != true_basic[name]]
    if told["coverUrl"] not in (None, true_basic["CoverUrl"]):
        faults.append("coverUrl")
    if raw["MetaData"] != media["MetaData"] or raw["ProcedureTaskId"] != task_ids.get("Procedure", ""):
        faults.append("raw")
    return [f"{event['id']}: {name} is not VOD's" for name in faults]


def _untrue_task_flow(event: Mapping[str, Any], outside: Outside) -> list[str]:
    told, raw = event["data"], event["raw"]["ProcedureStateChangeEvent"]
    true = outside.vod.procedure_task(told["procedureTaskId"], timeout_seconds=_SECONDS)
    ids = ("TaskId", "FileId", "FileUrl", "SessionContext")
    faults = [name for name in ids if raw[name] != true[name]]
    if event["type"] == "procedure.finished":
        spelt = {"EventType": "ProcedureStateChanged", "ProcedureStateChangeEvent": true}
        expected = _content(spelt, str(true["SessionContext"]), outside)
        faults += [name for name in expected.keys() - set(_OURS) if told[name] != expected[name]]
        faults += [name for name in true if raw[name] != true[name]]
    elif told["procedure"]["status"] != "PROCESSING":
        faults.append("status")
    return [f"{event['id']}: {name} is not VOD's" for name in faults]


def _content(spelt: Mapping[str, object], token: str, outside: Outside) -> dict[str, Any]:
    """Return the content the app should have received."""
    settings = outside.settings
    uploader = unseal(token, keys=settings.context_keys, stage=settings.stage)
    event = AppEvent(
        event_id="",
        notification=notification_from_pull(spelt),
        uploader=uploader if isinstance(uploader, UploadContext) else None,
        verdict=Verdict.ATTRIBUTED,
        verified=True,
        sequence=0,
        occurred_at=0,
        origin="push",
    )
    content = to_json(event)["data"]
    assert isinstance(content, dict)
    return content
