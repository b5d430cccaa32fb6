"""The `data` members of the upload calls' replies: every field that any SDK reads."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from local.simulator.sessions import STORAGE_APP_ID, bucket_name, short_region, storage_host

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.simulator.configuration import Configuration
    from local.simulator.credentials import TemporaryCredential
    from local.simulator.media import Media
    from local.simulator.sessions import UploadSession

_VERIFY_SECONDS = 86_400


def prepare_data(application: int, regions: Iterable[str]) -> dict[str, object]:
    """Build the reply of PrepareUploadUGC: the hosts an SDK may race."""
    return {
        "appId": application,
        "cosRegionList": [
            {
                "region": region,
                "domain": storage_host(bucket_name(application, region), region),
                "isAcc": 0,
                "ip": "",
            }
            for region in regions
        ],
    }


def apply_data(
    session: UploadSession, credential: TemporaryCredential, present: Configuration, *, now: int
) -> dict[str, object]:
    """Build the reply of ApplyUploadUGC; `now` has ten digits, the COS SDK signs with it."""
    hosts = {
        "storageUploadDomain": present.storage_upload_domain,
        "MiniProgramAccelerateHost": present.mini_program_accelerate_host,
    }
    files = {
        kind: {"storageSignature": "", "storagePath": f"/{key}"}
        for kind, key in (("video", session.media_key), ("cover", session.cover_key))
        if key is not None
    }
    return {
        **files,
        "appId": session.terms.application,
        "vodSessionKey": session.vod_session_key,
        "storageAppId": STORAGE_APP_ID,
        "storageBucket": session.bucket.rpartition("-")[0],
        "storageRegion": short_region(session.region),
        # Web 1.8.0 reads both spellings, one for COS and one for S3.
        "storageRegionV5": session.region,
        "StorageRegionV5": session.region,
        "domain": "vod2.qcloud.com",
        **{name: host for name, host in hosts.items() if host},
        "cosAcc": {"isOpen": 0, "domain": ""},
        "tempCertificate": {
            "secretId": credential.secret_id,
            "secretKey": credential.secret_key,
            "token": credential.token,
            "expiredTime": credential.expires_at,
        },
        "timestamp": now,
    }


def commit_data(session: UploadSession, media: Media, *, verify_key: str, now: int) -> dict[str, object]:
    """Build the reply of CommitUploadUGC, which `done()` of the Web SDK hands to the app."""
    verify_content = _verify_content(session.file_id, verify_key=verify_key, now=now)
    files = {
        kind: {"url": url, "verify_content": verify_content}
        for kind, key, url in (
            ("video", session.media_key, media.media_url),
            ("cover", session.cover_key, media.cover_url),
        )
        if key is not None
    }
    return {"fileId": session.file_id, **files}


def _verify_content(file_id: str, *, verify_key: str, now: int) -> str:
    """Return the proof of a FileId for a back end: HMAC-SHA1 and its text, in Base64, like the signature."""
    text = f"ExpTime={now + _VERIFY_SECONDS}&FileId={file_id}".encode()
    digest = hmac.new(verify_key.encode(), text, hashlib.sha1).digest()
    return base64.b64encode(digest + text).decode()
