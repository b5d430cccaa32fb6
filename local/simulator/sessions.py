"""Upload sessions: what one `vodSessionKey` stands for, from Apply to Commit.

A session always has the same object keys, so that an upload can be resumed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from local.simulator.signatures import SignedTerms

if TYPE_CHECKING:
    from local.simulator.database import Database

# The storage account belongs to Tencent, not to the customer (seen in recorded replies).
STORAGE_APP_ID = 10022853
FILE_ID_DIGITS = 19

# The old short names of regions, still part of bucket names and replies.
_SHORT_REGIONS = {
    "ap-beijing": "bj",
    "ap-beijing-1": "tj",
    "ap-chengdu": "cd",
    "ap-chongqing": "cq",
    "ap-guangzhou": "gz",
    "ap-hongkong": "hk",
    "ap-mumbai": "in",
    "ap-seoul": "kr",
    "ap-shanghai": "sh",
    "ap-singapore": "sg",
    "ap-tokyo": "jp",
    "eu-frankfurt": "ger",
    "na-ashburn": "use",
    "na-siliconvalley": "usw",
}


@dataclass(frozen=True)
class AnnouncedFile:
    """What Apply announced about a file; `size` in bytes, None where the SDK omits it (WeChat)."""

    name: str
    type: str
    size: int | None


@dataclass(frozen=True)
class UploadSession:
    """One upload; keys are without a leading slash and None for what is not uploaded.

    `source_type` is the SourceType of the media: `Upload`, or `ServerUpload` for the server API's.
    """

    vod_session_key: str
    file_id: str
    terms: SignedTerms
    region: str
    bucket: str
    media: AnnouncedFile | None
    media_key: str | None
    cover: AnnouncedFile | None
    cover_key: str | None
    expire_time: str
    opened_at: float
    committed_at: float | None = None
    source_type: str = "Upload"

    @property
    def keys(self) -> tuple[str, ...]:
        """The object keys that this session may write."""
        return tuple(key for key in (self.media_key, self.cover_key) if key is not None)


def short_region(region: str) -> str:
    """Return the old short form of a region's name, for example `kr`."""
    return _SHORT_REGIONS.get(region, region.rpartition("-")[2][:3])


def bucket_name(application: int, region: str) -> str:
    """Return the bucket of an application in a region: lower-case letters, digits and the AppId.

    Its form is that of recorded replies; the COS SDK requires `^[a-z0-9-]+-[0-9]+$` with the AppId.
    """
    prefix = hashlib.sha256(f"{application} {region}".encode()).hexdigest()[:8]
    return f"{prefix}vod{short_region(region)}{application}-{STORAGE_APP_ID}"


def storage_host(bucket: str, region: str) -> str:
    """Return the host that an SDK derives from bucket and region."""
    return f"{bucket}.cos.{region}.myqcloud.com"


def new_file_id() -> str:
    """Return a new FileId: 19 digits, never to be read as a number (doc 266/33950)."""
    return f"5{secrets.randbelow(10**18):0{FILE_ID_DIGITS - 1}d}"


def media_key_of(bucket: str, file_id: str, extension: str) -> str:
    """Return an object key like VOD's: bucket name, a folder per file, an unguessable name."""
    folder = f"{bucket.rpartition('-')[0]}/{secrets.token_hex(4)}{file_id}"
    return f"{folder}/{secrets.token_hex(6)}.{extension}"


def cover_key_of(media_key: str, extension: str) -> str:
    """Return a key for a cover, in its media's folder."""
    return f"{media_key.rpartition('/')[0]}/{new_file_id()}.{extension}"


class SessionStore:
    """Stores sessions; one is valid for `session_seconds` after it was opened (doc 266/33921: one day)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, session: UploadSession) -> None:
        """Store a new session."""
        document = asdict(session)
        del document["committed_at"]
        self._database.change(
            "INSERT INTO sessions (vod_session_key, document, opened_at) VALUES (?, ?, ?)",
            session.vod_session_key,
            json.dumps(document),
            session.opened_at,
        )

    def find(self, vod_session_key: str) -> UploadSession | None:
        """Return the session with that key, however old, or None."""
        row = self._database.row("SELECT * FROM sessions WHERE vod_session_key = ?", vod_session_key)
        if row is None:
            return None
        document = json.loads(row["document"])
        document["terms"] = SignedTerms(**document["terms"])
        for kind in ("media", "cover"):
            document[kind] = AnnouncedFile(**document[kind]) if document[kind] else None
        return UploadSession(**document, committed_at=row["committed_at"])

    def mark_committed(self, vod_session_key: str, *, now: float) -> bool:
        """Close a session; return False if it was closed before."""
        changed = self._database.change(
            "UPDATE sessions SET committed_at = ? WHERE vod_session_key = ? AND committed_at IS NULL",
            now,
            vod_session_key,
        )
        return changed == 1
