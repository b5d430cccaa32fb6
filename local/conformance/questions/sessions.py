"""Prepare and Apply: what their replies have, and what an upload session is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.conformance.called import NotAskedError, expected
from local.conformance.question import Cost, Questions
from local.conformance.shapes import ABSENT, shape
from local.conformance.uploads import announced, applied, apply_word, commit, session_of, storage

if TYPE_CHECKING:
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_STORAGE_HOST = re.compile(r"[a-z0-9-]+-[0-9]+\.cos\.[a-z0-9-]+\.myqcloud\.com")
_APPLY = "ApplyUploadUGC"


@QUESTIONS.declare(
    "prepare-reply",
    "Which members has Prepare's reply, and which form have its hosts and addresses?",
    source="vod-js-sdk-v6 src/uploader.ts; UGCClient of Android",
    concerns="replies/control.py PREPARE",
)
def _prepare_reply(vod: Subject) -> Answer:
    called = vod.control("PrepareUploadUGC", signature=vod.signature())
    regions: list[dict[str, Any]] = expected("PrepareUploadUGC", called).get("cosRegionList") or []
    addresses = "".join(str(region.get("ip", "")) for region in regions)
    return {
        "members": shape(called.document),
        "domains are storage hosts": all(_is_host(region.get("domain")) for region in regions),
        "separators of ip": "".join(sorted(set(re.sub(r"[0-9a-fA-F.:]", "", addresses)))),
    }


@QUESTIONS.declare(
    "apply-reply",
    "Which members has Apply's reply for a media with a cover?",
    source="vod-js-sdk-v6, TVCClient of Android and iOS, vod-wx-sdk-v2",
    concerns="replies/control.py APPLY",
)
def _apply_reply(vod: Subject) -> Answer:
    called = vod.control(_APPLY, signature=vod.signature(), **announced(vod, cover=True))
    data = expected(_APPLY, called)
    paths = [str(data.get(kind, {}).get("storagePath", "")) for kind in ("video", "cover")]
    return {
        "members": shape(called.document),
        "digits of timestamp": len(str(data.get("timestamp", ""))),
        "spellings of the region agree": data.get("storageRegionV5") == data.get("StorageRegionV5"),
        "paths begin with a slash": all(path.startswith("/") for path in paths),
        "cover lies beside the media": len({path.rpartition("/")[0] for path in paths}) == 1,
    }


@QUESTIONS.declare(
    "apply-hosts",
    "Are the optional hosts of Apply's reply absent, empty or set?",
    source="TVCClient of iOS 12.5 (an empty storageUploadDomain); vod-wx-sdk-v2 1.1.2",
    concerns="configuration storage_upload_domain, configuration mini_program_accelerate_host",
)
def _apply_hosts(vod: Subject) -> Answer:
    data = applied(vod).data
    names = ("storageUploadDomain", "MiniProgramAccelerateHost")
    return {name: _presence(data.get(name, ABSENT)) for name in names} | {
        "cosAcc.isOpen": data.get("cosAcc", {}).get("isOpen", ABSENT)
    }


@QUESTIONS.declare(
    "apply-cover-only",
    "Which code has an Apply for a new cover of a FileId that is not there?",
    source="doc 266/33924",
    concerns="new_sessions.cover_session",
)
def _apply_cover_only(vod: Subject) -> Answer:
    cover = {"coverName": vod.name(), "coverType": "png", "coverSize": 10}
    called = vod.control(_APPLY, signature=vod.signature(), fileId="5000000000000000000", **cover)
    return {"Apply": called.word}


@QUESTIONS.declare(
    "apply-refusals",
    "Which codes have an Apply without a type, with a bad name or size, and with an unknown session?",
    source="vod-js-sdk-v6 src/uploader.ts",
    concerns="apply_request.read_apply_request, business_errors.invalid_request",
)
def _apply_refusals(vod: Subject) -> Answer:
    return {
        "no videoType": apply_word(vod, vod.signature(), videoType=""),
        "videoName with a slash": apply_word(vod, vod.signature(), videoName=f"{vod.name()}/a"),
        "videoSize below zero": apply_word(vod, vod.signature(), videoSize=-1),
        "storageRegion that is not enabled": apply_word(vod, vod.signature(), storageRegion="xx-nowhere"),
        "unknown vodSessionKey": vod.control(
            _APPLY, signature=vod.signature(), vodSessionKey="no-session-has-this-key"
        ).word,
    }


@QUESTIONS.declare(
    "apply-letter-case",
    "Are the members of a body found in any letter case?",
    source="vod-cpp-sdk (PascalCase)",
    concerns="control.ControlEndpoint",
)
def _apply_letter_case(vod: Subject) -> Answer:
    members = {"Signature": vod.signature(), "VideoName": vod.name(), "VideoType": "mp4"}
    return {"PascalCase": vod.control(_APPLY, **members).word}


@QUESTIONS.declare(
    "session-resumed",
    "What changes when an Apply resumes a session, and what stays?",
    source="vod-js-sdk-v6 src/uploader.ts; doc 266/33921",
    concerns="upload_calls.UploadCalls.apply",
)
def _session_resumed(vod: Subject) -> Answer:
    first = applied(vod)
    called = vod.control(_APPLY, signature=vod.signature(), vodSessionKey=first.session_key)
    again = session_of(called)
    return {
        "same session key": again.session_key == first.session_key,
        "same path": again.media_key == first.media_key,
        "same bucket": again.bucket.name == first.bucket.name,
        "new credential": again.bucket.credential.secret_id != first.bucket.credential.secret_id,
        "members": shape(called.members.get("video")),
        "the first credential still works": storage(vod, first).cos("GET", query=(("uploads", None),)).status,
    }


@QUESTIONS.declare(
    "credential-life",
    "For how many seconds is a storage credential valid?",
    source="vod-js-sdk-v6 src/uploader.ts (expiredTime); no document",
    concerns="setting credential_seconds",
)
def _credential_life(vod: Subject) -> Answer:
    data = applied(vod).data
    return {"seconds": int(data["tempCertificate"]["expiredTime"]) - int(data["timestamp"])}


@QUESTIONS.declare(
    "region-precedence",
    "Whose storageRegion counts, the signature's or that of Apply's body?",
    source="doc 266/9760; vod-js-sdk-v6 src/uploader.ts (race)",
    concerns="new_sessions.media_session",
)
def _region_precedence(vod: Subject) -> Answer:
    known = expected("DescribeStorageRegions", vod.api("DescribeStorageRegions"))["StorageRegionInfos"]
    opened = [str(region["Region"]) for region in known if region.get("Status") == "opened"]
    if len(opened) < 2:  # noqa: PLR2004  # two that differ
        raise NotAskedError("the application has one storage region alone")
    one, other = opened[:2]
    both = applied(vod, vod.signature(storageRegion=one), storageRegion=other)
    body = applied(vod, storageRegion=other)
    return {
        "both": "signature" if both.bucket.region == one else "body",
        "body alone": "body" if body.bucket.region == other else "another",
    }


@QUESTIONS.declare(
    "commit-refusals",
    "Which codes has a Commit of an unknown session, of one without a file, and of a file of another size?",
    source="vod-js-sdk-v6 src/uploader.ts; no document",
    concerns="upload_calls.UploadCalls.commit",
    cost=Cost(uploads=1),
)
def _commit_refusals(vod: Subject) -> Answer:
    empty, other = applied(vod), applied(vod, videoSize=7)
    storage(vod, other).cos("PUT", other.media_key, body=b"not 7 bytes")
    return {
        "unknown session": vod.control(
            "CommitUploadUGC", signature=vod.signature(), vodSessionKey="no-session-has-this-key"
        ).word,
        "no file": commit(vod, empty).word,
        "file of another size": commit(vod, other).word,
    }


def _presence(value: object) -> str:
    return str(value) if value == ABSENT else ("set" if value else "empty")


def _is_host(value: object) -> bool:
    return isinstance(value, str) and _STORAGE_HOST.fullmatch(value) is not None
