"""Checks of a parsed `serverless.yml`, as far as they are possible without the cloud.

`local.package.checks` checks the values of its variables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.package.runtime import SCF_NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

HANDLER = re.compile(r"([A-Za-z](?:[A-Za-z0-9_-]{0,58}[A-Za-z]))\.([A-Za-z](?:[A-Za-z0-9_-]{0,58}[A-Za-z]))")
"""`file.function`, each with 2 to 60 characters, first and last a letter (API CreateFunction)."""
SOURCE = "./build/functions"
MAX_NAME_LENGTH = 60
MAX_STAGE_LENGTH = 20
MAX_ENVIRONMENT_BYTES = 4096
CRON_FIELDS = 7
_TIMEOUTS = range(1, 901)
_MEMORY_SIZES = (64, *range(128, 3073, 128))
_RESERVED = ("SCF_", "QCLOUD_", "TENCENTCLOUD_")
_VARIABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
_FROM_ENVIRONMENT = re.compile(r"\$\{env:([^}]*)\}")
_CRON_FIELD = re.compile(r"[0-9A-Z*?,/LW#-]+")
_TRIGGERS = ("http", "timer")


def faults(file: object, *, root_modules: Mapping[str, Collection[str]]) -> list[str]:
    """Return the faults of the file, without full stops.

    `root_modules` are the function files at the root of each package, without `.py`, by the package's folder
    as the file names it.
    """
    inputs = _mapping(_mapping(file).get("inputs"))
    functions = functions_in(file)
    return [
        *_of_file(_mapping(file), inputs),
        *(
            f"{key}: {fault}"
            for key, function in functions.items()
            for fault in (*_of_name(_mapping(file), key), *_of_function({**inputs, **function}, root_modules))
        ),
        *(
            f"trigger of {trigger.get('function')}: {fault}"
            for trigger in map(_mapping, _list(inputs.get("triggers")))
            for fault in _of_trigger(trigger, functions)
        ),
    ]


def functions_in(file: object) -> dict[str, Mapping[str, Any]]:
    """Return the functions in the file, by their keys."""
    functions = _mapping(_mapping(_mapping(file).get("inputs")).get("functions"))
    return {key: _mapping(function) for key, function in functions.items()}


def environment_of(function: Mapping[str, Any]) -> dict[str, str]:
    """Return a function's variables, as far as their values are texts."""
    entries = map(_mapping, _list(function.get("environments")))
    return {entry["key"]: entry["value"] for entry in entries if isinstance(entry.get("value"), str)}


def variables_read(text: str) -> set[str]:
    """Return the names in `${env:NAME}`; the CLI deploys a function even if one has no value."""
    return set(_FROM_ENVIRONMENT.findall(text))


def environment_bytes(environment: Mapping[str, str]) -> int:
    """Return the size of a function's variables, names and values, in bytes; SCF allows 4 KB."""
    return sum(len(name) + len(value.encode()) for name, value in environment.items())


def _of_file(file: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterator[str]:
    if file.get("component") != "multi-scf":
        yield "component: must be multi-scf"
    if not functions_in(file):
        yield "inputs: there are no functions"
    if "role" in inputs:
        yield "inputs: a role in common gives every function the rights of all"
    if {"environment", "environments"} & inputs.keys():
        yield "inputs: variables in common are replaced by a function's own, so each lists its own"
    if inputs.get("runtime") != SCF_NAME:
        yield f"inputs: runtime must be {SCF_NAME}, the one that the packages are made for"
    source = _mapping(inputs.get("src"))
    if source.get("src") != SOURCE:
        yield f"inputs: src must be {SOURCE}, which is what make package builds"
    if not {".env", "**/.env*"} <= set(_list(source.get("exclude"))):
        yield "inputs: src.exclude must name .env and **/.env*, because the CLI uploads them"
    if any("pyc" in str(pattern) for pattern in _list(source.get("exclude"))):
        yield "inputs: src.exclude drops the bytecode, and SCF writes none"


def _of_name(file: Mapping[str, Any], key: str) -> Iterator[str]:
    longest = "-".join((str(file.get("name")), "x" * MAX_STAGE_LENGTH, str(file.get("app")), key))
    if len(longest) > MAX_NAME_LENGTH:
        yield f"its full name can exceed {MAX_NAME_LENGTH} characters"


def _of_function(function: Mapping[str, Any], root_modules: Mapping[str, Collection[str]]) -> Iterator[str]:
    text = str(function.get("handler"))
    handler, source = HANDLER.fullmatch(text), function.get("src")
    if handler is None:
        yield f"the platform takes no handler {text!r}"
    if not isinstance(source, str):
        yield "without a src of its own it would get the packages of all functions"
    elif source not in root_modules:
        yield f"there is no package {source}"
    elif handler is not None and handler[1] not in root_modules[source]:
        yield f"there is no file {handler[1]}.py in {source}"
    for name in ("timeout", "initTimeout"):
        if function.get(name) not in _TIMEOUTS:
            yield f"{name} must be 1 to 900 seconds"
    if function.get("memorySize") not in _MEMORY_SIZES:
        yield "memorySize must be 64, or 128 to 3072 in steps of 128"
    if "environment" in function:
        yield "environment.variables is dropped without a word; use environments"
    yield from _of_environment(list(map(_mapping, _list(function.get("environments")))))


def _of_environment(entries: list[Mapping[str, Any]]) -> Iterator[str]:
    names = [str(entry.get("key")) for entry in entries]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} is set twice"
    for name, entry in zip(names, entries, strict=True):
        if not _VARIABLE_NAME.fullmatch(name) or name.startswith(_RESERVED):
            yield f"the platform takes no variable {name}"
        if not isinstance(entry.get("value"), str):
            yield f"{name} is no text"


def _of_trigger(trigger: Mapping[str, Any], functions: Collection[str]) -> Iterator[str]:
    parameters = _mapping(trigger.get("parameters"))
    if trigger.get("function") not in functions:
        yield "there is no such function"
    if trigger.get("type") not in _TRIGGERS:
        yield f"type {trigger.get('type')} fails after the functions have been deployed"
    if parameters.get("qualifier") != "$DEFAULT":
        yield "without qualifier: $DEFAULT the second deployment creates it again"
    if trigger.get("type") == "http":
        yield from _of_function_url(parameters)
    if trigger.get("type") == "timer":
        yield from _of_timer(parameters)


def _of_function_url(parameters: Mapping[str, Any]) -> Iterator[str]:
    if parameters.get("authType") != "NONE":
        yield "authType must be NONE: callers have no credentials of Tencent Cloud"
    if _mapping(parameters.get("netConfig")).get("enableExtranet") is not True:
        yield "without netConfig.enableExtranet the URL is reachable from nowhere"
    if "corsConfig" in parameters:
        yield "CORS is answered by the code; corsConfig would answer a second time"


def _of_timer(parameters: Mapping[str, Any]) -> Iterator[str]:
    fields = str(parameters.get("cronExpression", "")).split()
    if len(fields) != CRON_FIELDS:
        yield f"cronExpression needs {CRON_FIELDS} fields"
    elif not all(map(_CRON_FIELD.fullmatch, fields)):
        yield "cronExpression has a field that is none"
    if not isinstance(parameters.get("argument"), str):
        yield "without an argument each deployment makes it anew"
    if parameters.get("enable") is not True:
        yield "without enable: true it never fires"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
