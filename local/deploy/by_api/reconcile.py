"""Plan a deployment and carry it out: each step is decided from what the cloud has at that moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.deploy.by_api.cloud_state import (
    Trigger,
    read_aliases,
    read_function,
    read_share,
    read_triggers,
    read_versions,
    wait_for_version,
)
from local.deploy.by_api.errors import about
from local.deploy.by_api.function_decision import decide_function
from local.deploy.by_api.release_decision import (
    decide_alias,
    decide_old_versions,
    decide_version,
    live_alias,
    release_of,
    version_of,
)
from local.deploy.by_api.trigger_decision import decide_share, decide_triggers
from local.deploy.scf_calls import ScfRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.deploy.by_api.change import Change, Decision
    from local.deploy.by_api.wanted import WantedFunction, WantedRelease
    from local.deploy.scf_calls import ScfCalls

_MOST_STEPS = 12
"""More than any part of a function takes; a state that never comes to rest is an error."""


@dataclass(frozen=True)
class Plan:
    """What is to be changed, the release that each alias is at, and the triggers that are there."""

    changes: tuple[Change, ...]
    live: Mapping[str, str]
    triggers: Mapping[str, list[Trigger]]


def plan(calls: ScfCalls, release: WantedRelease, digest_key: bytes) -> Plan:
    """Return all that is different, changing nothing.

    Raises:
        DeploymentError: the API refused to show it.

    """
    changes: list[Change] = []
    live, triggers = {}, {}
    for wanted in release.functions:
        name, key = wanted.name, wanted.key
        with about(key):
            found = read_function(calls, name)
            of_itself = decide_function(wanted, release, found, uploaded=False, digest_key=digest_key)
            is_new = found is None or any(change.action == "recreate" for change in of_itself.changes)
            versions = [] if found is None else read_versions(calls, name)
            aliases = [] if found is None else read_aliases(calls, name)
            triggers[key] = [] if found is None else read_triggers(calls, name)
            share = None if found is None else read_share(calls, name)
        if alias := live_alias(aliases):
            live[key] = release_of(alias.version, versions)
        if is_new:
            versions, aliases, share = [], [], None
        decisions = (
            of_itself,
            decide_version(key, name, release.name, versions),
            decide_alias(key, name, release.name, versions, aliases),
            decide_triggers(wanted, [] if is_new else triggers[key]),
            decide_share(wanted, share),
            decide_old_versions(key, name, versions, aliases),
        )
        changes += [change for decision in decisions for change in decision.changes]
    return Plan(tuple(changes), live, triggers)


def carry_out(
    calls: ScfCalls, release: WantedRelease, values: Mapping[str, str], said: Callable[[str], object]
) -> None:
    """Bring every function to what is wanted; aliases move when all new versions are there.

    `values` has the credentials for the bucket of the packages, if there is one.

    Raises:
        DeploymentError: the API refused a step; what was done stays, and the next run goes on from there.

    """
    for wanted in release.functions:
        with about(wanted.key):
            _prepare(calls, wanted, release, values, said)
    for part in (_publish, _switch, _bind, _share, _delete_old):
        for wanted in release.functions:
            with about(wanted.key):
                part(calls, wanted, release, said)


def _prepare(
    calls: ScfCalls,
    wanted: WantedFunction,
    release: WantedRelease,
    values: Mapping[str, str],
    said: Callable[[str], object],
) -> None:
    done: list[str] = []

    def decide() -> Decision:
        found = read_function(calls, wanted.name)
        if done and found is not None and found.failure:
            raise ScfRefusedError(str(found.members["Status"]), found.failure)
        uploaded = "UpdateFunctionCode" in done
        decision = decide_function(
            wanted, release, found, uploaded=uploaded, digest_key=b""
        )  # no one sees it
        if wanted.bucket is not None and decision.call is not None and "Code" in decision.call.members:
            wanted.bucket.put(wanted.object_key, wanted.code, values)
        done.append(decision.call.action if decision.call else "")
        return decision

    _until_there(calls, wanted.key, decide, said)


def _publish(
    calls: ScfCalls, wanted: WantedFunction, release: WantedRelease, said: Callable[[str], object]
) -> None:
    def decide() -> Decision:
        versions = read_versions(calls, wanted.name)
        if published := version_of(release.name, versions):
            wait_for_version(calls, wanted.name, published.number)
        return decide_version(wanted.key, wanted.name, release.name, versions)

    _until_there(calls, wanted.key, decide, said)


def _switch(
    calls: ScfCalls, wanted: WantedFunction, release: WantedRelease, said: Callable[[str], object]
) -> None:
    switch(calls, wanted.key, wanted.name, release.name, said)


def switch(calls: ScfCalls, key: str, name: str, release: str, said: Callable[[str], object]) -> None:
    """Point a function's alias at its version of a release.

    Raises:
        ScfRefusedError: the API refused it.

    """

    def decide() -> Decision:
        versions, aliases = read_versions(calls, name), read_aliases(calls, name)
        return decide_alias(key, name, release, versions, aliases)

    _until_there(calls, key, decide, said)


def _bind(
    calls: ScfCalls, wanted: WantedFunction, _release: WantedRelease, said: Callable[[str], object]
) -> None:
    _until_there(calls, wanted.key, lambda: decide_triggers(wanted, read_triggers(calls, wanted.name)), said)


def _share(
    calls: ScfCalls, wanted: WantedFunction, _release: WantedRelease, said: Callable[[str], object]
) -> None:
    if wanted.megabytes is not None:
        _until_there(calls, wanted.key, lambda: decide_share(wanted, read_share(calls, wanted.name)), said)


def _delete_old(
    calls: ScfCalls, wanted: WantedFunction, _release: WantedRelease, said: Callable[[str], object]
) -> None:
    def decide() -> Decision:
        versions, aliases = read_versions(calls, wanted.name), read_aliases(calls, wanted.name)
        return decide_old_versions(wanted.key, wanted.name, versions, aliases)

    _until_there(calls, wanted.key, decide, said)


def _until_there(
    calls: ScfCalls, key: str, decide: Callable[[], Decision], said: Callable[[str], object]
) -> None:
    action = ""
    for _ in range(_MOST_STEPS):
        decision = decide()
        if decision.call is None:
            return
        action = decision.call.action
        said(f"{key}: {action}\n")
        calls.call(action, **decision.call.members)
    raise ScfRefusedError("NotSettled", f"{action} changes nothing that is read back")
