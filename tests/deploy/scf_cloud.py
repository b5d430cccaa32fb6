"""SCF's API as far as a deployment calls it: functions, triggers and shares of concurrency.

A request is refused as the model of Tencent's SDK (`scf_model`), the documents (`scf_rules`) and the state
demand. An action that a deployment needs anew is one more method.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.deploy.scf_model import is_action, model_faults
from tests.deploy.scf_rules import refusals
from tests.deploy.scf_versions import DEFAULT, LATEST, RefusedError, ScfVersions

MAX_FUNCTIONS = 50
MAX_TRIGGERS_OF_A_TYPE = 10
"""Doc 583/11637, a namespace and a function."""
SHARED_MEGABYTES = 12_800
"""What exclusive shares must leave to all functions together (API PutReservedConcurrencyConfig)."""
NUMBERS = {LATEST, *map(str, range(100))}
"""Qualifiers that are versions."""
REGION_MEGABYTES = 64_000
"""Of Singapore (doc 583/11637)."""


@dataclass
class ScfCloud(ScfVersions):
    """The state of one account in one region."""

    triggers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    reserved: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    """`ACTION FUNCTION: CODE: sentence` of everything that was refused."""
    rate_limited: int = 0
    """How many of the next calls are refused because there were too many."""
    lenient: bool = False
    """True: what the model or the documents forbid counts as refused, and is done all the same."""
    compatible_urls: bool = True
    """False: the API takes ApiGwCompatible, and does not set it."""

    def answer(self, action: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one action: its members, or an Error."""
        if self.rate_limited:
            self.rate_limited -= 1
            return _error("RequestLimitExceeded: 20 a second")
        own = getattr(self, f"_{action}", None)
        if own is None or not is_action(action):
            return _error(f"InvalidAction: {action} is not imitated here")
        found = model_faults(action, asked) or refusals(action, asked)
        is_done = self.lenient or not found
        try:
            if is_done:
                self.refuse_while_busy(action, str(asked.get("FunctionName")))
            answered: dict[str, Any] = own(asked) if is_done else _error("; ".join(found))
            if is_done:
                self.change(action, str(asked.get("FunctionName")))
        except RefusedError as error:
            found, answered = [str(error)], _error(str(error))
        if not answered.get("Error", {}).get("Code", "").startswith("ResourceNotFound"):
            self.refused += [f"{action} {asked.get('FunctionName')}: {fault}" for fault in found]
        return answered

    def _CreateFunction(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        name = asked["FunctionName"]
        if name in self.functions:
            raise RefusedError(f"ResourceInUse.FunctionName: there is {name}")
        if len(self.functions) >= MAX_FUNCTIONS:
            raise RefusedError(f"LimitExceeded.Function: {MAX_FUNCTIONS} in a namespace")
        self.functions[name] = dict(asked)
        return {}

    def _UpdateFunctionCode(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        self._function(asked).update(asked)
        return {}

    def _UpdateFunctionConfiguration(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        kept = self._function(asked)
        if asked.get("Runtime", kept["Runtime"]) != kept["Runtime"]:
            raise RefusedError("InvalidParameterValue.Runtime: it cannot be changed")
        kept.update(asked)
        return {}

    def _DeleteFunction(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        self._function(asked)
        kept: tuple[dict[str, Any], ...] = (self.functions, self.triggers, self.reserved)
        for of_functions in (*kept, self.versions, self.aliases, self.published):
            of_functions.pop(asked["FunctionName"], None)
        return {}

    def _ListTriggers(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        self._function(asked)
        wanted = {it["Name"]: it["Values"][0] for it in asked.get("Filters", [])}
        kept = self.triggers.get(asked["FunctionName"], [])
        found = [trigger for trigger in kept if wanted.items() <= trigger.items()]
        # Limit and Offset are not needed for so few.
        return {"Triggers": found, "TotalCount": len(found)}

    def _CreateTrigger(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        self._function(asked)
        kept = self.triggers.setdefault(asked["FunctionName"], [])
        alike = [trigger for trigger in kept if trigger["Type"] == asked["Type"]]
        if len(alike) >= MAX_TRIGGERS_OF_A_TYPE:
            raise RefusedError(f"LimitExceeded.Trigger: {MAX_TRIGGERS_OF_A_TYPE} of a type")
        if asked["Qualifier"] not in {alias["Name"] for alias in self._aliases(asked)} | NUMBERS:
            raise RefusedError(f"ResourceNotFound.Alias: there is no {asked['Qualifier']}")
        # A URL belongs to one alias or version, a timer to its name (doc 583/100227).
        key = "Qualifier" if asked["Type"] == "http" else "TriggerName"
        if any(trigger.get(key) == asked.get(key) for trigger in alike):
            raise RefusedError(f"ResourceInUse.Trigger: there is a trigger for {asked.get(key)}")
        kept.append(self._described(asked))
        return {"TriggerInfo": kept[-1]}

    def _UpdateTrigger(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        for trigger in self.triggers.get(asked["FunctionName"], []):
            if (trigger["Type"], trigger["TriggerName"]) == (asked["Type"], asked["TriggerName"]):
                trigger.update(self._described({**trigger, **asked}))
                return {}
        raise RefusedError(f"ResourceNotFound.Trigger: there is no {asked['TriggerName']}")

    def _DeleteTrigger(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        members = ("Type", "TriggerName", "Qualifier")
        kept = self.triggers.get(asked["FunctionName"], [])
        gone = [trigger for trigger in kept if all(trigger[name] == asked[name] for name in members)]
        if not gone:
            raise RefusedError(f"ResourceNotFound.Trigger: there is no {asked['TriggerName']}")
        kept.remove(gone[0])
        return {}

    def _described(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return a trigger as ListTriggers shows it."""
        enabled = int(asked.get("Enable", "OPEN") in ("OPEN", 1))
        kept = {"CustomArgument": "", **asked, "Enable": enabled, "AvailableStatus": "Available"}
        if asked["Type"] == "timer":
            kept["TriggerDesc"] = json.dumps({"cron": asked["TriggerDesc"]}, separators=(",", ":"))
        else:
            described = json.loads(asked["TriggerDesc"])
            described["ApiGwCompatible"] = self.compatible_urls and described.get("ApiGwCompatible", False)
            alias = "" if asked["Qualifier"] == DEFAULT else asked["Qualifier"]
            host = (asked["FunctionName"] + alias).replace("_", "-")
            described["NetConfig"]["ExtranetUrl"] = f"https://1250000000-{host}.ap-singapore.tencentscf.com"
            kept["TriggerDesc"] = json.dumps(described)
        return kept

    def _PutReservedConcurrencyConfig(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        self._function(asked)
        name, wanted = asked["FunctionName"], int(asked["ReservedConcurrencyMem"])
        others = sum(share for other, share in self.reserved.items() if other != name)
        if others + wanted > REGION_MEGABYTES - SHARED_MEGABYTES:
            raise RefusedError(
                f"LimitExceeded.FunctionReservedConcurrencyMemory: {others + wanted} MB of "
                f"{REGION_MEGABYTES - SHARED_MEGABYTES}"
            )
        self.reserved[name] = wanted
        return {}

    def _GetReservedConcurrencyConfig(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        self._function(asked)
        return {"ReservedMem": self.reserved.get(asked["FunctionName"])}


def _error(refusal: str) -> dict[str, Any]:
    code, _, sentence = refusal.partition(": ")
    return {"Error": {"Code": code, "Message": sentence}}
