"""Temporary storage credentials: each grants access to the objects of one upload session, until it expires.

`cos_authorization` and `s3_authorization` verify requests signed with them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.simulator.database import Database


@dataclass(frozen=True)
class TemporaryCredential:
    """One credential; `expires_at` in whole Unix seconds."""

    secret_id: str
    secret_key: str
    token: str
    vod_session_key: str
    expires_at: int


class CredentialStore:
    """Issues credentials and finds them by their SecretId."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issue(self, *, vod_session_key: str, expires_at: int) -> TemporaryCredential:
        """Create a credential for a session."""
        credential = TemporaryCredential(
            secret_id="AKID" + secrets.token_urlsafe(45),
            secret_key=secrets.token_urlsafe(33),
            token=secrets.token_urlsafe(96),
            vod_session_key=vod_session_key,
            expires_at=expires_at,
        )
        self._database.change(
            "INSERT INTO credentials VALUES (?, ?, ?, ?, ?)",
            credential.secret_id,
            credential.secret_key,
            credential.token,
            credential.vod_session_key,
            credential.expires_at,
        )
        return credential

    def find(self, secret_id: str) -> TemporaryCredential | None:
        """Return the credential with that SecretId, expired or not."""
        row = self._database.row("SELECT * FROM credentials WHERE secret_id = ?", secret_id)
        return None if row is None else TemporaryCredential(**dict(row))
