"""Earlier uploads, the events that VOD sends about them, and its callback."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from functions import event_notification
from shared.domain.ingested_event import Source
from shared.flows.ingest_event import Ingester
from shared.flows.issue_signature import IssuedSignature, Issuer, Randomness
from shared.http.authentication import Caller
from shared.runtime import bootstrap
from shared.schema.signature_request import read_signature_request
from shared.vod.signature import decode
from tests.functions.deployment import CALLBACK_TOKEN
from tests.functions.scf import REQUEST_ID, Answer, event_of, read_answer
from tests.shared.uploads import changed, notification_of, uploaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.local.simulator.account import Account


def begin_upload(*, seconds_ago: int, user: str = "alice", **wish: object) -> IssuedSignature:
    """Begin an upload as `functions/upload_signature.py` would have done at that time."""
    runtime = bootstrap.upload_signature()
    return Issuer(runtime.settings, runtime.store).begin(
        read_signature_request(wish),
        Caller(user),
        now=time.time() - seconds_ago,
        randomness=Randomness(nonces=[secrets.randbits(32)], upload_id=secrets.randbits(80)),
    )


def token_in(signature: str) -> str:
    """Return the token that a signature carries."""
    return decode(signature).values["sourceContext"]


def upload(vod: Account, *, seconds_ago: int = 60, **wish: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401  # of a request
    """Upload a file with a signature of ours; return the upload's id and VOD's event about it."""
    issued = begin_upload(seconds_ago=seconds_ago, **wish)
    token = token_in(issued.signature)
    file_id = str(vod.upload(source_context=token)["data"]["fileId"])
    return issued.upload_id, uploaded(token, file_id=file_id)


def push(body: object, *, path: str = f"/{CALLBACK_TOKEN}", query: Mapping[str, str] | None = None) -> Answer:
    """Call back as VOD does; bytes are passed as the platform does, in Base64."""
    content = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    text = content if isinstance(content, str) else json.dumps(content)
    event = event_of("POST", path, query=query, body=text) | {"isBase64Encoded": isinstance(body, bytes)}
    return read_answer(event_notification.main_handler(event, {"request_id": REQUEST_ID}))


def due_events() -> int:
    """Return the number of events that wait for the timer."""
    store = bootstrap.event_notification().store
    return len(store.due_events(now=int(time.time()) + 15, limit=100))


def announce_upload(signature: str, *, procedure_task_id: str = "", seconds_ago: int = 0) -> None:
    """Ingest the event that VOD sends when this signature's file is complete."""
    _ingest(uploaded(token_in(signature), task_id=procedure_task_id), seconds_ago)


def announce_procedure(signature: str, *, status: str, subtask_status: str = "SUCCESS") -> None:
    """Ingest the event that VOD sends when the task flow of this signature's file changes."""
    _ingest(changed(token_in(signature), status=status, subtask=subtask_status), 0)


def _ingest(event: dict[str, Any], seconds_ago: int) -> None:
    runtime = bootstrap.event_notification()
    # Pulled, and so trusted: how a push is verified is not what these tests are about.
    source = Source("pull", int(time.time()) - seconds_ago, lease=secrets.token_hex(8))
    Ingester(runtime.store, runtime.settings).ingest(notification_of(event), source)
