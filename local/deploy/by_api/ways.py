"""Two ways of deploying have two addresses: refuse to change them unless that is meant.

A URL is bound to one alias for good (583/100227): the CLI binds it to `$DEFAULT`, the API to `live`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.deploy.by_api.cloud_state import read_triggers
from local.deploy.by_api.wanted import LIVE
from local.deploy.scf_calls import ScfRefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from local.deploy.by_api.change import Change
    from local.deploy.by_api.cloud_state import Trigger
    from local.deploy.opened_stage import OpenedStage
    from local.deploy.scf_calls import ScfCalls

BY_CLI = "$DEFAULT"
FLAG = "CHANGE_URLS=1"
_NOT_YET = "(made by the deployment)"


def changed_urls(
    triggers: Mapping[str, Sequence[Trigger]], qualifier: str, changes: Collection[Change] = ()
) -> list[str]:
    """Return a line for each URL and timer that a deployment with `qualifier` changes."""
    found = []
    for key, listed in triggers.items():
        recreated = any((it.function, it.action) == (key, "recreate") for it in changes)
        old = [it.url for it in listed if it.url and (it.qualifier != qualifier or recreated)]
        new = [it.url for it in listed if it.url and it.qualifier == qualifier and not recreated]
        if old and not new:
            found.append(f"{key}: {', '.join(old)} -> {_NOT_YET}")
        found += [
            f"{key}: its timer {it.name} is bound to {it.qualifier}, and would be bound to {qualifier}"
            for it in listed
            if it.kind == "timer" and it.qualifier != qualifier and it.qualifier in (LIVE, BY_CLI)
        ]
    return found


def refusal(lines: Sequence[str], way: str) -> list[str]:
    """Return the sentences that refuse a deployment which changes addresses."""
    if not lines:
        return []
    advice = (
        f"If that is meant: {FLAG}. Old URLs stay until you delete them; VOD and the app have to be given "
        "the new ones."
    )
    return [f"VIA={way} changes what this stage is called by:", *(f"  {it}" for it in lines), advice]


def triggers_of_stage(opened: OpenedStage) -> dict[str, list[Trigger]]:
    """Return the URLs and timers of the functions that are there.

    Raises:
        ScfRefusedError: the API refused to show them.

    """
    return {key: _triggers_of(opened.calls, name) for key, name in opened.function_names.items()}


def _triggers_of(calls: ScfCalls, name: str) -> list[Trigger]:
    try:
        return read_triggers(calls, name)
    except ScfRefusedError as error:
        if not error.code.startswith("ResourceNotFound"):
            raise
        return []


def free_timers(opened: OpenedStage, triggers: Mapping[str, Sequence[Trigger]]) -> None:
    """Delete the timers of the alias `live`, so that the CLI can make them anew: a name is one timer.

    Raises:
        ScfRefusedError: the API refused it.

    """
    for key, listed in triggers.items():
        for it in listed:
            if it.kind == "timer" and it.qualifier == LIVE:
                named = {"FunctionName": opened.function_names[key], "TriggerName": it.name}
                opened.calls.call("DeleteTrigger", **named, Type=it.kind, Qualifier=it.qualifier)
