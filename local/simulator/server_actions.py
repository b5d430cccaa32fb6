"""All actions of the server API (API model of the official SDK, version 2018-07-17), and their call."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator.api_parameters import invalid_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.simulator.api_action import Action, Members
    from local.simulator.api_parameters import ApiParameters
    from local.simulator.settings import SimulatorSettings


@dataclass(frozen=True)
class ServerActions:
    """Every action by its name."""

    settings: SimulatorSettings
    actions: Mapping[str, Action]

    async def call(self, name: str, parameters: ApiParameters) -> Members:
        """Run one action.

        Raises:
            ApiError: with the official code.

        """
        action = self.actions[name]
        parameters.refuse_others_than(frozenset({"SubAppId", *action.parameters.split()}))
        sub_app_id = parameters.integer("SubAppId")
        if not self.settings.owns_application(sub_app_id):
            raise invalid_value("SubAppId", "The sub-application does not exist.")
        answer = action.run(parameters, self.settings.application(sub_app_id))
        return await answer if inspect.isawaitable(answer) else answer
