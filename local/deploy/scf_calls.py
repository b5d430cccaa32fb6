"""Calls of SCF's API by Tencent's Python SDK: with a time-out, and repeated if refused for the rate."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tencentcloud.common.credential import Credential  # type: ignore[import-untyped]  # the SDK has no types
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # as above
from tencentcloud.common.profile.client_profile import ClientProfile  # type: ignore[import-untyped]  # as above
from tencentcloud.common.profile.http_profile import HttpProfile  # type: ignore[import-untyped]  # as above
from tencentcloud.scf.v20180416.scf_client import ScfClient  # type: ignore[import-untyped]  # as above

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

API_URL = "SCF_API_URL"
"""The variable of the environment that names another API, such as an imitation on this machine."""
_API = "https://scf.tencentcloudapi.com"
_CALL_SECONDS = 60
"""Enough for a package of 8 MB on a slow line; nothing is waited for longer."""
_RATE_LIMIT = "RequestLimitExceeded"
_ATTEMPTS = 6


class ScfRefusedError(Exception):
    """The API refused, or did not answer; the message is its code and its own words."""

    def __init__(self, code: str, message: str) -> None:
        """Set both."""
        super().__init__(f"{code}: {message}")
        self.code = code


class ScfCalls:
    """A client for one region, with the credentials of whoever deploys."""

    def __init__(
        self, values: Mapping[str, str], *, url: str = "", pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Set credentials and region from the variables of a stage; `url` names another API."""
        self.pause = pause
        scheme, host = urlsplit(url or _API)[:2]
        http = HttpProfile(protocol=scheme, endpoint=host, reqTimeout=_CALL_SECONDS)
        credential = Credential(
            values["TENCENT_SECRET_ID"], values["TENCENT_SECRET_KEY"], values.get("TENCENT_TOKEN") or None
        )
        self._client = ScfClient(credential, values["DEPLOY_REGION"], ClientProfile(httpProfile=http))

    def call(self, action: str, **parameters: object) -> dict[str, Any]:
        """Return the answer of an action; one that is refused for its rate is repeated, 15 s in all.

        Raises:
            ScfRefusedError: the API refused, or did not answer in time.

        """
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._once(action, parameters)
            except ScfRefusedError as error:
                if not error.code.startswith(_RATE_LIMIT):
                    raise
            self.pause(2**attempt / 4)
        return self._once(action, parameters)

    def _once(self, action: str, parameters: Mapping[str, object]) -> dict[str, Any]:
        try:
            response = dict(self._client.call_json(action, parameters)["Response"])
        except TencentCloudSDKException as error:
            raise ScfRefusedError(str(error.get_code()), str(error.get_message())) from None
        # The SDK sees an error only under one spelling of the content type.
        if "Error" in response:
            raise ScfRefusedError(str(response["Error"]["Code"]), str(response["Error"]["Message"]))
        return response
