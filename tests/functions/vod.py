"""Set up earlier uploads, and events that VOD has sent about them."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any

from shared.domain.ingested_event import Source
from shared.flows.ingest_event import Ingester
from shared.flows.issue_signature import IssuedSignature, Issuer, Randomness
from shared.http.authentication import Caller
from shared.runtime import bootstrap
from shared.schema.signature_request import read_signature_request
from shared.vod.notification import parse_notification
from shared.vod.signature import decode

EVENTS = Path(__file__).parents[1] / "samples" / "vod" / "v3"
FILE_ID = "5576678020044556677"


def begin_upload(*, seconds_ago: int, user: str = "alice", **wish: object) -> IssuedSignature:
    """Begin an upload as `functions/upload_signature.py` would have done at that time."""
    runtime = bootstrap.upload_signature()
    return Issuer(runtime.settings, runtime.store).begin(
        read_signature_request(wish),
        Caller(user),
        now=time.time() - seconds_ago,
        randomness=Randomness(nonces=[secrets.randbits(32)], upload_id=secrets.randbits(80)),
    )


def announce_upload(signature: str, *, procedure_task_id: str = "", seconds_ago: int = 0) -> None:
    """Ingest the event that VOD sends when this signature's file is complete."""
    event = _sample("NewFileUpload")
    event["FileUploadEvent"]["ProcedureTaskId"] = procedure_task_id
    event["FileUploadEvent"]["MediaBasicInfo"]["SourceInfo"]["SourceContext"] = _token(signature)
    _ingest(event, seconds_ago)


def announce_procedure(signature: str, *, status: str, subtask_status: str = "SUCCESS") -> None:
    """Ingest the event that VOD sends when the task flow of this signature's file changes."""
    event = _sample("ProcedureStateChanged")
    flow = event["ProcedureStateChangeEvent"]
    flow |= {"Status": status, "SessionContext": _token(signature), "SessionId": ""}
    for results in (value for name, value in flow.items() if name.endswith("ResultSet")):
        for subtask in (part for result in results for part in result.values() if isinstance(part, dict)):
            subtask["Status"] = subtask_status
    _ingest(event, 0)


def _sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


def _token(signature: str) -> str:
    return decode(signature).values["sourceContext"]


def _ingest(event: dict[str, Any], seconds_ago: int) -> None:
    runtime = bootstrap.event_notification()
    # Pulled, and so trusted: how a push is verified is not what these tests are about.
    source = Source("pull", int(time.time()) - seconds_ago, lease=secrets.token_hex(8))
    notification = parse_notification(json.dumps(event).encode())
    Ingester(runtime.store, runtime.settings).ingest(notification, source)
