"""Send a file to VOD's storage with Tencent's own COS SDK: multipart, several parts at a time."""

from __future__ import annotations

import io
import logging
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qcloud_cos import (  # type: ignore[import-untyped]  # it ships no types
    CosClientError,
    CosConfig,
    CosS3Client,
    CosServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import requests

PART_BYTES = 8 * 1024 * 1024
_PARALLEL_PARTS = 4
_ATTEMPTS_AFTER_THE_FIRST = 2

# The SDK logs what it raises as well, with tracebacks; the command says it in one sentence.
logging.getLogger("qcloud_cos").addHandler(logging.NullHandler())
logging.getLogger("qcloud_cos").propagate = False


class StorageError(Exception):
    """The storage refused a request or does not answer; the message is its own."""


@dataclass(frozen=True)
class StorageTarget:
    """The destination of one upload, and the temporary credential for it."""

    bucket: str
    region: str
    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)


class _CountedPart(io.BytesIO):
    """A part's bytes, which report how far they have been read."""

    def __init__(self, content: bytes, report: Callable[[int], None]) -> None:
        super().__init__(content)
        self._report = report

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self._report(self.tell())
        return content


class StorageTransfer:
    """Sends files to one target; the local stack serves the storage at `url`."""

    def __init__(self, target: StorageTarget, *, url: str, session: requests.Session) -> None:
        """Connect to `url` while every request names and signs the real storage host."""
        address = urlsplit(url)
        self._bucket = target.bucket
        self._cos = CosS3Client(
            CosConfig(
                Region=target.region,
                SecretId=target.secret_id,
                SecretKey=target.secret_key,
                Token=target.token,
                Scheme=address.scheme,
                IP=address.hostname,
                Port=address.port,
            ),
            retry=_ATTEMPTS_AFTER_THE_FIRST,
            session=session,
        )

    def send(self, file: Path, key: str, report: Callable[[object, int], None]) -> None:
        """Store `file` under `key`; `report` is called with (part, bytes of it sent) from several threads.

        Raises:
            StorageError: a request failed for good; what was sent so far stays with the storage.

        """
        key = key.removeprefix("/")
        try:
            upload_id = self._cos.create_multipart_upload(Bucket=self._bucket, Key=key)["UploadId"]
            parts = self._send_parts(file, key, upload_id, report)
            self._cos.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Part": parts}
            )
        except CosServiceError as error:
            message = f"{error.get_error_msg()} ({error.get_error_code()})"
            raise StorageError(message) from error
        except CosClientError as error:
            raise StorageError("no answer") from error

    def _send_parts(
        self, file: Path, key: str, upload_id: str, report: Callable[[object, int], None]
    ) -> list[dict[str, object]]:
        count = -(-file.stat().st_size // PART_BYTES)
        pool = ThreadPoolExecutor(_PARALLEL_PARTS)
        try:
            sending = [
                pool.submit(self._send_part, file, key, upload_id, number, report)
                for number in range(1, count + 1)
            ]
            parts = [part.result() for part in as_completed(sending)]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return sorted(parts, key=lambda part: int(str(part["PartNumber"])))

    def _send_part(
        self, file: Path, key: str, upload_id: str, number: int, report: Callable[[object, int], None]
    ) -> dict[str, object]:
        with file.open("rb") as source:
            source.seek((number - 1) * PART_BYTES)
            content = _CountedPart(source.read(PART_BYTES), lambda position: report((key, number), position))
        answer = self._cos.upload_part(
            Bucket=self._bucket, Key=key, Body=content, PartNumber=number, UploadId=upload_id
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}
