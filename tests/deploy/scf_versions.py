"""The part of the imitated SCF API that is about versions, aliases and functions that are busy.

A deployment by the CLI sends none of these calls but GetFunction and GetAlias.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

LATEST, DEFAULT = "$LATEST", "$DEFAULT"
CHANGING = ("UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion")
NEED_REST = (*CHANGING, "GetFunctionAddress", "CreateAlias", "UpdateAlias", "CreateTrigger", "UpdateTrigger")
"""FailedOperation.FunctionStatusError is in the API's list of errors of each."""


class RefusedError(Exception):
    """The API refuses a request; the message is `CODE: sentence`."""


@dataclass
class ScfVersions:
    """Published versions and aliases of each function, and how long each is busy after a change."""

    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    aliases: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    """How many versions a function has had; a number is not used again."""
    settling: int = 0
    """How many times GetFunction says after a change that the function is busy."""
    busy: dict[str, int] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    """Function -> the state that its next change ends in, such as UpdateFailed."""

    def change(self, action: str, name: str) -> None:
        """Note that a function is busy with a change from now on."""
        if action in (*CHANGING, "CreateFunction"):
            self.busy[name] = self.settling
            state = self.failing.pop(name, "Active")
            self.functions[name]["Status"] = state
            self.functions[name]["StatusReasons"] = [] if state == "Active" else [{"ErrorMessage": "no room"}]

    def refuse_while_busy(self, action: str, name: str) -> None:
        """Raise what the API says to a change of a function that is busy."""
        if action in NEED_REST and self.busy.get(name):
            raise RefusedError(f"FailedOperation.FunctionStatusError: {name} is not at rest")

    def _GetFunction(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # the action's name
        kept = self._version(asked)
        status = kept.get("Status", "Active")
        if left := self.busy.get(asked["FunctionName"]):
            self.busy[asked["FunctionName"]] = left - 1
            status = "Updating"
        shown = {name: value for name, value in kept.items() if name not in ("Code", "ZipFile")}
        return {**shown, "Status": status, "Tags": [], "Triggers": []}

    def _GetFunctionAddress(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        """Return another digest than that of the zip: which one SCF takes is not documented."""
        code = json.dumps(self._version(asked)["Code"], sort_keys=True)
        return {"Url": "https://code", "CodeSha256": hashlib.sha256(code.encode()).hexdigest()}

    def _PublishVersion(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        name = asked["FunctionName"]
        self.published[name] = self.published.get(name, 0) + 1
        number = str(self.published[name])
        made = {**self._function(asked), "Version": number, "Description": asked.get("Description", "")}
        self.versions.setdefault(name, []).append(made)
        return {"FunctionVersion": number}

    def _ListVersionByFunction(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        latest = {**self._function(asked), "Version": LATEST}
        listed = [latest, *self.versions.get(asked["FunctionName"], [])]
        others = {"AddTime": "2026-11-26 08:00:00", "Status": "Active"}
        shown = [
            {"Version": it["Version"], "Description": it.get("Description", ""), **others} for it in listed
        ]
        return {"Versions": _page(shown, asked), "TotalCount": len(shown)}

    def _DeleteFunctionVersion(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        gone = self._version(asked)
        if any(alias["FunctionVersion"] == gone["Version"] for alias in self._aliases(asked)):
            raise RefusedError(f"ResourceInUse.Alias: version {gone['Version']} has one")
        self.versions[asked["FunctionName"]].remove(gone)
        return {}

    def _GetAlias(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        found = [alias for alias in self._aliases(asked) if alias["Name"] == asked["Name"]]
        if not found:
            raise RefusedError(f"ResourceNotFound.Alias: there is no {asked['Name']}")
        return found[0]

    def _ListAliases(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        found = self._aliases(asked)
        return {"Aliases": found, "TotalCount": len(found)}

    def _CreateAlias(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        if asked["Name"] in self.aliases.get(asked["FunctionName"], {}):
            raise RefusedError(f"ResourceInUse.Alias: there is {asked['Name']}")
        return self._point(asked)

    def _UpdateAlias(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        self._GetAlias(asked)
        return self._point(asked)

    def _point(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._version({**asked, "Qualifier": asked["FunctionVersion"]})
        routing = asked.get("RoutingConfig", {"AdditionalVersionWeights": []})
        kept = {
            "Name": asked["Name"],
            "FunctionVersion": asked["FunctionVersion"],
            "RoutingConfig": routing,
        }
        self.aliases.setdefault(asked["FunctionName"], {})[asked["Name"]] = kept
        return {}

    def _aliases(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        own = self.aliases.get(asked["FunctionName"], {})
        routing: dict[str, Any] = {"AdditionalVersionWeights": []}
        default = {"Name": DEFAULT, "FunctionVersion": LATEST, "RoutingConfig": routing}
        return [own.get(DEFAULT, default), *(alias for name, alias in own.items() if name != DEFAULT)]

    def _version(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the function as a version has it."""
        number, function = asked.get("Qualifier", LATEST), self._function(asked)
        listed = [{**function, "Version": LATEST}, *self.versions.get(asked["FunctionName"], [])]
        found = [it for it in listed if it["Version"] == number]
        if not found:
            raise RefusedError(f"ResourceNotFound.Version: there is no {number}")
        return found[0]

    def _function(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["FunctionName"]
        if name not in self.functions:
            raise RefusedError(f"ResourceNotFound.FunctionName: there is no {name}")
        return self.functions[name]


def _page(listed: list[dict[str, Any]], asked: dict[str, Any]) -> list[dict[str, Any]]:
    first = int(asked.get("Offset", 0))
    return listed[first : first + int(asked.get("Limit", 20))]
