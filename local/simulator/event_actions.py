"""Actions of the server API on events: their configuration, and the reliable callback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator.api_action import Action
from local.simulator.api_parameters import invalid_value
from local.simulator.pull_queue import BATCH
from local.simulator.tc3_authorization import ApiError

if TYPE_CHECKING:
    from local.simulator.api_action import Members
    from local.simulator.api_parameters import ApiParameters
    from local.simulator.configuration import ConfigurationStore
    from local.simulator.pull_queue import PullQueue

_SWITCHES = {
    "UploadMediaCompleteEventSwitch": "upload_complete_event",
    "DeleteMediaCompleteEventSwitch": "delete_complete_event",
    "PersistenceCompleteEventSwitch": "persistence_complete_event",
}


@dataclass(frozen=True)
class EventActions:
    """One configuration and one queue for all applications of the account."""

    configuration: ConfigurationStore
    queue: PullQueue

    def actions(self) -> dict[str, Action]:
        """Return the actions by name."""
        return {
            "DescribeEventConfig": Action(self._describe_config),
            "ModifyEventConfig": Action(
                self._modify_config, " ".join(("Mode NotificationUrl SignKey", *_SWITCHES))
            ),
            "PullEvents": Action(self._pull, "ExtInfo"),
            "ConfirmEvents": Action(self._confirm, "EventHandles ExtInfo"),
            "DescribeEventsState": Action(self._describe_state),
        }

    async def _pull(self, _parameters: ApiParameters, application: int) -> Members:
        events = await self.queue.pull(application=application)
        shape = self.configuration.present.empty_event_set
        if not events and shape == "error":
            raise ApiError("ResourceNotFound", "There are no events.")
        return {"EventSet": None if not events and shape == "null" else events}

    def _confirm(self, parameters: ApiParameters, _application: int) -> Members:
        handles = parameters.texts("EventHandles")
        if not 1 <= len(handles) <= BATCH or not self.queue.confirm(handles):
            raise ApiError("InvalidParameterValue", "An event handle is not valid, or its 30 s are over.")
        return {}

    def _describe_state(self, _parameters: ApiParameters, application: int) -> Members:
        """Count at once; VOD's own number is about three minutes late (266/48758)."""
        return {"CountOfEventsToPull": self.queue.count(application=application)}

    def _describe_config(self, _parameters: ApiParameters, _application: int) -> Members:
        present = self.configuration.present
        switches = {name: "ON" if getattr(present, field) else "OFF" for name, field in _SWITCHES.items()}
        return {"Mode": present.mode, "NotificationUrl": present.callback_url, **switches}

    def _modify_config(self, parameters: ApiParameters, _application: int) -> Members:
        changes: dict[str, object] = {}
        names = {"Mode": "mode", "NotificationUrl": "callback_url", "SignKey": "sign_key"}
        for name, field in names.items():
            if parameters.values.get(name) is not None:
                changes[field] = parameters.text(name)
        for name, field in _SWITCHES.items():
            switch = parameters.text(name)
            if switch not in ("", "ON", "OFF"):
                raise invalid_value(name, f"{name} is ON or OFF.")
            if switch:
                changes[field] = switch == "ON"
        try:
            self.configuration.change(changes)
        except ValueError as error:
            raise ApiError("InvalidParameterValue", str(error)) from error
        return {}
