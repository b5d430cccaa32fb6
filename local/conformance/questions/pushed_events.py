"""The normal callback: what is posted, how it is signed, and when it is sent again."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from local.conformance.called import StepFailedError
from local.conformance.question import Cost, Questions
from local.conformance.shapes import ABSENT, shape
from local.conformance.uploads import uploaded

if TYPE_CHECKING:
    from local.conformance.push_receiver import Push
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_COST = Cost(uploads=1, events=True, pushes=True)
_SIGN_KEY = "AbCd1234EfGh5678"
_ERROR = 500
_SIGNED_SECONDS, _TOLERANCE = 600, 60


@QUESTIONS.declare(
    "push-upload",
    "Which headers and members has a pushed NewFileUpload without a SignKey?",
    source="docs 266/33948, 266/33950",
    concerns="push_sender.PushSender, media.Media.upload_event",
    cost=_COST,
)
def _upload(vod: Subject) -> Answer:
    vod.events.configure_push()
    push = _of_upload(vod, str(uploaded(vod, sourceContext="a context")["fileId"]))
    return {
        "content type": push.headers.get("content-type", ABSENT).partition(";")[0],
        "members": shape(push.event),
    }


@QUESTIONS.declare(
    "push-sign",
    "Where are Sign and T, of which type, in which letter case, and how far ahead is T?",
    source="API model ModifyEventConfigRequest (SignKey)",
    concerns="push_sender.signed_push",
    cost=_COST,
)
def _sign(vod: Subject) -> Answer:
    vod.events.configure_push(sign_key=_SIGN_KEY)
    push = _of_upload(vod, str(uploaded(vod)["fileId"]))
    sign, ends = push.event.get("Sign"), push.event.get("T")
    digest = hashlib.md5(f"{_SIGN_KEY}{ends}".encode(), usedforsecurity=False).hexdigest()
    ahead = int(ends) - vod.now() if str(ends).isdigit() else 0  # type: ignore[arg-type]  # digits, as text or number
    return {
        "members": shape({name: push.event[name] for name in ("Sign", "T") if name in push.event}),
        "Sign": {digest: "lower case", digest.upper(): "upper case"}.get(str(sign), "another"),
        "T is ten minutes ahead": abs(ahead - _SIGNED_SECONDS) <= _TOLERANCE,
    }


@QUESTIONS.declare(
    "push-sign-cleared",
    "Does an empty SignKey end the callback signature?",
    source="API model ModifyEventConfigRequest (SignKey)",
    concerns="event_actions.EventActions",
    cost=_COST,
)
def _sign_cleared(vod: Subject) -> Answer:
    vod.events.configure_push(sign_key=_SIGN_KEY)
    vod.events.configure_push(sign_key="")
    push = _of_upload(vod, str(uploaded(vod)["fileId"]))
    return {name: name in push.event for name in ("Sign", "T")}


@QUESTIONS.declare(
    "push-answered-500",
    "Is a push that is answered with status 500 sent again?",
    source="doc 266/33931 (status and body are ignored)",
    concerns="push_sender.PushSender",
    cost=Cost(uploads=2, events=True, pushes=True),
)
def _answered_500(vod: Subject) -> Answer:
    receiver = vod.events.configure_push()
    receiver.status = _ERROR
    file_id = str(uploaded(vod)["fileId"])
    _of_upload(vod, file_id)
    time.sleep(vod.pace.silence)
    receiver.status = 200
    _of_upload(vod, str(uploaded(vod)["fileId"]))
    time.sleep(vod.pace.silence)
    return {"sends": sum(_is_upload(push.event, file_id) for push in receiver.received)}


def _is_upload(event: dict[str, Any], file_id: str) -> bool:
    return (event.get("FileUploadEvent") or {}).get("FileId") == file_id


def _of_upload(vod: Subject, file_id: str) -> Push:
    push = vod.events.pushed(lambda event: _is_upload(event, file_id))
    if push is None:
        raise StepFailedError(f"nothing was pushed within {vod.pace.patience:.0f} s: does the URL lead here?")
    return push
