"""After a deployment: set the shares of concurrency, and read back what the cloud made of the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local.deploy.outcome import WITH_URL
from local.deploy.scf_calls import ScfCalls, ScfRefusedError
from local.deploy.serverless_file import functions_in, inputs_of, mapping, sent_environment
from local.deploy.value_checks import INSTANCES, instances_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.deploy.opened_stage import OpenedStage

_NO_SUCH_FUNCTION = "ResourceNotFound"
_NOT_ALLOWED = "UnauthorizedOperation"


def confirm(opened: OpenedStage, qualifier: str) -> tuple[str, list[str]]:
    """Return a table of the functions with their URLs and shares, and a sentence for each fault.

    `qualifier` is the alias that the URLs are bound to.
    """
    file, values, calls, stage = opened.file, opened.values, opened.calls, opened.name
    rows, faults = [], []
    for key, function in functions_in(file).items():
        name = opened.function_names[key]
        url, share = "", ""
        try:
            found = list(_of_variables(calls, name, sent_environment(function, values, stage)))
            if key in WITH_URL:
                url, compatible = _url_of(calls, name, qualifier)
                if not url:
                    found.append("it has no URL: deploy again")
                elif not compatible:
                    found.append(
                        "its URL does not read back apiGwCompatible: true, and a refusal may arrive as 200: "
                        "set it in the console, Function URL"
                    )
            if key in INSTANCES and (instances := instances_of(key, values)) is not None:
                share = str(instances)
                memory = {**inputs_of(file), **function}["memorySize"]
                _reserve(calls, name, instances * memory)
            faults += [f"{name}: {fault}." for fault in found]
        except ScfRefusedError as error:
            faults.append(f"{name}: {told(error, key)}")
        rows.append(f"| `{key}` | {url} | {share} |\n")
    head = "| Function | URL | Instances of its own |\n|---|---|---|\n"
    return head + "".join(rows), faults


def _of_variables(calls: ScfCalls, name: str, sent: Mapping[str, str]) -> Iterator[str]:
    listed = mapping(calls.call("GetFunction", FunctionName=name).get("Environment")).get("Variables", [])
    arrived = {entry["Key"]: entry["Value"] for entry in listed}
    if other := sorted(key for key in sent.keys() | arrived.keys() if sent.get(key) != arrived.get(key)):
        yield f"{', '.join(other)} did not arrive as in the settings: deploy again"


def _url_of(calls: ScfCalls, name: str, qualifier: str) -> tuple[str, bool]:
    """Return the public URL of a function, empty if it has none, and whether it reads results as answers."""
    listed: list[dict[str, Any]] = calls.call("ListTriggers", FunctionName=name, Limit=100)["Triggers"]
    for trigger in listed:
        if trigger["Type"] == "http" and trigger.get("Qualifier") == qualifier:
            described = json.loads(trigger["TriggerDesc"])
            url = str(mapping(described.get("NetConfig")).get("ExtranetUrl", ""))
            return url, described.get("ApiGwCompatible") is True
    return "", False


def _reserve(calls: ScfCalls, name: str, megabytes: int) -> None:
    if calls.call("GetReservedConcurrencyConfig", FunctionName=name).get("ReservedMem") != megabytes:
        calls.call("PutReservedConcurrencyConfig", FunctionName=name, ReservedConcurrencyMem=megabytes)


def told(error: ScfRefusedError, key: str) -> str:
    """Return what a refusal means for a function, and what to do."""
    if error.code.startswith(_NO_SUCH_FUNCTION):
        return "it is not there: deploy first, and look at what the engine says in the console."
    if error.code.startswith("LimitExceeded") or "Reserved" in error.code:
        return (
            f"the account has no such share left ({error.code}): lower {INSTANCES[key][0]}, or ask for more "
            "concurrency in this region; docs/deployment.md has the arithmetic."
        )
    if error.code.startswith(_NOT_ALLOWED):
        return f"the key pair of whoever deploys may not do this ({error}): give it QcloudSCFFullAccess."
    return f"the API said {error}"
