"""What sets Android's SDK (13.4, with cos-android 5.9.51) apart from iOS's (13.1), as far as VOD sees it.

Android's was run, and both were read. UGSV_Android: TVCClient.java, UGCClient.java, TVCConstants.java;
UGSV_iOS: TVCClient.m; cos-android: COSXMLUploadTask.java; QCloudCOSXML: QCloudCOSXMLUploadObjectRequest.m.
"""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Platform:
    """One SDK.

    `small_below`: files of fewer bytes are one PutObject. `always_initiates`: also they open a multipart
    upload first, which stays behind. `is_domain_host_of_commit`: Commit's Host header is `domain` of Apply's
    reply. `takes_empty_domain`: an empty `storageUploadDomain` counts as a host, which none is.
    `retries_bad_status`: an HTTP status but 200 is tried again like a lost reply. `refused_apply`: the error
    code for a business error of Apply; `refusal` and `refused_commit` are its texts, with VOD's `code` and
    `message`.
    """

    name: str
    small_below: int
    always_initiates: bool
    keeps_extension: bool
    reports_at_commit: bool
    is_domain_host_of_commit: bool
    takes_empty_domain: bool
    retries_bad_status: bool
    refused_apply: int
    refusal: str
    refused_commit: str


ANDROID = Platform(
    name="android",
    small_below=2 * _MIB,
    always_initiates=True,
    keeps_extension=True,
    reports_at_commit=True,
    is_domain_host_of_commit=False,
    takes_empty_domain=False,
    retries_bad_status=False,
    refused_apply=1001,
    refusal="{code}|{message}",
    refused_commit="{code}|{message}",
)
IOS = Platform(
    name="ios",
    small_below=_MIB,
    always_initiates=False,
    keeps_extension=False,
    reports_at_commit=False,
    is_domain_host_of_commit=True,
    takes_empty_domain=True,
    retries_bad_status=True,
    refused_apply=1002,
    refusal="ugc code:{code}, ugc desc:{message}",
    refused_commit="ugc code:{code}, ugc desc:{message} ugc finish http rsp fail",
)


class PublishError(Exception):
    """An upload that ended without a file; `code` is the SDK's `retCode`, the message its `descMsg`.

    1001 Apply was not answered, or refused on Android; 1002 refused on iOS; 1003 media; 1004 cover; 1005
    Commit was not answered; 1006 refused; 1017 paused by the user; 1020 Apply: the signature has expired.
    """

    def __init__(self, code: int, message: str) -> None:
        """Set the SDK's code and words."""
        super().__init__(message)
        self.code = code


def slice_size(size: int) -> int:
    """Return the bytes of a part: a tenth of the file, within 1 to 10 MiB (getSliceSize)."""
    return min(max(size // 10, _MIB), 10 * _MIB)
