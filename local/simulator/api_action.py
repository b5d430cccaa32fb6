"""One action of the server API: the parameters that it has, and the function that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.simulator.api_parameters import invalid_value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.simulator.api_parameters import ApiParameters

    Members = dict[str, Any]
    Run = Callable[[ApiParameters, int], "Members | Awaitable[Members]"]

_MOST_RESULTS = 100


@dataclass(frozen=True)
class Action:
    """`run` takes the parameters and the application, and returns the answer's members.

    `parameters` are their names apart from SubAppId, with a space between.
    """

    run: Run
    parameters: str = ""


def page(parameters: ApiParameters, items: list[Any]) -> list[Any]:
    """Return the items that Offset and Limit select.

    Raises:
        ApiError: InvalidParameterValue.Limit.

    """
    offset, limit = parameters.integer("Offset"), parameters.integer("Limit", 10)
    if offset < 0 or not 0 < limit <= _MOST_RESULTS:
        raise invalid_value("Limit", "Offset is at least 0, Limit from 1 to 100.")
    return items[offset : offset + limit]
