"""The control hosts over HTTP: `POST /v3/index.php?Action=...`, and the statistics host.

Every invalid call gets a business error with HTTP 200. The rules are in `upload_calls`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local.simulator.business_errors import BusinessError, invalid_request
from local.simulator.fault_kinds import UPLOAD_CALLS
from local.simulator.request_body import json_object, small_body
from shared.errors import ContentTooLargeError, InvalidRequestError

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.simulator.counters import Counters
    from local.simulator.upload_calls import UploadCalls

CONTROL_HOSTS = frozenset({"vod2.qcloud.com", "vod2.dnsv1.com"})
STATISTICS_HOST = "vodreport.qcloud.com"
_PATH = "/v3/index.php"
_LARGEST_BODY = 64 * 1024
_log = logging.getLogger("local.simulator")


@dataclass(frozen=True)
class ControlEndpoint:
    """Answers the upload calls of every SDK."""

    calls: UploadCalls

    async def __call__(self, request: Request) -> Response:
        """Answer one call; only one that the simulator does not have gets an HTTP error."""
        action = request.query_params.get("Action", "")
        if request.url.path != _PATH or action not in UPLOAD_CALLS:
            _log.warning("the simulator does not have %s?Action=%s", request.url.path, action[:64])
            return Response(status_code=501)
        try:
            return JSONResponse({"code": 0, "message": "", "data": await self._data(action, request)})
        except BusinessError as error:
            return JSONResponse(error.as_json())

    async def _data(self, action: str, request: Request) -> dict[str, object]:
        try:
            members = json_object(await small_body(request, max_bytes=_LARGEST_BODY))
        except (InvalidRequestError, ContentTooLargeError) as error:
            raise invalid_request(error.detail) from error
        # The C++ SDK writes the keys in PascalCase; whether VOD really folds them is UNVERIFIED.
        folded = {name.lower(): value for name, value in members.items()}
        if action == "PrepareUploadUGC":
            return self.calls.prepare(folded)
        if action == "ApplyUploadUGC":
            return self.calls.apply(folded)
        return await self.calls.commit(folded)


@dataclass(frozen=True)
class StatisticsEndpoint:
    """Accepts the SDK's statistics and discards them."""

    counters: Counters

    async def __call__(self, _request: Request) -> Response:
        """Answer 200 to anything."""
        self.counters.count("Statistics")
        return JSONResponse({"code": 0, "message": ""})
