"""Authorize storage requests: a credential may write the keys of its own upload session.

`cos_authorization` and `s3_authorization` verify signatures.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.simulator import cos_authorization, s3_authorization
from local.simulator.post_policy import PostPolicy, verify_post_policy
from local.simulator.storage_errors import RequestExpiredError, access_denied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local.simulator.credentials import CredentialStore, TemporaryCredential
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
        with self._code_of_expiry():
            credential = _verifier(wire)(wire, find_credential=self.credentials.find, now=self.clock())
        return self._session(wire, credential)

    def session_of_form(
        self, wire: StorageRequest, fields: Mapping[str, str]
    ) -> tuple[UploadSession, PostPolicy | None]:
        """Return the session of a POST Object, and its policy.

        A form without one has the request's own signature in its field `Signature`, as the mini program SDK
        sends it.

        Raises:
            StorageError: as for `session`.

        """
        if "policy" not in fields:
            names = {"authorization": "signature", "x-cos-security-token": "x-cos-security-token"}
            signed = {header: fields.get(field, "") for header, field in names.items()}
            return self.session(replace(wire, headers={**wire.headers, **signed})), None
        with self._code_of_expiry():
            credential, policy = verify_post_policy(
                fields, find_credential=self.credentials.find, now=self.clock()
            )
        return self._session(wire, credential), policy

    @contextmanager
    def _code_of_expiry(self) -> Iterator[None]:
        try:
            yield
        except RequestExpiredError:
            raise RequestExpiredError(self.switches.present.expired_credential) from None

    def _session(self, wire: StorageRequest, credential: TemporaryCredential) -> UploadSession:
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
    # A custom upload domain names neither.
    if (wire.bucket, wire.region) not in ((session.bucket, session.region), ("", "")):
        return False
    if wire.method in _READING:
        return not wire.key or wire.key in session.keys
    # What was committed is VOD's; whether real credentials end with Commit is UNVERIFIED.
    return wire.key in session.keys and session.committed_at is None
