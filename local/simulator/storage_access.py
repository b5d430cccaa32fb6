"""Authorize storage requests: a credential may write the keys of its own upload session.

`cos_authorization` and `s3_authorization` verify signatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator import cos_authorization, s3_authorization
from local.simulator.storage_errors import RequestExpiredError, access_denied

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.simulator.credentials import CredentialStore
    from local.simulator.sessions import SessionStore, UploadSession
    from local.simulator.storage_request import StorageRequest
    from local.simulator.switches import SwitchBoard

_READING = ("GET", "HEAD")


@dataclass(frozen=True)
class StorageAccess:
    """Determines for every storage request the upload session it acts for."""

    clock: Callable[[], float]
    credentials: CredentialStore
    sessions: SessionStore
    switches: SwitchBoard

    def session(self, wire: StorageRequest) -> UploadSession:
        """Return the session of the credential that signed the request.

        Raises:
            StorageError: 403: unsigned, signed wrongly, or not allowed to access this bucket or key.

        """
        try:
            credential = _verifier(wire)(wire, find_credential=self.credentials.find, now=self.clock())
        except RequestExpiredError:
            raise RequestExpiredError(self.switches.present.expired_credential) from None
        session = self.sessions.find(credential.vod_session_key)
        if session is None or not _is_allowed(wire, session):
            raise access_denied()
        return session


def _verifier(wire: StorageRequest) -> cos_authorization.Verifier:
    authorization = wire.headers.get("authorization", "")
    if authorization.startswith(s3_authorization.PREFIX):
        return s3_authorization.verify_s3_authorization
    if authorization.startswith(cos_authorization.PREFIX):
        return cos_authorization.verify_cos_authorization
    raise access_denied()


def _is_allowed(wire: StorageRequest, session: UploadSession) -> bool:
    if (wire.bucket, wire.region) != (session.bucket, session.region):
        return False
    if wire.method in _READING:
        return not wire.key or wire.key in session.keys
    # What was committed is VOD's; whether real credentials end with Commit is UNVERIFIED.
    return wire.key in session.keys and session.committed_at is None
