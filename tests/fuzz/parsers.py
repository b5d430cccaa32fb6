"""What must hold for any bytes, for each of the three parsers that read untrusted input.

`PARSERS` has them by name: a function that takes bytes, and raises only if a promise is broken. `fuzzing`
runs them for minutes, the tests on what was found before.
"""

from __future__ import annotations

import binascii
import json
from typing import TYPE_CHECKING

from local.operator.signature_inspection import explain
from shared.errors import ContentTooLargeError, InvalidRequestError, UnprocessableError
from shared.vod import notification as vod
from shared.vod.context_token import BrokenSeal, NoSeal, UploadContext, seal, unseal
from shared.vod.signature import decode, sign_original

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOW = 1_795_336_000
SECRET_KEY = "canary-of-the-secret-key-0000001"
CONTEXT_KEYS = ("canary-of-the-context-key-newest-one", "canary-of-the-context-key-oldest-one")
STAGE = "test"


def check_signature(given: bytes) -> None:
    """Explain any text as a signature, or refuse it as documented, in printable words."""
    as_text = given.decode("utf-8", "surrogateescape")
    as_base64 = binascii.b2a_base64(given, newline=False).decode()
    for signature in (as_text, as_base64, sign_original(as_text, secret_key=SECRET_KEY)):
        try:
            explained = explain(signature, now=NOW, secret_key=SECRET_KEY)
        except InvalidRequestError:
            continue
        decoded = decode(signature)
        # What was taken apart is all there is: put together again, it is the same signature.
        whole = decoded.digest + decoded.original.encode("utf-8", "surrogateescape")
        assert binascii.b2a_base64(whole, newline=False).decode() == "".join(signature.split())
        assert all(problem.isprintable() for problem in explained.problems)
        assert SECRET_KEY not in "".join([*explained.problems, *explained.parameters.values()])
        assert (explained.verdict == "valid") == (
            "".join(signature.split()) == sign_original(decoded.original, secret_key=SECRET_KEY)
        )


def check_notification(given: bytes) -> None:
    """Parse any JSON object as an event, and the same event again from its stored form."""
    try:
        event = vod.parse_notification(given)
    except (ContentTooLargeError, InvalidRequestError):
        return
    # Nothing that was made of it is beyond what can be stored.
    json.dumps(event._replace(raw={}), ensure_ascii=False).encode("utf-8")
    kept, unsigned = vod.raw_json(event), event._replace(signature=None)
    assert kept.isascii()
    assert vod.notification_from_journal(kept) == vod.parse_notification(kept.encode("ascii")) == unsigned
    assert vod.notification_from_pull(event.raw) == unsigned
    assert vod.raw_json(vod.notification_from_journal(kept)) == kept
    assert len(vod.identity(event)) <= 128
    assert vod.identity(event).isascii()


def check_context_token(given: bytes) -> None:
    """Open only what was sealed, in its canonical form; seal whatever fits, and open it again."""
    token = given.decode("utf-8", "surrogateescape")
    opened = unseal(token, keys=CONTEXT_KEYS, stage=STAGE)
    if isinstance(opened, UploadContext):
        assert token in {seal(opened, keys=(key,), stage=STAGE) for key in CONTEXT_KEYS}
    else:
        assert isinstance(opened, BrokenSeal if token.startswith("vuf1.") else NoSeal)

    upload_id, _, rest = given.decode("utf-8", "replace").partition("|")
    user_id, _, app_context = rest.partition("|")
    number = len(given) if len(given) % 2 else None
    context = UploadContext(upload_id, user_id, app_context, number)
    try:
        sealed = seal(context, keys=CONTEXT_KEYS, stage=STAGE)
    except UnprocessableError:
        return
    assert len(sealed) <= 250
    assert sealed.isascii()
    assert unseal(sealed, keys=CONTEXT_KEYS, stage=STAGE) == context
    assert isinstance(unseal(sealed, keys=CONTEXT_KEYS, stage="other"), BrokenSeal)


PARSERS: Mapping[str, Callable[[bytes], None]] = {
    "signature": check_signature,
    "notification": check_notification,
    "context_token": check_context_token,
}


def words_of(parser: str) -> list[str]:
    """Return words that inputs of this parser consist of."""
    if parser == "signature":
        names = ["secretId=", "currentTimeStamp=", "expireTime=", "random=", "oneTimeValid=1"]
        return [*names, "&", "%20", "%ff"]
    if parser == "context_token":
        return ["vuf1.", "|", ".", "="]
    constants = ["EventType", "eventType", "data", "eventContent", "NewFileUpload", "ProcedureStateChanged"]
    members = ["FileUploadEvent", "ProcedureStateChangeEvent", "FileId", "TaskId", "Status", "Sign", "T"]
    return [*map(json.dumps, constants + members), "null", "1e999", "-0", "\\ud800", "NaN", "[[", '{"":']
