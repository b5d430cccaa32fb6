"""The VOD server API, by way of Tencent's Python SDK.

Only its common client is used: it signs (TC3-HMAC-SHA256) and answers plain JSON, so no member VOD
adds is lost, and the half megabyte of generated models is not imported on a cold start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from shared.errors import VodApiError
from shared.wire_json import as_object, as_text, objects_in

if TYPE_CHECKING:
    from shared.settings import VodApiSettings

SERVICE, VERSION = "vod", "2018-07-17"


class VodApi:
    """The server API of one application."""

    def __init__(self, settings: VodApiSettings) -> None:
        url = urlsplit(settings.vod_api_url)
        self._profile = HttpProfile(protocol=url.scheme, endpoint=url.netloc, keepAlive=True)
        secret_id, secret_key, token = settings.api_credentials
        self._client = CommonClient(
            SERVICE,
            VERSION,
            Credential(secret_id, secret_key, token),
            "",  # these calls take no region
            ClientProfile(httpProfile=self._profile),
        )
        self._sub_app_id = settings.vod_api_sub_app_id

    def source_context_of(self, file_id: str, *, timeout_seconds: float) -> str | None:
        """Read back which sourceContext VOD keeps with a file; None if there is no such file.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        reply = self._call(
            "DescribeMediaInfos", {"FileIds": [file_id], "Filters": ["basicInfo"]}, timeout_seconds
        )
        for media in objects_in(reply.get("MediaInfoSet")):
            if as_text(media.get("FileId")) == file_id:
                source = as_object(as_object(media.get("BasicInfo")).get("SourceInfo"))
                return as_text(source.get("SourceContext"))
        return None

    def _call(self, action: str, parameters: dict[str, object], timeout_seconds: float) -> dict[str, Any]:
        if self._sub_app_id is not None:
            parameters = {**parameters, "SubAppId": self._sub_app_id}
        self._profile.reqTimeout = timeout_seconds
        try:
            reply = self._client.call_json(action, parameters)
        except TencentCloudSDKException as error:
            code = str(error.get_code() or "")
            raise VodApiError(f"{action} failed: {code}.", vod_code=code) from None
        return as_object(as_object(reply).get("Response"))
