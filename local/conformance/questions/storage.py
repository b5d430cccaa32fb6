"""VOD's storage: its lists, its refusals, its headers. Nothing here is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.conformance.called import NotAskedError
from local.conformance.question import Cost, Questions
from local.conformance.shapes import ABSENT, shape
from local.conformance.storage_calls import completion, word_of
from local.conformance.uploads import CLIP, COVER, applied, storage

if TYPE_CHECKING:
    from local.conformance.http_calls import Query
    from local.conformance.shapes import Answer
    from local.conformance.storage_calls import Storage
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_MOST_PAGES = 6
_DAY = 86_400


@QUESTIONS.declare(
    "list-parts-pages",
    "How does ListParts page, and when is its marker there?",
    source="doc 436/7747; cos-android 5.9.51 (pages while the marker is no empty text)",
    concerns="replies/storage.py DOCUMENTS, storage_lists.parts_page",
)
def _list_parts_pages(vod: Subject) -> Answer:
    session = applied(vod)
    cos, key = storage(vod, session), session.media_key
    upload_id = cos.cos("POST", key, query=(("uploads", None),)).xml()["UploadId"]
    for number in ("1", "2", "3"):
        cos.cos("PUT", key, query=(("partNumber", number), ("uploadId", upload_id)), body=CLIP)
    whole = cos.cos("GET", key, query=(("uploadId", upload_id),))
    pages = _pages(cos, key, (("uploadId", upload_id), ("max-parts", "1")))
    aborted = cos.cos("DELETE", key, query=(("uploadId", upload_id),))
    return {
        "members of a whole list": shape(whole.xml()),
        "members of a page": shape(pages[0]),
        "pages of one part": [len(page.get("Part", ())) for page in pages],
        "IsTruncated": [page.get("IsTruncated", ABSENT) for page in pages],
        "marker": [page.get("NextPartNumberMarker", ABSENT) for page in pages],
        "MaxParts": [whole.xml().get("MaxParts", ABSENT), pages[0].get("MaxParts", ABSENT)],
        "Abort": word_of(aborted),
    }


@QUESTIONS.declare(
    "list-uploads-pages",
    "How does ListMultipartUploads page, and what does a session's credential see?",
    source="doc 436/7736; cos-js-sdk-v5 src/advance.js",
    concerns="replies/storage.py DOCUMENTS, storage_lists.uploads_page",
)
def _list_uploads_pages(vod: Subject) -> Answer:
    session = applied(vod)
    cos, key = storage(vod, session), session.media_key
    opened = [cos.cos("POST", key, query=(("uploads", None),)).xml()["UploadId"] for _ in range(2)]
    whole = cos.cos("GET", query=(("uploads", None), ("prefix", key))).xml()
    page = cos.cos("GET", query=(("uploads", None), ("prefix", key), ("max-uploads", "1"))).xml()
    for upload_id in opened:
        cos.cos("DELETE", key, query=(("uploadId", upload_id),))
    empty = cos.cos("GET", query=(("uploads", None), ("prefix", key))).xml()
    return {
        "members of a whole list": shape(whole),
        "members of a page": shape(page),
        "members without uploads": shape(empty),
        "listed": [len(one.get("Upload", ())) for one in (whole, page, empty)],
        "IsTruncated": [one.get("IsTruncated", ABSENT) for one in (whole, page, empty)],
    }


@QUESTIONS.declare(
    "storage-refusals",
    "Which codes have a wrong signature, an unknown key, a wrong token and another session's key?",
    source="doc 436/7730",
    concerns="storage_errors.py, storage_access.py",
)
def _storage_refusals(vod: Subject) -> Answer:
    session, other = applied(vod), applied(vod)
    cos = storage(vod, session)
    refused = cos.with_wrong("secret_key").cos("PUT", session.media_key, body=CLIP)
    unsigned = vod.http.send("PUT", session.bucket.host, f"/{session.media_key}", body=CLIP)
    return {
        "wrong signature": word_of(refused),
        "members of the error": shape(refused.xml()),
        "unknown SecretId": word_of(cos.with_wrong("secret_id").cos("PUT", session.media_key, body=CLIP)),
        "wrong token": word_of(cos.with_wrong("token").cos("PUT", session.media_key, body=CLIP)),
        "key of another session": word_of(cos.cos("PUT", other.media_key, body=CLIP)),
        "unsigned": word_of(unsigned),
    }


@QUESTIONS.declare(
    "storage-missing",
    "Which codes have an upload, an object and a part that are not there?",
    source="doc 436/7730",
    concerns="multipart.py, storage_errors.no_such_upload",
)
def _storage_missing(vod: Subject) -> Answer:
    session = applied(vod)
    cos, key = storage(vod, session), session.media_key
    none = (("uploadId", "no-upload-has-this-id"),)
    opened = (("uploadId", cos.cos("POST", key, query=(("uploads", None),)).xml()["UploadId"]),)
    answers = {
        "ListParts": word_of(cos.cos("GET", key, query=none)),
        "UploadPart": word_of(cos.cos("PUT", key, query=(("partNumber", "1"), *none), body=CLIP)),
        "Abort": word_of(cos.cos("DELETE", key, query=none)),
        "HEAD of the object": cos.cos("HEAD", key).status,
        "Complete with an absent part": word_of(cos.cos("POST", key, query=opened, body=completion(["a"]))),
        "part number 10001": word_of(
            cos.cos("PUT", key, query=(("partNumber", "10001"), *opened), body=CLIP)
        ),
    }
    cos.cos("DELETE", key, query=opened)
    return answers


@QUESTIONS.declare(
    "storage-clock",
    "Which code has a request whose signing time is over, and one whose time has not begun?",
    source="doc 436/7730; cos-js-sdk-v5 src/base.js; TVCClient of Android",
    concerns="switch expiredCredential, storage_errors.clock_too_skewed",
)
def _storage_clock(vod: Subject) -> Answer:
    session = applied(vod)
    times = {"over since an hour": -4200, "tomorrow": _DAY}
    return {
        words: word_of(storage(vod, session, at=vod.now() + seconds).cos("PUT", session.media_key, body=CLIP))
        for words, seconds in times.items()
    }


@QUESTIONS.declare(
    "storage-preflight",
    "What may a page of another origin send to the storage, and read of its answers?",
    source="cos-js-sdk-v5 (ETag has to be exposed); vod-js-sdk-v6 issue 6",
    concerns="hosts._with_cross_origin_rules",
)
def _storage_preflight(vod: Subject) -> Answer:
    session = applied(vod)
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,content-md5,x-cos-security-token",
    }
    allowed = vod.http.send("OPTIONS", session.bucket.host, f"/{session.media_key}", headers=asked)
    read = storage(vod, session).cos("HEAD", headers={"Origin": "https://app.example"})
    exposed = read.headers.get("access-control-expose-headers", "").lower()
    methods = allowed.headers.get("access-control-allow-methods", "").upper()
    return {
        "preflight": allowed.status,
        "methods": {name: name in methods for name in ("GET", "PUT", "POST", "HEAD", "DELETE")},
        "origin is allowed": read.headers.get("access-control-allow-origin") in ("*", "https://app.example"),
        "exposed": {name: name in exposed or exposed == "*" for name in ("etag", "x-cos-request-id", "date")},
    }


@QUESTIONS.declare(
    "credential-expired",
    "Which code has a storage credential that has expired?",
    source="TVCClient of Android (re-Apply on RequestTimeTooSkewed alone)",
    concerns="switch expiredCredential",
    cost=Cost(seconds=1800),
)
def _credential_expired(vod: Subject) -> Answer:
    session = applied(vod)
    life = session.bucket.credential.expires_at - vod.now()
    if life > vod.permissions.wait:
        raise NotAskedError(f"the credential is valid for {life} s, and --wait is {vod.permissions.wait:.0f}")
    vod.pace.wait(life + 2)
    refused = storage(vod, session).cos("PUT", session.media_key, body=COVER)
    return {"PutObject": word_of(refused), "message": refused.xml().get("Message", ABSENT)}


def _pages(cos: Storage, key: str, query: Query) -> list[dict[str, Any]]:
    """Page as Android does: for as long as a page has a marker; but not for ever."""
    pages: list[dict[str, Any]] = []
    marker = ""
    while (marker or not pages) and len(pages) < _MOST_PAGES:
        following = (("part-number-marker", marker),) if marker else ()
        pages.append(cos.cos("GET", key, query=(*query, *following)).xml())
        marker = pages[-1].get("NextPartNumberMarker", "")
    return pages
