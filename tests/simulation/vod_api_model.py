"""The server API of VOD: late, lossy, and strict about the clock of who asks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import formatdate
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from requests.exceptions import ConnectionError as LostConnectionError
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # the SDK has no types

from tests.simulation.rejections import DELETED, FORBIDDEN
from tests.simulation.vod_messages import flow_event, media_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.instances import Platform
    from tests.simulation.vod_messages import File
    from tests.simulation.vod_model import Vod

UNSUPPORTED_CLASS = "InvalidParameterValue.UnsupportedStorageClass"
"""That a file of such a class is refused with this code of the API is UNVERIFIED."""
LONGEST_CLOCK_ERROR = 300
"""How far the clock of an API client may be off."""
API_FAULTS = {
    "refused": 20,
    "lost": 20,
    "slow": 15,
    "InternalError": 25,
    "RequestLimitExceeded": 10,
    "garbled": 10,
}


@dataclass
class VodApiModel:
    """The calls that the functions make."""

    vod: Vod
    platform: Platform
    count_fault: Callable[[str], None]
    on_wrong_clock: Callable[[int], None]
    on_action: Callable[[File, str], None]
    calls: int = 0

    def __post_init__(self) -> None:
        """Prepare its random numbers."""
        self.scheduler = self.vod.scheduler
        self._network = self.scheduler.random_of("vod api")
        self._actions = self.scheduler.random_of("vod actions")

    def client(self, *_arguments: object) -> ApiClient:
        """Stand for `CommonClient` of the SDK."""
        return ApiClient(self)

    def call(
        self,
        action: str,
        parameters: dict[str, Any],
        timeout: float,
        on_response: Callable[[object], object],
    ) -> dict[str, Any]:
        """Answer one call as the SDK returns it, or raise what the SDK raises."""
        self.calls += 1
        self.platform.may_be_killed()
        self.scheduler.sleep(self._network.uniform(0.01, 0.1))
        fault = self._fault()
        if fault == "timeout":
            self.scheduler.sleep(timeout)
        if fault in ("refused", "timeout"):
            raise _lost()
        if fault in ("InternalError", "RequestLimitExceeded"):
            raise TencentCloudSDKException(fault, "Try again.", "id")
        signed_at = self.platform.now() - self.platform.current().clock_ahead
        if abs(signed_at - self.scheduler.now) > LONGEST_CLOCK_ERROR:
            self.platform.current().clock_refusals += 1
            self.on_wrong_clock(self.platform.current().clock_refusals)
            on_response(SimpleNamespace(headers={"Date": formatdate(self.scheduler.now, usegmt=True)}))
            raise TencentCloudSDKException("AuthFailure.SignatureExpire", "The clock is off.", "id")
        response = getattr(self, f"_{action}")(parameters)
        self.platform.may_be_killed()
        wait = {"lost": timeout, "slow": self._network.uniform(0, 8)}.get(fault, 0.0)
        self.scheduler.sleep(min(wait, timeout))
        if wait >= timeout:
            raise _lost()
        if fault == "garbled":
            return self._network.choice(({}, {"Response": None}, {"Response": {"Error": {"Code": "Odd"}}}))
        # What the caller does with it must not change what VOD has.
        answered: dict[str, Any] = json.loads(json.dumps({"Response": {"RequestId": "id", **response}}))
        return answered

    def _fault(self) -> str:
        """Draw what happens to a call; nothing for most."""
        fault = ""
        if self.vod.weather.is_down:
            fault = self._network.choice(("refused", "InternalError", "timeout"))
        elif self._network.random() < self.vod.weather.rate:
            fault = self._network.choices(list(API_FAULTS), list(API_FAULTS.values()))[0]
        if fault:
            self.count_fault(f"api {fault}")
        return fault

    def _DescribeMediaInfos(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        files = [self.vod.files.get(file_id) for file_id in parameters["FileIds"]]
        return {"MediaInfoSet": [media_of(file) for file in files if file and self._is_shown(file)]}

    def _SearchMedia(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        after, before = parameters["CreateTime"]["After"], parameters["CreateTime"]["Before"]
        found = [
            file
            for file in self.vod.files.values()
            if after <= file.created <= before and self._is_shown(file)
        ]
        offset = parameters["Offset"]
        return {"MediaInfoSet": [media_of(file) for file in found[offset : offset + parameters["Limit"]]]}

    def _DescribeTaskDetail(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        flow, now = self.vod.flows.get(parameters["TaskId"]), self.scheduler.now
        attributes = self.vod.attributes.by_id.get(parameters["TaskId"])
        if attributes and attributes.is_known(now):
            return self.vod.attributes.detail_of(attributes)
        if flow is None or not flow.is_known(now):
            raise TencentCloudSDKException("ResourceNotFound", "There is no such task.", "id")
        status = flow.status(now)
        # An aborted flow says so in the status of the task only.
        told = flow_event(flow, "PROCESSING" if status == "ABORTED" else status, 100)
        return {"Status": status, "ProcedureTask": told["ProcedureStateChangeEvent"]}

    def _DescribeTasks(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        file, now = self.vod.files.get(parameters["FileId"]), self.scheduler.now
        flow = file.flow if file else None
        if flow is None or not flow.is_known(now):
            return {"TaskSet": []}
        task = {"TaskId": flow.task_id, "TaskType": "Procedure", "SessionContext": flow.file.token}
        return {"TaskSet": [task]}

    def _PullEvents(self, _parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        pulled = self.vod.pull()
        if not pulled:
            self.scheduler.sleep(4.9)
            pulled = self.vod.pull()
        return {"EventSet": [{**it.event, "EventHandle": it.handle} for it in pulled] or None}

    def _ConfirmEvents(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        if not self.vod.confirm(set(parameters["EventHandles"])):
            raise TencentCloudSDKException("InvalidParameterValue", "A handle is not valid.", "id")
        return {}

    def _DescribeFileAttributes(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        file, lag = self.vod.files.get(parameters["FileId"]), self.vod.weather.lag
        if file is None or not self._is_shown(file) or file.deleted_at is not None:
            raise TencentCloudSDKException("InvalidParameterValue.FileId", "There is no such file.", "id")
        return {"TaskId": self.vod.attributes.begin(file, parameters["SessionContext"], lag=lag).task_id}

    def _ForbidMediaDistribution(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        unknown = []
        for file_id in parameters["FileIds"]:
            file = self.vod.files.get(file_id)
            if file and self._is_shown(file) and file.deleted_at is None:
                if not file.can_be_forbidden:
                    raise TencentCloudSDKException(UNSUPPORTED_CLASS, "Not of this storage class.", "id")
                self.on_action(file, FORBIDDEN)
                file.is_forbidden = True
            else:
                unknown.append(file_id)
        return {"NotExistFileIdSet": unknown}

    def _DeleteMedia(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 -- VOD's name
        file, now = self.vod.files.get(parameters["FileId"]), self.scheduler.now
        if file is None or not self._is_shown(file) or file.deleted_at is not None:
            raise TencentCloudSDKException("InvalidParameterValue.FileId", "There is no such file.", "id")
        self.on_action(file, DELETED)
        file.deleted_at, file.hidden_at = now, now + self._actions.random() * self.vod.weather.lag
        return {}

    def _is_shown(self, file: File) -> bool:
        return file.is_shown(self.scheduler.now)


class ApiClient:
    """The part of the SDK's client that `shared.tencent_api` uses."""

    def __init__(self, api: VodApiModel) -> None:
        self._api = api
        self.request = self
        self.conn = self
        self._session = self
        self.hooks: dict[str, list[Callable[[object], object]]] = {"response": []}
        self.timeout = 10.0

    def call_json(self, action: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Send one call."""
        return self._api.call(action, parameters, self.timeout, self.hooks["response"][0])


def _lost() -> TencentCloudSDKException:
    error = TencentCloudSDKException("ClientNetworkError", "The connection is lost.")
    error.__context__ = LostConnectionError()
    return error
