"""What `serverless.yml` must look like, as far as it can be told without the cloud (scf-platform 3.6).

The file arrives parsed; whether the platform really takes it is left to the first deployment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

HANDLER = re.compile(r"([A-Za-z](?:[A-Za-z0-9_-]{0,58}[A-Za-z]))\.([A-Za-z](?:[A-Za-z0-9_-]{0,58}[A-Za-z]))")
"""`file.function`, both beginning and ending in a letter, 2 to 60 characters (API CreateFunction)."""
MAX_NAME_LENGTH = 60
MAX_STAGE_LENGTH = 20
MAX_ENVIRONMENT_BYTES = 4096
CRON_FIELDS = 7
_RESERVED = ("SCF_", "QCLOUD_", "TENCENTCLOUD_")
_VARIABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
_FROM_ENVIRONMENT = re.compile(r"\$\{env:([^}]*)\}")
_TRIGGERS = ("http", "timer")


def faults(file: Mapping[str, Any], *, root_modules: Collection[str]) -> list[str]:
    """List what is wrong; `root_modules` are the function files at the root of the package, without `.py`."""
    inputs = file["inputs"]
    functions = inputs["functions"]
    found = [] if file.get("component") == "multi-scf" else ["component: must be multi-scf"]
    if {"environment", "environments"} & inputs.keys():
        found.append("inputs: variables in common are replaced by a function's own, so each lists its own")
    for key, function in functions.items():
        longest = "-".join((file["name"], "x" * MAX_STAGE_LENGTH, file["app"], key))
        found += [f"{key}: {fault}" for fault in _of_function(function, root_modules)]
        if len(longest) > MAX_NAME_LENGTH:
            found.append(f"{key}: its full name can exceed {MAX_NAME_LENGTH} characters")
    for trigger in inputs["triggers"]:
        found += [f"trigger of {trigger['function']}: {fault}" for fault in _of_trigger(trigger, functions)]
    return found


def variables_read(text: str) -> set[str]:
    """Collect the names in `${env:NAME}`; the CLI deploys one without a value all the same."""
    return set(_FROM_ENVIRONMENT.findall(text))


def environment_bytes(function: Mapping[str, Any], values: Mapping[str, str]) -> int:
    """Count what a function's variables take, names and values, out of 4 KB."""
    return sum(
        len(entry["key"]) + len(_FROM_ENVIRONMENT.sub(lambda name: values[name[1]], entry["value"]).encode())
        for entry in function["environments"]
    )


def _of_function(function: Mapping[str, Any], root_modules: Collection[str]) -> Iterator[str]:
    handler = HANDLER.fullmatch(function["handler"])
    if handler is None:
        yield f"the platform takes no handler {function['handler']!r}"
    elif handler[1] not in root_modules:
        yield f"there is no file {handler[1]}.py"
    if "src" in function:
        yield "a src of its own would leave shared/ out of the package"
    if "environment" in function:
        yield "environment.variables is dropped without a word; use environments"
    names = [entry["key"] for entry in function["environments"]]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} is set twice"
    for entry in function["environments"]:
        name = entry["key"]
        if not _VARIABLE_NAME.fullmatch(name) or name.startswith(_RESERVED):
            yield f"the platform takes no variable {name}"
        if not isinstance(entry.get("value"), str):
            yield f"{name} is no text"


def _of_trigger(trigger: Mapping[str, Any], functions: Collection[str]) -> Iterator[str]:
    parameters = trigger.get("parameters", {})
    if trigger["function"] not in functions:
        yield "there is no such function"
    if trigger["type"] not in _TRIGGERS:
        yield f"type {trigger['type']} fails after the functions have been deployed"
    if parameters.get("qualifier") != "$DEFAULT":
        yield "without qualifier: $DEFAULT the second deployment creates it again"
    if trigger["type"] == "http":
        yield from _of_function_url(parameters)
    if trigger["type"] == "timer":
        yield from _of_timer(parameters)


def _of_function_url(parameters: Mapping[str, Any]) -> Iterator[str]:
    if parameters.get("authType") != "NONE":
        yield "authType must be NONE: callers have no credentials of Tencent Cloud"
    if parameters.get("netConfig", {}).get("enableExtranet") is not True:
        yield "without netConfig.enableExtranet the URL is reachable from nowhere"
    if "corsConfig" in parameters:
        yield "CORS is answered by the code; corsConfig would answer a second time"


def _of_timer(parameters: Mapping[str, Any]) -> Iterator[str]:
    if len(str(parameters.get("cronExpression", "")).split()) != CRON_FIELDS:
        yield f"cronExpression needs {CRON_FIELDS} fields"
    if parameters.get("enable") is not True:
        yield "without enable: true it never fires"
