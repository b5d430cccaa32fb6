"""What SCF's documents demand of a request beyond its model: lengths, characters, sizes and ranges.

Each rule names its source; a refusal is the code of the API's own list with a sentence.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RUNTIMES = ("Python3.10", "Python3.9", "Python3.7", "Python3.6", "Python2.7", "CustomRuntime")
"""API CreateFunction, as far as functions in Python use them."""
MAX_ENVIRONMENT_BYTES = 4096
"""Names and values together (doc 583/11637)."""
MIN_VALUE_BYTES = 2
"""The console's text for a key and a value (doc 583/32748); the API forbids an empty one (Variable)."""
RESERVED_PREFIXES = ("SCF_", "QCLOUD_", "TENCENTCLOUD_")
"""Doc 583/32748."""
CRON_FIELDS = 7
"""Doc 583/9708."""
_PART = r"[A-Za-z][A-Za-z0-9_-]{0,58}[A-Za-z]"
_HANDLER = re.compile(rf"{_PART}\.{_PART}")
_FUNCTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,58}[A-Za-z0-9]")
_VARIABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,63}")
_TIMER_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_CRON_FIELD = re.compile(r"[0-9A-Z*?,/LW#-]+")
_DESCRIPTION = re.compile(r"[A-Za-z0-9\u4e00-\u9fff ,.\n]*")
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_URL_MEMBERS: Mapping[str, tuple[type, ...]] = {
    "AuthType": (str,),
    "NetConfig": (dict,),
    "CorsConfig": (dict,),
    "ApiGwCompatible": (bool,),
    "EnableSimpleMode": (bool,),
}


def refusals(action: str, asked: Mapping[str, Any]) -> list[str]:
    """Return `CODE: sentence` for each documented rule that a request breaks."""
    rules: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
        "CreateFunction": _of_function,
        "UpdateFunctionConfiguration": _of_function,
        "UpdateFunctionCode": _of_code,
        "CreateTrigger": _of_trigger,
        "UpdateTrigger": _of_trigger,
        "CreateAlias": _of_alias,
        "UpdateAlias": _of_alias,
    }
    return list(rules[action](asked)) if action in rules else []


def _of_function(asked: Mapping[str, Any]) -> Iterator[str]:
    if not _FUNCTION_NAME.fullmatch(asked.get("FunctionName", "")):
        yield "InvalidParameterValue.FunctionName: 2 to 60 characters, first a letter, last no - or _"
    if not 1 <= int(asked.get("Timeout", 3)) <= 900:
        yield "InvalidParameterValue.Timeout: Timeout is out of range"
    memory = int(asked.get("MemorySize", 128))
    if memory != 64 and (memory % 128 or not 128 <= memory <= 3072):
        yield "InvalidParameterValue.MemorySize: MemorySize is out of range"
    if "Runtime" in asked and asked["Runtime"] not in RUNTIMES:
        yield "InvalidParameterValue.Runtime: Runtime is unknown"
    if len(asked.get("Description", "")) > 1000:
        yield "InvalidParameterValue.Description: it is longer than 1000 characters"
    if not _DESCRIPTION.fullmatch(asked.get("Description", "")):
        yield "InvalidParameterValue.Description: letters, digits, blanks, commas and full stops"
    if "Code" in asked:
        yield from _of_code(asked)
    yield from _of_environment(asked.get("Environment", {}).get("Variables", []))


def _of_code(asked: Mapping[str, Any]) -> Iterator[str]:
    if "Handler" in asked and not _HANDLER.fullmatch(asked["Handler"]):
        yield "InvalidParameterValue.Handler: Handler is not file.function"
    code = asked.get("Code", {})
    if {"CosBucketName", "CosObjectName"} <= code.keys() and not code["CosObjectName"].startswith("/"):
        yield "InvalidParameterValue.CosObjectName: it does not begin with a slash"
    sources = [name for name in ("CosObjectName", "ZipFile", "DemoId", "ImageConfig") if code.get(name)]
    if len(sources) > 1:
        yield f"InvalidParameterValue.Code: more than one source, {' and '.join(sources)}"
    if len(code.get("ZipFile", "")) * 3 // 4 > 50 << 20:
        yield "InvalidParameterValue.InlineZipFile: it is larger than 50 MB"


def _of_environment(variables: list[Mapping[str, str]]) -> Iterator[str]:
    for variable in variables:
        name, value = variable.get("Key", ""), variable.get("Value", "")
        if not _VARIABLE_NAME.fullmatch(name):
            yield f"InvalidParameterValue.Environment: the key {name!r} is none"
        if name.startswith(RESERVED_PREFIXES):
            yield f"InvalidParameterValue.EnvironmentSystemProtect: Environment has a reserved name, {name}"
        if not value:
            yield f"InvalidParameterValue.Environment: the value of {name} is empty"
        elif len(value.encode()) < MIN_VALUE_BYTES:
            yield f"InvalidParameterValue.Environment: the value of {name} has less than 2 bytes"
    size = sum(len(text.encode()) for variable in variables for text in variable.values())
    if size > MAX_ENVIRONMENT_BYTES:
        yield f"InvalidParameterValue.EnvironmentExceededLimit: Environment is too large, {size} bytes"


def _of_trigger(asked: Mapping[str, Any]) -> Iterator[str]:
    kind, text = asked.get("Type"), asked.get("TriggerDesc", "")
    if kind not in ("http", "timer"):
        yield f"UnsupportedOperation.Trigger: none of type {kind} can be created"
    if asked.get("Enable", "OPEN") not in ("OPEN", "CLOSE"):
        yield "InvalidParameterValue.Enable: it is OPEN or CLOSE"
    if kind == "timer":
        if not _TIMER_NAME.fullmatch(asked.get("TriggerName", "")):
            yield "InvalidParameterValue.TriggerName: 1 to 100 letters, digits, - and _"
        fields = text.split()
        if len(fields) != CRON_FIELDS or not all(map(_CRON_FIELD.fullmatch, fields)):
            yield "InvalidParameterValue.TriggerDesc: TriggerDesc is no cron of 7 fields"
    if kind == "http":
        yield from _of_url(text)
        if asked.get("CustomArgument"):
            yield "InvalidParameterValue.CustomArgument: for timers alone"


def _of_url(text: str) -> Iterator[str]:
    """583/100227, and the two members of the Terraform provider's document of `tencentcloud_scf_trigger`."""
    try:
        described = json.loads(text)
    except ValueError:
        described = None
    if not isinstance(described, dict):
        yield "InvalidParameterValue.TriggerDesc: it is no JSON object"
        return
    for name, value in described.items():
        if not isinstance(value, _URL_MEMBERS.get(name, ())):
            yield f"InvalidParameterValue.TriggerDesc: {name} is unknown, or of another type"
    if described.get("AuthType") not in ("NONE", "CAM"):
        yield "InvalidParameterValue.TriggerDesc: AuthType is NONE or CAM"


def _of_alias(asked: Mapping[str, Any]) -> Iterator[str]:
    if asked.get("Name") != "$DEFAULT" and not _ALIAS.fullmatch(asked.get("Name", "")):
        yield "InvalidParameterValue.Alias: 1 to 64 letters, digits, - and _, first a letter"
