"""What Commit takes and decides: repeats, expiry, contexts, covers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from local.conformance.called import expected
from local.conformance.question import Cost, Questions
from local.conformance.shapes import ABSENT, shape
from local.conformance.storage_calls import word_of
from local.conformance.uploads import (
    CLIP,
    COVER,
    applied,
    commit,
    media_info,
    session_of,
    storage,
    store,
    uploaded,
)

if TYPE_CHECKING:
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_ONE = Cost(uploads=1)


@QUESTIONS.declare(
    "commit-repeated",
    "What do Commit, Apply and the storage answer for a session that was committed?",
    source="vod-js-sdk-v6 src/uploader.ts (retries of Commit); no document",
    concerns="upload_calls.UploadCalls.commit, storage_access._is_allowed",
    cost=_ONE,
)
def _commit_repeated(vod: Subject) -> Answer:
    session = applied(vod)
    store(vod, session)
    first, again = commit(vod, session), commit(vod, session)
    resumed = vod.control("ApplyUploadUGC", signature=vod.signature(), vodSessionKey=session.session_key)
    cos = storage(vod, session)
    return {
        "Commit again": again.word,
        "same FileId": first.members.get("fileId") == again.members.get("fileId"),
        "Apply": resumed.word,
        "PutObject": word_of(cos.cos("PUT", session.media_key, body=CLIP)),
        "HEAD of the object": cos.cos("HEAD", session.media_key).status,
    }


@QUESTIONS.declare(
    "commit-expired",
    "Does Commit refuse a signature that has expired since Apply?",
    source="TVCClient of Android and iOS, vod-wx-sdk-v2 (one string for all calls)",
    concerns="switch commitExpiry",
    cost=Cost(uploads=1, seconds=10),
)
def _commit_expired(vod: Subject) -> Answer:
    signature = vod.signature(ago=50, lives=57)
    session = applied(vod, signature)
    store(vod, session)
    vod.pace.wait(10)
    late = commit(vod, session, signature)
    return {"Commit": late.word, "Commit with a fresh one": commit(vod, session).word}


@QUESTIONS.declare(
    "context-precedence",
    "Whose sourceContext counts, where the signatures of Apply and Commit differ?",
    source="vod-js-sdk-v6 src/uploader.ts (a signature for each call)",
    concerns="switch context",
    cost=_ONE,
)
def _context_precedence(vod: Subject) -> Answer:
    session = applied(vod, vod.signature(sourceContext="of Apply"))
    store(vod, session)
    committed = expected("Commit", commit(vod, session, vod.signature(sourceContext="of Commit")))
    info = media_info(vod, str(committed["fileId"])).get("BasicInfo") or {}
    return {"SourceContext": info.get("SourceInfo", {}).get("SourceContext", ABSENT)}


@QUESTIONS.declare(
    "cover-changed",
    "What has the reply to a change of cover, and does it change the media?",
    source="vod-js-sdk-v6 src/uploader.ts; doc 266/33924",
    concerns="new_sessions.cover_session, media_library.MediaLibrary",
    cost=_ONE,
)
def _cover_changed(vod: Subject) -> Answer:
    file_id = str(uploaded(vod)["fileId"])
    before = media_info(vod, file_id).get("BasicInfo") or {}
    cover = {"coverName": vod.name(), "coverType": "png", "coverSize": len(COVER)}
    called = vod.control("ApplyUploadUGC", signature=vod.signature(), fileId=file_id, **cover)
    session = session_of(called)
    store(vod, session)
    committed = commit(vod, session)
    after = media_info(vod, file_id).get("BasicInfo") or {}
    return {
        "members of Apply": shape({name: called.members.get(name, ABSENT) for name in ("video", "cover")}),
        "Commit": committed.word,
        "members of Commit": shape(committed.members),
        "same FileId": committed.members.get("fileId") == file_id,
        "CoverUrl": ["set" if info.get("CoverUrl") else "empty" for info in (before, after)],
    }


@QUESTIONS.declare(
    "expire-time",
    "Does Apply take ExpireTime in ISO 8601, and does the media expire then?",
    source="vod-js-sdk-v6 1.8.0 (expireTime); doc 266/9760",
    concerns="apply_request.read_apply_request",
    cost=_ONE,
)
def _expire_time(vod: Subject) -> Answer:
    wanted = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(vod.now() + 7 * 86_400))
    session = applied(vod, ExpireTime=wanted)
    store(vod, session)
    file_id = str(expected("CommitUploadUGC", commit(vod, session))["fileId"])
    shown = (media_info(vod, file_id).get("BasicInfo") or {}).get("ExpireTime", ABSENT)
    return {"ExpireTime": "as wanted" if shown == wanted else "another"}
