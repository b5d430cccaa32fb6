"""Actions of the server API that bring media in: ApplyUpload, CommitUpload, PullUpload."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.simulator.api_action import Action
from local.simulator.api_parameters import invalid_value
from local.simulator.apply_request import read_apply_request
from local.simulator.business_errors import BusinessError
from local.simulator.new_sessions import media_session
from local.simulator.signatures import SignedTerms
from local.simulator.tc3_authorization import ApiError

if TYPE_CHECKING:
    from local.simulator.api_action import Members
    from local.simulator.api_parameters import ApiParameters
    from local.simulator.configuration import ConfigurationStore
    from local.simulator.credentials import CredentialStore
    from local.simulator.media_library import MediaLibrary
    from local.simulator.pull_uploads import PullUploads
    from local.simulator.sessions import UploadSession
    from local.simulator.settings import SimulatorSettings
    from local.simulator.task_actions import TaskActions

_ABOUT_THE_MEDIA = "MediaName Procedure ExpireTime StorageRegion ClassId SourceContext SessionContext ExtInfo"
_LONGEST_SOURCE_CONTEXT, _LONGEST_SESSION_CONTEXT = 250, 1000


@dataclass(frozen=True)
class ServerUploads:
    """A session of these is committed by the server API alone."""

    settings: SimulatorSettings
    configuration: ConfigurationStore
    library: MediaLibrary
    credentials: CredentialStore
    pulls: PullUploads
    tasks: TaskActions

    def actions(self) -> dict[str, Action]:
        """Return the actions by name."""
        return {
            "ApplyUpload": Action(self._apply, f"MediaType CoverType {_ABOUT_THE_MEDIA}"),
            "CommitUpload": Action(self._commit, "VodSessionKey"),
            "PullUpload": Action(
                self._pull, f"MediaUrl MediaType CoverUrl TasksPriority SessionId {_ABOUT_THE_MEDIA}"
            ),
            "DescribeStorageRegions": Action(self._describe_regions),
        }

    def _apply(self, parameters: ApiParameters, application: int) -> Members:
        """Open a session; both SDKs cut off the slash that each path begins with."""
        session = replace(
            self._session(parameters, application, parameters.text("MediaType")), source_type="ServerUpload"
        )
        self.library.sessions.add(session)
        credential = self.credentials.issue(
            vod_session_key=session.vod_session_key,
            expires_at=int(self.library.clock()) + self.configuration.present.credential_seconds,
        )
        cover = {"CoverStoragePath": f"/{session.cover_key}"} if session.cover_key else {}
        return {
            "StorageBucket": session.bucket,
            "StorageRegion": session.region,
            "VodSessionKey": session.vod_session_key,
            "MediaStoragePath": f"/{session.media_key}",
            **cover,
            "TempCertificate": {
                "SecretId": credential.secret_id,
                "SecretKey": credential.secret_key,
                "Token": credential.token,
                "ExpiredTime": credential.expires_at,
            },
        }

    async def _commit(self, parameters: ApiParameters, application: int) -> Members:
        session = self.library.sessions.find(parameters.text("VodSessionKey"))
        oldest = self.library.clock() - self.configuration.present.session_seconds
        if (
            session is None
            or session.source_type != "ServerUpload"
            or session.terms.application != application
            or session.opened_at <= oldest
        ):
            raise invalid_value("VodSessionKey", "The VodSessionKey is not valid, or has expired.")
        if any(self.library.objects.find(key) is None for key in session.keys):
            raise ApiError("FailedOperation.UploadCosFail", "A file of this upload is not complete.")
        if session.committed_at is None:
            await self.library.publish(session)
        media = self.library.find(session.file_id)
        if media is None:
            raise ApiError("ResourceNotFound.FileNotExist", "The file was deleted.")
        cover = {"CoverUrl": media.cover_url} if session.cover_key else {}
        return {"FileId": media.file_id, "MediaUrl": media.media_url, **cover}

    def _pull(self, parameters: ApiParameters, application: int) -> Members:
        url, cover_url = parameters.text("MediaUrl"), parameters.text("CoverUrl")
        for name, address in (("MediaUrl", url), ("CoverUrl", cover_url)):
            if not address.startswith(("http://", "https://")) and (address or name == "MediaUrl"):
                raise invalid_value(name, f"{name} is an http or https URL.")
        order = self.tasks.order(parameters)
        session = self._session(
            parameters, application, parameters.text("MediaType") or _extension(url), _extension(cover_url)
        )
        self.library.sessions.add(session)
        return {"TaskId": self.pulls.add(session, url, cover_url, order)}

    def _session(
        self, parameters: ApiParameters, application: int, media_type: str, cover_type: str = ""
    ) -> UploadSession:
        terms = _terms(parameters, application)
        if terms.storage_region and terms.storage_region not in self.settings.storage_regions:
            raise ApiError("InvalidParameter.StorageRegion", "The storage region is not enabled.")
        if len(terms.source_context) > _LONGEST_SOURCE_CONTEXT:
            raise ApiError("InvalidParameterValue", "SourceContext has at most 250 characters.")
        if len(terms.session_context) > _LONGEST_SESSION_CONTEXT:
            raise invalid_value("SessionContextTooLong", "SessionContext has at most 1000 characters.")
        members = {
            "videoname": parameters.text("MediaName"),
            "videotype": media_type,
            "covertype": parameters.text("CoverType") or cover_type,
            "expiretime": parameters.text("ExpireTime"),
        }
        try:
            return media_session(
                read_apply_request(members),
                terms,
                settings=self.settings,
                key=secrets.token_urlsafe(72),
                now=self.library.clock(),
            )
        except BusinessError as error:
            raise invalid_value("MediaType", error.reason) from error

    def _describe_regions(self, _parameters: ApiParameters, _application: int) -> Members:
        regions = self.settings.storage_regions
        return {
            "StorageRegionInfos": [
                {
                    "Region": region,
                    "Description": region,
                    "Status": "opened",
                    "IsDefault": region == regions[0],
                    "Area": "Asia",
                }
                for region in regions
            ]
        }


def _terms(parameters: ApiParameters, application: int) -> SignedTerms:
    """Return what a client's signature would say."""
    return SignedTerms(
        digest="",
        application=application,
        one_time=False,
        class_id=parameters.integer("ClassId"),
        procedure=parameters.text("Procedure"),
        task_priority=parameters.integer("TasksPriority"),
        task_notify_mode="Finish",
        source_context=parameters.text("SourceContext"),
        session_context=parameters.text("SessionContext"),
        storage_region=parameters.text("StorageRegion"),
    )


def _extension(url: str) -> str:
    """Return the text after the last dot of a URL's path; empty if there is none."""
    name = url.partition("?")[0].rpartition("/")[2]
    return name.rpartition(".")[2] if "." in name else ""
