"""A parsed `serverless.yml`: its functions, and the variables that each of them would be sent.

The CLI replaces `${env:NAME}` alone; `${stage}` is left for the engine behind it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shared.config.settings import JOINED

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ENVIRONMENT_BYTES = 4096
"""Names and values of a function's variables together (doc 583/11637)."""
MIN_VALUE_BYTES = 2
"""The console's text; the API forbids an empty value alone (doc 583/32748, API Variable)."""
OWN_STAGE = "${stage}"
UNDEFINED = "undefined"
"""What the CLI writes into a longer text for a name without a value."""
_FROM_ENVIRONMENT = re.compile(r"\$\{env:([^}]*)\}")
JOINED_SETTING = re.compile(r"(?:^|\s)([A-Z][A-Z0-9_]*)=")
"""Where a setting begins in the joined variable."""


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def inputs_of(file: object) -> Mapping[str, Any]:
    """Return what the component is given."""
    return mapping(mapping(file).get("inputs"))


def deployed_name(file: object, stage: str, key: str) -> str:
    """Return a function's full name, as the component `multi-scf` makes it of the file."""
    return f"{mapping(file).get('name')}-{stage}-{mapping(file).get('app')}-{key}"


def functions_in(file: object) -> dict[str, Mapping[str, Any]]:
    """Return the functions in the file, by their keys."""
    functions = mapping(inputs_of(file).get("functions"))
    return {key: mapping(function) for key, function in functions.items()}


def triggers_in(file: object) -> list[Mapping[str, Any]]:
    """Return the triggers in the file."""
    return [mapping(trigger) for trigger in entries(inputs_of(file).get("triggers"))]


def environment_of(function: Mapping[str, Any]) -> dict[str, str]:
    """Return a function's variables as they stand in the file, as far as their values are texts."""
    listed = map(mapping, entries(function.get("environments")))
    return {str(entry.get("key")): entry["value"] for entry in listed if isinstance(entry.get("value"), str)}


def settings_of(function: Mapping[str, Any]) -> dict[str, str]:
    """Return a function's settings as they stand in the file: its variables, the joined one taken apart."""
    listed = environment_of(function)
    _, *parts = JOINED_SETTING.split(listed.pop(JOINED, ""))
    return {**{name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}, **listed}


def variables_read(text: str) -> set[str]:
    """Return the names in `${env:NAME}`; the CLI deploys a function even if one has no value."""
    return set(_FROM_ENVIRONMENT.findall(text))


def sent_environment(function: Mapping[str, Any], values: Mapping[str, str], stage: str) -> dict[str, str]:
    """Return the variables that a function would be sent; without those that the CLI drops."""
    sent = {}
    for name, text in environment_of(function).items():
        only = _FROM_ENVIRONMENT.fullmatch(text)
        if only is None or only[1] in values:
            sent[name] = filled(text, values).replace(OWN_STAGE, stage)
    return sent


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text of the file with the values that it names."""
    return _FROM_ENVIRONMENT.sub(lambda match: values.get(match[1], UNDEFINED), text)


def environment_bytes(environment: Mapping[str, str]) -> int:
    """Return the size of a function's variables, names and values, in bytes."""
    return sum(len(name.encode()) + len(value.encode()) for name, value in environment.items())
