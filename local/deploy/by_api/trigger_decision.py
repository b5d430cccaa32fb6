"""Decide what to do about a function's URL, its timer and its share of the concurrency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.deploy.by_api.change import Call, Change, Decision
from local.deploy.by_api.function_decision import NOTHING
from local.deploy.by_api.wanted import LIVE
from local.deploy.serverless_file import mapping

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from local.deploy.by_api.cloud_state import Trigger
    from local.deploy.by_api.wanted import WantedFunction, WantedTrigger


def decide_triggers(wanted: WantedFunction, found: Collection[Trigger]) -> Decision:
    """Create what is missing, change what is otherwise, and free a timer's name from another alias.

    A URL of another alias stays: whoever still calls it is served.
    """
    changes: list[Change] = []
    calls: list[Call] = []
    for trigger in wanted.triggers:
        made, call = _of_trigger(wanted, trigger, found)
        changes += made
        calls += [call] if call else []
    return Decision(tuple(changes), calls[0] if calls else None)


def decide_share(wanted: WantedFunction, found: int | None) -> Decision:
    """Set the share of the concurrency, unless it is left as it is."""
    if wanted.megabytes is None or wanted.megabytes == found:
        return Decision()
    before, after = (NOTHING if it is None else f"{it} MB" for it in (found, wanted.megabytes))
    change = Change(wanted.key, "share of concurrency", "update", before, after, "RESERVED_INSTANCES_…")
    members = {"FunctionName": wanted.name, "ReservedConcurrencyMem": wanted.megabytes}
    return Decision((change,), Call("PutReservedConcurrencyConfig", members))


def _of_trigger(
    wanted: WantedFunction, trigger: WantedTrigger, found: Collection[Trigger]
) -> tuple[list[Change], Call | None]:
    is_timer = trigger.kind == "timer"
    subject = f"timer {trigger.name}" if is_timer else "URL"
    alike = [it for it in found if it.kind == trigger.kind and (not is_timer or it.name == trigger.name)]
    own = next((it for it in alike if it.qualifier == LIVE), None)
    named = {"FunctionName": wanted.name}
    elsewhere = [it for it in alike if it.qualifier != LIVE]
    if is_timer and elsewhere:
        other = elsewhere[0]
        why = "one name is one timer, and this one runs what another way deployed"
        bound = {"TriggerName": other.name, "Type": other.kind, "Qualifier": other.qualifier}
        move = Change(wanted.key, subject, "move", other.qualifier, LIVE, why)
        return [move], Call("DeleteTrigger", {**named, **bound})
    if own is None:
        after = str(trigger.described.get("cron", f"of the alias {LIVE}"))
        create = Change(wanted.key, subject, "create", NOTHING, after, "it is not there")
        return [create], Call("CreateTrigger", {**named, **trigger.members})
    update = {**named, **trigger.members, "TriggerName": own.name}
    changes = [
        Change(wanted.key, subject, "update", f"{name} {before}", f"{name} {after}", "serverless.yml")
        for name, before, after in _differences(trigger, own)
    ]
    return changes, Call("UpdateTrigger", update) if changes else None


def _differences(trigger: WantedTrigger, own: Trigger) -> Iterator[tuple[str, object, object]]:
    pairs = list(_pairs(trigger.described, own.described))
    pairs += [("argument", own.argument, trigger.argument), ("enabled", own.enabled, True)]
    return ((name, before, after) for name, before, after in pairs if before != after)


def _pairs(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """Yield the members that are wanted; ListTriggers shows more, such as the address."""
    for name, after in wanted.items():
        before = found.get(name)
        if isinstance(after, dict):
            yield from _pairs(after, mapping(before))
        else:
            yield name, before, after
