"""Upload as VOD's mobile SDKs do: their calls in their order, with their fields, and their reactions.

One signature, which the app gives, serves Prepare, Apply and Commit, and no other can be given on the way.
"""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from qcloud_cos import CosClientError, CosServiceError  # type: ignore[import-untyped]  # no stubs exist

from tests.clients.mobile.platforms import Platform, PublishError
from tests.clients.mobile.storage import PausedError, Storage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOST, BACKUP_HOST = "vod2.qcloud.com", "vod2.dnsv1.com"
_TRIES_PER_HOST = 2
_RECORD_SECONDS = 86_400
_SIGNATURE_EXPIRED = 10010
_VERSION = "13.4.0"
_REPORT_ID = "app-user"


@dataclass(frozen=True)
class Published:
    """What the app's listener gets at the end."""

    video_id: str
    video_url: str
    cover_url: str


@dataclass(frozen=True)
class ResumeRecord:
    """What is remembered of an upload, for a day (Android: SharedPreferences `TVCSession`)."""

    media_md5: str
    session_key: str
    upload_id: str
    expires_at: float


@dataclass
class MobileClient:
    """One app on one phone: `session` is its network, `records` outlives the app.

    A phone that has an HTTP proxy asks no HTTPDNS, and without it the SDK sends no Prepare and runs no race.
    """

    platform: Platform
    session: requests.Session
    has_proxy: bool = False
    list_page: int = 0
    clock: Callable[[], float] = time.time
    records: dict[Path, ResumeRecord] = field(default_factory=dict)

    def publish(
        self, signature: str, media: Path, *, cover: Path | None = None, pause_after: int | None = None
    ) -> Published:
        """Upload, or go on with a paused upload of the same file; pause after so many parts of this run.

        Raises:
            PublishError: as the SDK's listener would be told.

        """
        region = "" if self.has_proxy else self._race(signature)
        announced = _announced(media, cover, keeps_extension=self.platform.keeps_extension)
        if region:
            announced["storageRegion"] = region
        while True:
            applied = self._apply(signature, announced, media)
            try:
                self._send(applied, media, pause_after)
            except CosServiceError as refusal:
                if refusal.get_error_code() == "RequestTimeTooSkewed":
                    # The same string once more, on the session that it has opened.
                    continue
                self.records.pop(media, None)
                raise PublishError(1003, f"cos upload video error:{refusal.get_error_msg()}") from refusal
            break
        self.records.pop(media, None)
        if cover is not None:
            self._send_cover(applied, cover)
        return self._commit(signature, applied)

    def _race(self, signature: str) -> str:
        """Return the region whose storage answers first, whatever it answers; empty where none does."""
        body = {"clientVersion": _VERSION, "signature": signature}
        try:
            reply = self._post(HOST, "PrepareUploadUGC", body).json()
        except (requests.ConnectionError, requests.Timeout):
            return ""
        entries = reply["data"]["cosRegionList"] if reply["code"] == 0 else []
        if not entries:
            return ""
        with ThreadPoolExecutor(len(entries)) as racers:
            answers = racers.map(lambda entry: self.session.head(f"http://{entry['domain']}"), entries)
            pairs = zip(answers, entries, strict=True)
            return str(min(pairs, key=lambda pair: pair[0].elapsed)[1]["region"])

    def _apply(self, signature: str, announced: dict[str, object], media: Path) -> dict[str, Any]:
        record = self._record_of(media)
        body = {"signature": signature, **announced, "clientReportId": _REPORT_ID, "clientVersion": _VERSION}
        if record is not None:
            body["vodSessionKey"] = record.session_key
        reply = self._call("ApplyUploadUGC", body, unanswered=1001)
        if reply["code"] != 0:
            self.records.pop(media, None)
            is_expired = reply["code"] == _SIGNATURE_EXPIRED
            code = 1020 if is_expired else self.platform.refused_apply
            raise PublishError(code, self.platform.refusal.format_map(reply))
        applied: dict[str, Any] = reply["data"]
        return applied

    def _send(self, applied: dict[str, Any], media: Path, pause_after: int | None) -> None:
        session_key = str(applied["vodSessionKey"])
        record = self._record_of(media)
        goes_on = record is not None and record.session_key == session_key

        def opened(upload_id: str) -> None:
            expires_at = self.clock() + _RECORD_SECONDS
            self.records[media] = ResumeRecord(_md5(media), session_key, upload_id, expires_at)

        try:
            Storage(applied, self.session, self.platform, list_page=self.list_page).send_media(
                media,
                applied["video"]["storagePath"].removeprefix("/"),
                record.upload_id if record is not None and goes_on else None,
                opened=opened,
                pause_after=pause_after,
            )
        except PausedError:
            raise PublishError(1017, "request is cancelled by manual pause") from None
        except CosClientError as error:
            # The network is gone: the record stays, for when it is back.
            raise PublishError(1003, "cos upload video error: network unreachable") from error

    def _send_cover(self, applied: dict[str, Any], cover: Path) -> None:
        key = applied["cover"]["storagePath"].removeprefix("/")
        try:
            Storage(applied, self.session, self.platform).put(cover, key)
        except (CosServiceError, CosClientError) as error:
            raise PublishError(1004, f"upload cover: {error}") from error

    def _commit(self, signature: str, applied: dict[str, Any]) -> Published:
        body = {"signature": signature, "vodSessionKey": applied["vodSessionKey"]}
        if self.platform.reports_at_commit:
            body |= {"clientReportId": _REPORT_ID, "clientVersion": _VERSION}
        named = applied["domain"] if self.platform.is_domain_host_of_commit else None
        reply = self._call("CommitUploadUGC", body, unanswered=1005, host_header=named)
        if reply["code"] != 0:
            raise PublishError(1006, self.platform.refused_commit.format_map(reply))
        files = reply["data"]
        cover_url = files["cover"]["url"] if "cover" in files else ""
        return Published(files["fileId"], files["video"]["url"], cover_url)

    def _call(
        self, action: str, body: dict[str, Any], *, unanswered: int, host_header: str | None = None
    ) -> dict[str, Any]:
        """Call VOD, after a lost reply again with the same body: twice at each of two hosts."""
        for host in (HOST,) * _TRIES_PER_HOST + (BACKUP_HOST,) * _TRIES_PER_HOST:
            try:
                answer = self._post(host, action, body, host_header)
            except (requests.ConnectionError, requests.Timeout):
                continue
            if answer.status_code == requests.codes.ok:
                reply: dict[str, Any] = answer.json()
                return reply
            if not self.platform.retries_bad_status:
                raise PublishError(unanswered, f"HTTP Code:{answer.status_code}")
        raise PublishError(unanswered, f"no answer to {action}")

    def _post(
        self, host: str, action: str, body: dict[str, Any], host_header: str | None = None
    ) -> requests.Response:
        headers = {"Host": host_header} if host_header else {}
        address = f"https://{host}/v3/index.php?Action={action}"
        return self.session.post(address, json=body, headers=headers, timeout=10)

    def _record_of(self, media: Path) -> ResumeRecord | None:
        record = self.records.get(media)
        if record is None or self.clock() >= record.expires_at or record.media_md5 != _md5(media):
            return None
        return record


def _announced(media: Path, cover: Path | None, *, keeps_extension: bool) -> dict[str, object]:
    """Return the fields about the files, which a resumed upload sends as well."""
    fields: dict[str, object] = {
        "videoName": media.name if keeps_extension else media.stem,
        "videoType": media.suffix.removeprefix("."),
        "videoSize": media.stat().st_size,
    }
    if cover is not None:
        fields |= {
            "coverName": cover.stem,
            "coverType": cover.suffix.removeprefix("."),
            "coverSize": cover.stat().st_size,
        }
    return fields


def _md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
