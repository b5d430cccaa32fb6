"""What the cloud has of one function: read anew before each decision."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.deploy.by_api.mark import read_mark
from local.deploy.scf_calls import ScfRefusedError
from local.deploy.serverless_file import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.deploy.scf_calls import ScfCalls

LATEST = "$LATEST"
_NOT_THERE = "ResourceNotFound"
_PAGE = 100
_STATUS_POLLS = 120
_FAILED = "Failed"
"""The end of the states that a function stays in (API GetFunction, Status)."""


@dataclass(frozen=True)
class Found:
    """A function as GetFunction shows its `$LATEST`; `stored` is SCF's digest of its code."""

    members: Mapping[str, Any]
    stored: str

    @property
    def failure(self) -> str:
        """What SCF says of a creation or an update that failed; empty if none did."""
        if not str(self.members.get("Status")).endswith(_FAILED):
            return ""
        told = [str(it.get("ErrorMessage")) for it in self.members.get("StatusReasons") or []]
        reason = "; ".join(told) or self.members.get("StatusDesc") or "no reason is given"
        return f"{self.members['Status']}: {reason}"


@dataclass(frozen=True)
class Version:
    """A published version; `release` is empty if another way of deploying published it."""

    number: str
    release: str
    published: str


@dataclass(frozen=True)
class Alias:
    """An alias; `whole` is False if a part of its calls goes to another version."""

    name: str
    version: str
    whole: bool


@dataclass(frozen=True)
class Trigger:
    """A URL or a timer as ListTriggers shows it."""

    kind: str
    name: str
    qualifier: str
    described: Mapping[str, Any]
    argument: str
    enabled: bool

    @property
    def url(self) -> str:
        """The public address, empty for a timer."""
        return str(mapping(self.described.get("NetConfig")).get("ExtranetUrl", ""))


def read_function(calls: ScfCalls, name: str) -> Found | None:
    """Return a function when it can be changed, None if there is none.

    Raises:
        ScfRefusedError: the API refused, or the function stays busy for two minutes.

    """
    if (members := _ready(calls, name)) is None:
        return None
    stored = calls.call("GetFunctionAddress", FunctionName=name).get("CodeSha256")
    return Found(members, str(stored or ""))


def wait_for_version(calls: ScfCalls, name: str, version: str) -> None:
    """Wait until a version can be called.

    Raises:
        ScfRefusedError: as `read_function`, or it failed.

    """
    found = _ready(calls, name, Qualifier=version)
    if found is not None and (failure := Found(found, "").failure):
        raise ScfRefusedError(found["Status"], failure)


def read_versions(calls: ScfCalls, name: str) -> list[Version]:
    """Return the published versions, the newest first."""
    listed = _pages(calls, "ListVersionByFunction", "Versions", name)
    found = [
        Version(it["Version"], read_mark(it.get("Description")).release, str(it.get("AddTime") or ""))
        for it in listed
        if it["Version"] != LATEST and not str(it.get("Status")).endswith(_FAILED)
    ]
    return sorted(found, key=lambda version: int(version.number), reverse=True)


def read_aliases(calls: ScfCalls, name: str) -> list[Alias]:
    """Return the aliases of a function."""
    found = calls.call("ListAliases", FunctionName=name, Limit=str(_PAGE)).get("Aliases") or []
    return [Alias(it["Name"], it["FunctionVersion"], not _shared(it)) for it in found]


def read_triggers(calls: ScfCalls, name: str) -> list[Trigger]:
    """Return the URLs and timers of a function, whatever they are bound to."""
    return [
        Trigger(
            it["Type"],
            it["TriggerName"],
            str(it.get("Qualifier") or LATEST),
            mapping(json.loads(it["TriggerDesc"])),
            str(it.get("CustomArgument") or ""),
            it.get("Enable") == 1,
        )
        for it in _pages(calls, "ListTriggers", "Triggers", name)
        if it["Type"] in ("http", "timer")
    ]


def read_share(calls: ScfCalls, name: str) -> int | None:
    """Return a function's share of the concurrency in MB, None if it has none."""
    kept = calls.call("GetReservedConcurrencyConfig", FunctionName=name).get("ReservedMem")
    return None if kept is None else int(kept)


def _ready(calls: ScfCalls, name: str, **qualifier: str) -> Mapping[str, Any] | None:
    for _ in range(_STATUS_POLLS):
        try:
            found = calls.call("GetFunction", FunctionName=name, **qualifier)
        except ScfRefusedError as error:
            if error.code.startswith(_NOT_THERE):
                return None
            raise
        if found["Status"] == "Active" or found["Status"].endswith(_FAILED):
            return found
        calls.pause(1)
    raise ScfRefusedError(str(found["Status"]), f"the function is still so after {_STATUS_POLLS} s")


def _pages(calls: ScfCalls, action: str, member: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = calls.call(action, FunctionName=name, Offset=len(found), Limit=_PAGE)
        found += page[member]
        if not page[member] or len(found) >= int(page["TotalCount"]):
            return found


def _shared(alias: Mapping[str, Any]) -> bool:
    return bool(mapping(alias.get("RoutingConfig")).get("AdditionalVersionWeights"))
