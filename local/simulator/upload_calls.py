"""PrepareUploadUGC, ApplyUploadUGC and CommitUploadUGC: their rules, in the order they are checked.

`control` serves them over HTTP; `media_library` publishes what Commit closes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.simulator.apply_request import ApplyRequest, read_apply_request, text_member
from local.simulator.business_errors import BusinessError, invalid_request
from local.simulator.new_sessions import cover_session, media_session
from local.simulator.signatures import SignedTerms, read_signature
from local.simulator.upload_replies import apply_data, commit_data, prepare_data

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.simulator.configuration import ConfigurationStore
    from local.simulator.counters import Counters
    from local.simulator.credentials import CredentialStore
    from local.simulator.media_library import MediaLibrary
    from local.simulator.objects import ObjectStore
    from local.simulator.sessions import AnnouncedFile, SessionStore, UploadSession
    from local.simulator.settings import SimulatorSettings
    from local.simulator.signatures import UsedSignatures
    from local.simulator.switches import SwitchBoard


@dataclass(frozen=True)
class UploadCalls:
    """The three calls; each takes the body's members under lower-case names and returns `data`."""

    settings: SimulatorSettings
    configuration: ConfigurationStore
    clock: Callable[[], float]
    sessions: SessionStore
    signatures: UsedSignatures
    credentials: CredentialStore
    objects: ObjectStore
    library: MediaLibrary
    counters: Counters
    switches: SwitchBoard

    def prepare(self, members: Mapping[str, object]) -> dict[str, object]:
        """Return the regions that an SDK may race; no signature is used up.

        Raises:
            BusinessError: the signature is not acceptable.

        """
        self.counters.count("PrepareUploadUGC")
        terms = self._terms(members, self.clock())
        regions = (terms.storage_region,) if terms.storage_region else self.settings.storage_regions
        return prepare_data(terms.application, regions)

    def apply(self, members: Mapping[str, object]) -> dict[str, object]:
        """Open an upload session, or issue a new credential for an open one.

        Raises:
            BusinessError: the signature or the request is not acceptable.

        """
        now = self.clock()
        try:
            session = self._session_for_apply(members, now)
        except BusinessError:
            self.counters.count("ApplyUploadUGC")
            raise
        self.counters.count("ApplyUploadUGC", vod_session_key=session.vod_session_key)
        present = self.configuration.present
        credential = self.credentials.issue(
            vod_session_key=session.vod_session_key, expires_at=int(now) + present.credential_seconds
        )
        return apply_data(session, credential, present, now=int(now))

    async def commit(self, members: Mapping[str, object]) -> dict[str, object]:
        """Close a session whose objects are complete; repeating it returns the same reply.

        The switch `context` names the signature that decides context, procedure and class; that of Commit
        must be valid and of the same application.

        Raises:
            BusinessError: the signature, the session or an object is not acceptable.

        """
        now = self.clock()
        try:
            session = self._session_for_commit(members, now)
        except BusinessError:
            self.counters.count("CommitUploadUGC")
            raise
        self.counters.count("CommitUploadUGC", vod_session_key=session.vod_session_key)
        if session.committed_at is None:
            self._check_object(session.media, session.media_key)
            self._check_object(session.cover, session.cover_key)
            await self.library.publish(session)
        media = self.library.find(session.file_id)
        if media is None:
            raise invalid_request("the media is gone")
        return commit_data(session, media, verify_key=self.settings.verify_key, now=int(now))

    def _terms(
        self, members: Mapping[str, object], now: float, *, may_be_expired: bool = False
    ) -> SignedTerms:
        return read_signature(
            members.get("signature"), settings=self.settings, now=now, may_be_expired=may_be_expired
        )

    def _session_for_apply(self, members: Mapping[str, object], now: float) -> UploadSession:
        terms = self._terms(members, now)
        request = read_apply_request(members)
        may_repeat = self.switches.present.repeated_apply == "accept"
        if request.vod_session_key:
            session = self._open_session(request.vod_session_key, terms, now)
            if session.committed_at is not None:
                raise invalid_request("the upload session is already committed")
            self.signatures.use_for_apply(
                terms, vod_session_key=session.vod_session_key, now=now, may_repeat=may_repeat
            )
            return session
        repeated = self._session_opened_before(request, terms, now) if may_repeat else None
        if repeated is not None:
            return repeated
        key = secrets.token_urlsafe(72)
        # A request that is refused below has used its signature up: after any error a new one is needed.
        self.signatures.use_for_apply(terms, vod_session_key=key, now=now)
        if request.file_id:
            media = self.library.find(request.file_id, application=terms.application)
            session = cover_session(request, terms, media, key=key, now=now)
        else:
            session = media_session(request, terms, settings=self.settings, key=key, now=now)
        self.sessions.add(session)
        return session

    def _session_for_commit(self, members: Mapping[str, object], now: float) -> UploadSession:
        present = self.switches.present
        terms = self._terms(members, now, may_be_expired=present.commit_expiry == "ignore")
        session = self._open_session(text_member(members, "vodsessionkey"), terms, now)
        self.signatures.use_for_commit(terms, vod_session_key=session.vod_session_key, now=now)
        return replace(session, terms=terms) if present.context == "commit" else session

    def _session_opened_before(
        self, request: ApplyRequest, terms: SignedTerms, now: float
    ) -> UploadSession | None:
        """Return the open session that this one-time signature opened for the same files."""
        key = self.signatures.session_of(terms) if terms.one_time else ""
        session = self.sessions.find(key) if key else None
        if session is None or session.committed_at is not None:
            return None
        is_same = (request.media, request.cover) == (session.media, session.cover)
        return self._open_session(key, terms, now) if is_same else None

    def _open_session(self, vod_session_key: str, terms: SignedTerms, now: float) -> UploadSession:
        session = self.sessions.find(vod_session_key)
        if (
            session is None
            or session.terms.application != terms.application
            or session.source_type != "Upload"
        ):
            raise invalid_request("the vodSessionKey is unknown")
        if now >= session.opened_at + self.configuration.present.session_seconds:
            raise invalid_request("the upload session has expired")
        return session

    def _check_object(self, announced: AnnouncedFile | None, key: str | None) -> None:
        if announced is None or key is None:
            return
        stored = self.objects.find(key)
        if stored is None:
            raise invalid_request(f"the object {key} is not complete")
        if announced.size is not None and stored.size != announced.size:
            raise invalid_request(f"{key} has {stored.size} bytes, {announced.size} were announced")
