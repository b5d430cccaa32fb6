"""The replies of the control host: Prepare, Apply, Commit, refusals and the statistics host.

Sources: vod-js-sdk-v6, Android 13.4, iOS 13.1 (`TVCClient`), vod-wx-sdk-v2 1.1.2.
"""

from __future__ import annotations

from local.simulator.replies.members import ALWAYS, Declaration, absent_unless, may_be_empty, under

_REPLY: Declaration = {"code": ALWAYS, "message": may_be_empty("on success no SDK reads it")}
_FILE: Declaration = {
    "storagePath": ALWAYS,
    "storageSignature": may_be_empty("of an older storage API; every SDK declares it and none reads it"),
}
_PUBLISHED: Declaration = {"url": ALWAYS, "verify_content": ALWAYS}
_UPLOADED_MEDIA = "the session uploads a media (Web uploads what it finds here)"
_UPLOADED_COVER = "the session uploads a cover (Web uploads what it finds here)"

PREPARE: Declaration = {
    **_REPLY,
    **under(
        "data",
        {
            "appId": ALWAYS,
            **under(
                "cosRegionList[]",
                {
                    "region": ALWAYS,
                    "domain": ALWAYS,
                    "isAcc": ALWAYS,
                    "ip": may_be_empty("Android resolves the domain itself then"),
                },
            ),
        },
    ),
}
APPLY: Declaration = {
    **_REPLY,
    **under(
        "data",
        {
            **under("video", _FILE, absent_unless(_UPLOADED_MEDIA)),
            **under("cover", _FILE, absent_unless(_UPLOADED_COVER)),
            "appId": ALWAYS,
            "vodSessionKey": ALWAYS,
            "storageAppId": ALWAYS,
            "storageBucket": ALWAYS,
            "storageRegion": ALWAYS,
            "storageRegionV5": ALWAYS,
            "StorageRegionV5": ALWAYS,
            "domain": ALWAYS,
            "storageUploadDomain": absent_unless(
                "there is a custom upload domain (iOS since 12.5 tests for nil alone: with an empty text its"
                " storage URL has no host)"
            ),
            "MiniProgramAccelerateHost": absent_unless(
                "the account has one (vod-wx-sdk-v2 falls back to vod2.qcloud.com)"
            ),
            **under(
                "cosAcc",
                {"isOpen": ALWAYS, "domain": may_be_empty("Android and iOS read it where isOpen is 1")},
            ),
            **under(
                "tempCertificate",
                {"secretId": ALWAYS, "secretKey": ALWAYS, "token": ALWAYS, "expiredTime": ALWAYS},
            ),
            "timestamp": ALWAYS,
        },
    ),
}
COMMIT: Declaration = {
    **_REPLY,
    **under(
        "data",
        {
            "fileId": ALWAYS,
            **under("video", _PUBLISHED, absent_unless("the session uploaded a media")),
            **under("cover", _PUBLISHED, absent_unless("the session uploaded a cover")),
        },
    ),
}
REFUSAL: Declaration = {"code": ALWAYS, "message": ALWAYS}
STATISTICS: Declaration = _REPLY

CONTROL = {
    "PrepareUploadUGC": PREPARE,
    "ApplyUploadUGC": APPLY,
    "CommitUploadUGC": COMMIT,
}
