"""Which upload signatures Apply takes, and with which code it refuses the others."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from local.conformance.called import NotAskedError
from local.conformance.question import Questions
from local.conformance.uploads import apply_word
from shared.vod.signature import sign_original

if TYPE_CHECKING:
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_SOURCE = "doc 266/33922"
_DAY = 86_400


@QUESTIONS.declare(
    "signature-expired",
    "Which code has an expired signature at Prepare and at Apply?",
    source="TVCClient of Android and iOS (10010)",
    concerns="business_errors.expired_signature",
)
def _expired(vod: Subject) -> Answer:
    signature = vod.signature(ago=700, lives=600)
    return {
        "Prepare": vod.control("PrepareUploadUGC", signature=signature).word,
        "Apply": apply_word(vod, signature),
    }


@QUESTIONS.declare(
    "signature-forged",
    "Which code has a signature of another key, and one of an unknown SecretId?",
    source="vod-js-sdk-v6 test/vod_reporter.test.ts (10004)",
    concerns="business_errors.invalid_signature",
)
def _forged(vod: Subject) -> Answer:
    other = "a-key-that-is-not-the-account's"
    return {
        "another SecretKey": apply_word(vod, vod.signature(secret_key=other)),
        "unknown SecretId": apply_word(vod, vod.signature(secretId="AKIDnobodyhasthisone", secret_key=other)),
    }


@QUESTIONS.declare(
    "signature-temporary",
    "Is a signature of a temporary (STS) key accepted?",
    source="doc 266/33922 (a long-term key pair; no place for a token)",
    concerns="signatures.read_signature",
)
def _temporary(vod: Subject) -> Answer:
    secret_id, secret_key, token = vod.account.api_credentials
    if not token:
        raise NotAskedError("no temporary key is in the environment (TENCENTCLOUD_SESSIONTOKEN)")
    return {"Apply": apply_word(vod, vod.signature(secretId=secret_id, secret_key=secret_key))}


@QUESTIONS.declare(
    "signature-unreadable",
    "Which code has a signature that cannot be read, or none?",
    source="vod-js-sdk-v6 issue 5 (10001)",
    concerns="business_errors.invalid_request",
)
def _unreadable(vod: Subject) -> Answer:
    whole = vod.signature()
    return {
        "no Base64": apply_word(vod, "!" + whole[1:]),
        "digest alone": apply_word(vod, base64.b64encode(b"x" * 20).decode()),
        "empty": apply_word(vod, ""),
        "a number": apply_word(vod, 7),
    }


@QUESTIONS.declare(
    "signature-times",
    "Which times of a signature are refused, and with which code?",
    source="doc 266/33922; vod-js-sdk-v6 issue 13",
    concerns="signatures._check_times",
)
def _times(vod: Subject) -> Answer:
    now = vod.now()
    return {
        "fraction of a second": apply_word(vod, vod.signature(currentTimeStamp=f"{now}.5")),
        "milliseconds": apply_word(
            vod, vod.signature(currentTimeStamp=now * 1000, expireTime=(now + 600) * 1000)
        ),
        "valid for 90 days": apply_word(vod, vod.signature(lives=90 * _DAY)),
        "valid for 91 days": apply_word(vod, vod.signature(lives=91 * _DAY)),
        "no expireTime": apply_word(vod, vod.signature(expireTime=None)),
    }


@QUESTIONS.declare(
    "signature-clock-skew",
    "How far ahead of VOD's clock may currentTimeStamp be?",
    source=_SOURCE,
    concerns="setting clock_skew_seconds",
)
def _clock_skew(vod: Subject) -> Answer:
    aheads = {"1 minute": 60, "4 minutes": 240, "6 minutes": 360, "1 hour": 3600, "1 day": _DAY}
    return {words: apply_word(vod, vod.signature(ago=-seconds)) for words, seconds in aheads.items()}


@QUESTIONS.declare(
    "signature-random",
    "Which values of random are refused?",
    source=_SOURCE,
    concerns="signatures._check_times",
)
def _random(vod: Subject) -> Answer:
    values = {"absent": None, "2^32 - 1": 2**32 - 1, "2^32": 2**32, "negative": -1, "a word": "seven"}
    return {words: apply_word(vod, vod.signature(random=value)) for words, value in values.items()}


@QUESTIONS.declare(
    "signature-context-limits",
    "Do the limits of sourceContext and sessionContext count characters or bytes, and what is beyond them?",
    source="doc 266/33922; legacy doc 266/33962 (256 bytes)",
    concerns="signatures._check_limits",
)
def _context_limits(vod: Subject) -> Answer:
    return {
        "sourceContext": {
            "250 letters": apply_word(vod, vod.signature(sourceContext="a" * 250)),
            "251 letters": apply_word(vod, vod.signature(sourceContext="a" * 251)),
            "250 characters of 3 bytes": apply_word(vod, vod.signature(sourceContext="한" * 250)),
        },
        "sessionContext": {
            "1000 letters": apply_word(vod, vod.signature(sessionContext="a" * 1000)),
            "1001 letters": apply_word(vod, vod.signature(sessionContext="a" * 1001)),
        },
    }


@QUESTIONS.declare(
    "signature-procedure",
    "Is an unknown procedure refused at Apply, and are the limits of its priority and notify mode held?",
    source=_SOURCE,
    concerns="media_library.MediaLibrary, signatures._check_limits",
)
def _procedure(vod: Subject) -> Answer:
    unknown = "NoProcedureHasThisName"
    return {
        "unknown procedure": apply_word(vod, vod.signature(procedure=unknown)),
        "taskPriority 11": apply_word(vod, vod.signature(procedure=unknown, taskPriority=11)),
        "taskNotifyMode Never": apply_word(vod, vod.signature(procedure=unknown, taskNotifyMode="Never")),
    }


@QUESTIONS.declare(
    "signature-place",
    "Which codes have an application and a storage region that are not the account's?",
    source=_SOURCE,
    concerns="signatures._check_limits",
)
def _place(vod: Subject) -> Answer:
    return {
        "vodSubAppId": apply_word(vod, vod.signature(vodSubAppId=1_999_999_999)),
        "storageRegion": apply_word(vod, vod.signature(storageRegion="xx-nowhere")),
    }


@QUESTIONS.declare(
    "signature-spellings",
    "Which spellings of the signed text does VOD read as the official samples write them?",
    source="doc 266/33923; vod-xiaoshipin-server (empty values)",
    concerns="signatures.read_signature",
)
def _spellings(vod: Subject) -> Answer:
    wrapped = vod.signature(sourceContext="a" * 60)
    now, key, own = vod.now(), vod.account.secret_key, vod.account.sub_app_id
    application = "" if own is None else f"&vodSubAppId={own}"
    times = f"random=7&expireTime={now + 600}&currentTimeStamp={now}"
    text = f"{times}&secretId={vod.account.secret_id}{application}"
    texts = {
        "other order": text,
        "space as +": f"{text}&sourceContext=a+b",
        "space as it is": f"{text}&sourceContext=a b",
        "parameter that VOD does not know": f"{text}&colour=red",
    }
    return {
        "empty values": apply_word(vod, vod.signature(procedure="", classId="", sourceContext="")),
        "line breaks in the Base64": apply_word(vod, wrapped[:76] + "\n" + wrapped[76:]),
        **{words: apply_word(vod, sign_original(one, secret_key=key)) for words, one in texts.items()},
    }
