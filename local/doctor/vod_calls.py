"""The calls of the server API that only the doctor makes; see `shared.vod_api` for the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.doctor.findings import fault, skipped, warning
from shared.errors import VodApiError
from shared.vod.lenient_json import as_text, objects_in
from shared.vod_api import VodApi

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from local.doctor.findings import Finding

CALL_SECONDS = 3.0
ON = "ON"
_OPEN = "opened"
_MOST_NAMES = 100
_UNAUTHORIZED = "UnauthorizedOperation"
_AUTH_FAILURE = "AuthFailure"
_PASSING = ("InternalError", "RequestLimitExceeded")
_NO_ANSWER = ("Error", "Timeout", "NotAnAnswer")
"""Endings of the codes by which the SDK, the HTTP library and `shared.vod_api` report no readable answer."""


@dataclass(frozen=True)
class EventConfiguration:
    """How VOD notifies one application (doc 266/57589); switches are ON or OFF, an empty URL is none."""

    mode: str
    notification_url: str = field(repr=False)
    upload_complete: str
    delete_complete: str
    persistence_complete: str


class VodCalls(VodApi):
    """Client of the server API; after a missing answer or refused credentials it makes no more calls."""

    _trouble: VodApiError | None = None
    answered = False

    def event_configuration(self, sub_app_id: int | None) -> EventConfiguration:
        """Return an application's event configuration (API DescribeEventConfig), without its SignKey.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        reply = self._call("DescribeEventConfig", {}, CALL_SECONDS, sub_app_id=sub_app_id)
        return EventConfiguration(
            mode=as_text(reply.get("Mode")),
            notification_url=as_text(reply.get("NotificationUrl")),
            upload_complete=as_text(reply.get("UploadMediaCompleteEventSwitch")),
            delete_complete=as_text(reply.get("DeleteMediaCompleteEventSwitch")),
            persistence_complete=as_text(reply.get("PersistenceCompleteEventSwitch")),
        )

    def set_event_configuration(
        self, wanted: EventConfiguration, sub_app_id: int | None, *, sign_key: str | None
    ) -> None:
        """Set an application's whole event configuration (API ModifyEventConfig).

        Every member is sent, since VOD does not document what it does about an omitted one. Without
        `sign_key` the SignKey is not sent, and VOD keeps its own.

        Raises:
            VodApiError: the API refused, or did not answer in time; it may or may not be set.

        """
        parameters: dict[str, object] = {
            "Mode": wanted.mode,
            "NotificationUrl": wanted.notification_url,
            "UploadMediaCompleteEventSwitch": wanted.upload_complete,
            "DeleteMediaCompleteEventSwitch": wanted.delete_complete,
            "PersistenceCompleteEventSwitch": wanted.persistence_complete,
        }
        if sign_key is not None:
            parameters["SignKey"] = sign_key
        self._call("ModifyEventConfig", parameters, CALL_SECONDS, sub_app_id=sub_app_id)

    def open_regions(self, sub_app_id: int | None) -> frozenset[str]:
        """Return the storage regions that an application may store in.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        reply = self._call("DescribeStorageRegions", {}, CALL_SECONDS, sub_app_id=sub_app_id)
        regions = objects_in(reply.get("StorageRegionInfos"))
        return frozenset(as_text(region.get("Region")) for region in regions if region.get("Status") == _OPEN)

    def known_procedures(self, names: Collection[str], sub_app_id: int | None) -> frozenset[str]:
        """Return which of these task-flow templates exist, the preset ones included.

        Raises:
            VodApiError: the API refused, or did not answer in time.

        """
        found: set[str] = set()
        wanted = sorted(names)
        for start in range(0, len(wanted), _MOST_NAMES):
            page = {"Names": wanted[start : start + _MOST_NAMES], "Limit": _MOST_NAMES}
            reply = self._call("DescribeProcedureTemplates", dict(page), CALL_SECONDS, sub_app_id=sub_app_id)
            found |= {as_text(entry.get("Name")) for entry in objects_in(reply.get("ProcedureTemplateSet"))}
        return frozenset(found)

    def code_of(self, action: str, parameters: dict[str, object]) -> str:
        """Call an action and return its error code, or an empty string."""
        try:
            self._call(action, parameters, CALL_SECONDS)
        except VodApiError as error:
            return error.vod_code
        return ""

    def _call(
        self,
        action: str,
        parameters: Mapping[str, object],
        timeout_seconds: float,
        *,
        sub_app_id: int | None = None,
        foreign: bool = False,
    ) -> dict[str, object]:
        if self._trouble is not None:
            raise self._trouble
        try:
            reply = super()._call(action, parameters, timeout_seconds, sub_app_id=sub_app_id, foreign=foreign)
        except VodApiError as error:
            if is_no_answer(error.vod_code) or is_auth_failure(error.vod_code):
                self._trouble = error
            self.answered = self.answered or not is_no_answer(error.vod_code)
            raise
        self.answered = True
        return reply


def is_no_answer(code: str) -> bool:
    """Return whether a code means that no readable answer came."""
    return "." not in code and code.endswith(_NO_ANSWER) and not code.startswith(_PASSING)


def is_auth_failure(code: str) -> bool:
    """Return whether the credentials themselves were refused."""
    return code.startswith(_AUTH_FAILURE)


def is_unauthorized(code: str) -> bool:
    """Return whether valid credentials lack the permission for a call."""
    return code.startswith(_UNAUTHORIZED)


def finding_of(check: str, error: VodApiError, *, answered: bool) -> Finding:
    """Return the finding for a failed call; the API and credential checks report their own causes."""
    code = error.vod_code
    if is_auth_failure(code) or (is_no_answer(code) and not answered):
        return skipped(check, f"the VOD API was of no use ({code})")
    if is_no_answer(code) or code.startswith(_PASSING):
        return warning(check, f"the VOD API was of no use this time ({code})", "Run this again.")
    if is_unauthorized(code):
        action = error.detail.partition(" ")[0]
        return warning(
            check, f"these credentials may not call {action}", f"To have it looked at, grant vod:{action}."
        )
    return fault(check, error.detail, "Look the code up in VOD's API documentation; is VOD_SUB_APP_ID right?")
