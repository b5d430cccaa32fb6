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
_OURS = frozenset({"verdict", "verified", "reconciled", "sequence", "breaches"})


def untrue(event: Mapping[str, Any], outside: Outside) -> list[str]:
    """Return what is untrue in an event; empty for one that is not marked as verified."""
    if not event["data"]["verified"] or event["type"] == "upload.expired":
        return []
    try:
        if event["type"] in ("upload.completed", "upload.replayed"):
            faults = _untrue_upload(event, outside)
        elif event["type"] in ("procedure.changed", "procedure.finished"):
            faults = _untrue_task_flow(event, outside)
        else:
            return [f"{event['id']}: nobody can vouch for a {event['type']}"]
    except (KeyError, TypeError) as error:
        return [f"{event['id']}: VOD knows nothing like it ({error!r})"]
    return [f"{event['id']}: {name} is not VOD's" for name in faults]


def _untrue_upload(event: Mapping[str, Any], outside: Outside) -> list[str]:
    told, raw = event["data"], event["raw"]["FileUploadEvent"]
    media: Any = outside.vod.media_info(told["fileId"], timeout_seconds=_SECONDS)
    task_ids, basic = outside.task_ids(told["fileId"]), media["BasicInfo"]
    content = _content(upload_event(media, task_ids), basic["SourceInfo"]["SourceContext"], outside)
    flow = task_ids.get("Procedure", "")
    is_whole = (raw["MetaData"], raw["ProcedureTaskId"]) == (media["MetaData"], flow)
    return [
        *_different(told, content, _OURS | {"coverUrl"}),
        *_different(raw["MediaBasicInfo"], basic, _CHANGING),
        *(["coverUrl"] if told["coverUrl"] not in (None, basic["CoverUrl"]) else []),
        *([] if is_whole else ["raw"]),
    ]


def _untrue_task_flow(event: Mapping[str, Any], outside: Outside) -> list[str]:
    told, raw = event["data"], event["raw"]["ProcedureStateChangeEvent"]
    true = outside.vod.procedure_task(told["procedureTaskId"], timeout_seconds=_SECONDS)
    if event["type"] == "procedure.finished":
        spelt = {"EventType": "ProcedureStateChanged", "ProcedureStateChangeEvent": true}
        content = _content(spelt, str(true["SessionContext"]), outside)
        return _different(told, content, _OURS) + _different(raw, true)
    ids = {name: true[name] for name in ("TaskId", "FileId", "FileUrl", "SessionContext")}
    return _different(raw, ids) + (["status"] if told["procedure"]["status"] != "PROCESSING" else [])


def _different(
    told: Mapping[str, Any], true: Mapping[str, Any], but_for: frozenset[str] = frozenset()
) -> list[str]:
    """Return the names of the members that are not as VOD has them."""
    return [name for name in true.keys() - but_for if told[name] != true[name]]


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
        received_at=0,
        origin="push",
    )
    content: Any = to_json(event)["data"]
    return dict(content)
