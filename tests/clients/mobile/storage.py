"""The mobile SDKs' traffic with the storage; COS's SDK for Python signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qcloud_cos import CosConfig, CosS3Client  # type: ignore[import-untyped]  # no stubs exist

from tests.clients.mobile.platforms import Platform, slice_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import requests

_MOST_PARTS = 10_000


class PausedError(Exception):
    """The user paused the upload."""


class Storage:
    """The bucket and credential of one Apply's reply; `list_page` is sent as `max-parts`, 0 is not sent."""

    def __init__(
        self, applied: Mapping[str, Any], session: requests.Session, platform: Platform, *, list_page: int = 0
    ) -> None:
        certificate = applied["tempCertificate"]
        domain = applied.get("storageUploadDomain")
        config = CosConfig(
            Region=applied["storageRegionV5"],
            SecretId=certificate["secretId"],
            SecretKey=certificate["secretKey"],
            Token=certificate["token"],
            Domain=domain if domain or (platform.takes_empty_domain and domain is not None) else None,
            # Storage traffic is plain http, unless the app sets enableHttps.
            Scheme="http",
            AutoSwitchDomainOnRetry=False,
        )
        self._cos = CosS3Client(config, retry=0, session=session)
        self._bucket = f"{applied['storageBucket']}-{applied['storageAppId']}"
        self._platform = platform
        self._paging = {"MaxParts": list_page} if list_page else {}

    def send_media(
        self,
        media: Path,
        key: str,
        upload_id: str | None,
        *,
        opened: Callable[[str], None],
        pause_after: int | None,
    ) -> None:
        """Store a file, in what is left of parts; `opened` is told the id of a new multipart upload.

        Raises:
            PausedError: `pause_after` parts were sent in this run.
            CosServiceError, CosClientError: the storage's refusal, or none of its answers came.

        """
        is_small = media.stat().st_size < self._platform.small_below
        if upload_id is None and (not is_small or self._platform.always_initiates):
            upload_id = self._cos.create_multipart_upload(Bucket=self._bucket, Key=key)["UploadId"]
            opened(upload_id)
        if is_small:
            self.put(media, key)
        elif upload_id is not None:
            self._send_parts(media, key, upload_id, pause_after)

    def put(self, file: Path, key: str) -> None:
        """Store a file with one PutObject."""
        self._cos.put_object(Bucket=self._bucket, Key=key, Body=file.read_bytes())

    def _send_parts(self, media: Path, key: str, upload_id: str, pause_after: int | None) -> None:
        stored = {int(part["PartNumber"]): part["ETag"] for part in self._stored_parts(key, upload_id)}
        content, size = media.read_bytes(), slice_size(media.stat().st_size)
        slices = {1 + start // size: content[start : start + size] for start in range(0, len(content), size)}
        missing = [number for number in slices if number not in stored]
        for sent, number in enumerate(missing):
            if sent == pause_after:
                raise PausedError
            answer = self._cos.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=slices[number]
            )
            stored[number] = answer["ETag"]
        parts = [{"PartNumber": number, "ETag": stored[number]} for number in sorted(stored)]
        self._cos.complete_multipart_upload(
            Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Part": parts}
        )

    def _stored_parts(self, key: str, upload_id: str) -> Iterable[Mapping[str, str]]:
        """Page while a marker is there, whatever IsTruncated says (COSXMLUploadTask.listAllPartsAsync)."""
        paging: dict[str, object] = dict(self._paging)
        for _page in range(_MOST_PARTS):
            answer = self._cos.list_parts(Bucket=self._bucket, Key=key, UploadId=upload_id, **paging)
            yield from answer.get("Part", [])
            marker = answer.get("NextPartNumberMarker")
            if not marker:
                return
            paging["PartNumberMarker"] = marker
        raise AssertionError("ListParts has no end: the SDK would ask for ever")
