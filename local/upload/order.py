"""What to upload, and as which user; the files are checked before anything is sent."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|]')
"""What the Web SDK refuses in a `mediaName` (vod-js-sdk-v6, src/uploader.ts)."""


class UploadError(Exception):
    """The upload failed; the message is a sentence that says why and what to do."""


@dataclass(frozen=True)
class UploadOrder:
    """What to upload, and as which user; `check_uploadable` has checked both files."""

    file: Path
    user: str
    cover: Path | None = None
    policy: str | None = None
    context: str | None = None

    def signature_request(self) -> dict[str, object]:
        """Return the body of the first POST /signature."""
        wanted = {
            "policy": self.policy,
            "context": self.context,
            "fileName": self.file.name,
            "fileSize": self.file.stat().st_size,
            "fileType": media_type(self.file),
        }
        return {name: value for name, value in wanted.items() if value is not None}

    def apply_request(self) -> dict[str, object]:
        """Return the body of ApplyUploadUGC, except for the signature (vod-js-sdk-v6, src/uploader.ts)."""
        files = {"video": self.file} if self.cover is None else {"video": self.file, "cover": self.cover}
        body: dict[str, object] = {}
        for kind, file in files.items():
            body[f"{kind}Name"] = _NOT_IN_NAMES.sub("_", file.stem)
            body[f"{kind}Type"] = media_type(file)
            body[f"{kind}Size"] = file.stat().st_size
        return body


def check_uploadable(file: Path) -> None:
    """Reject a file that cannot be uploaded.

    Raises:
        UploadError: it is no regular file, cannot be read, is empty or has no extension.

    """
    if not file.exists():
        raise UploadError(f"There is no file {file}: check its name.")
    if file.is_dir():
        raise UploadError(f"{file} is a directory: name one file in it.")
    if not file.is_file():
        raise UploadError(f"{file} is no regular file: copy its content into one.")
    if file.stat().st_size == 0:
        raise UploadError(f"{file} is empty: VOD takes no empty files.")
    if not media_type(file):
        raise UploadError(f"{file} has no extension, and VOD tells by it what a file is: rename it.")
    try:
        file.open("rb").close()
    except OSError as error:
        raise UploadError(f"{file} cannot be read, {error.strerror}: check its permissions.") from None


def media_type(file: Path) -> str:
    """Return the file's extension in lower case, by which VOD determines its type."""
    return file.suffix.removeprefix(".").lower()


def sha256_of(chunks: Iterable[bytes]) -> str:
    """Return the SHA-256 of all chunks together, in hex."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
