"""Checks of the variables that one function would be sent, by SCF's rules and by the code that reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.deploy.serverless_file import (
    MAX_ENVIRONMENT_BYTES,
    MIN_VALUE_BYTES,
    environment_bytes,
    filled,
    sent_environment,
    settings_of,
    variables_read,
)
from local.package.function_settings import CLOUD_VARIABLES, ROLE_VARIABLES, SETTINGS
from shared.config.settings import JOINED, load_settings, separated
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ANNOUNCEMENT = "These settings are missing or invalid. "
_CHANGED_BY_THE_CLI = re.compile(r"\$[$&`']")
"""What JavaScript's `replace` takes for something else in the text that it puts in."""


def sent_faults(name: str, function: Mapping[str, Any], values: Mapping[str, str], stage: str) -> list[str]:
    """Return the faults of a function's variables."""
    sent = sent_environment(function, values, stage)
    named = list(_of_settings(name, function, values, sent))
    return [*_of_sizes(name, sent, named), *_of_joined(function, values, sent), *named]


def _of_sizes(name: str, sent: Mapping[str, str], named: list[str]) -> Iterator[str]:
    size = environment_bytes(sent)
    if size > MAX_ENVIRONMENT_BYTES:
        largest = max(sent, key=lambda variable: len(sent[variable]))
        yield (
            f"{name}: its variables take {size} bytes, and the platform allows {MAX_ENVIRONMENT_BYTES}: "
            f"{largest} is the longest; a long JSON can be a file of settings/, with file:NAME as the value."
        )
    for variable, value in sent.items():
        is_named = any(fault.startswith(variable) for fault in named)
        if len(value.encode()) < MIN_VALUE_BYTES and not is_named:
            yield (
                f"{variable} would be sent with {len(value.encode())} bytes, and the platform takes no value "
                f"under {MIN_VALUE_BYTES}: let it stand in {JOINED}, or give it a longer one."
            )


def _of_joined(
    function: Mapping[str, Any], values: Mapping[str, str], sent: Mapping[str, str]
) -> Iterator[str]:
    """Yield each setting that would not arrive as it is, since several share one variable."""
    arrived = separated(sent.get(JOINED, ""))
    for variable, text in settings_of(function).items():
        value = filled(text, values).strip()
        if variable in sent or not variables_read(text) <= values.keys():
            continue
        if _CHANGED_BY_THE_CLI.search(value):
            yield (
                f"{variable} holds a dollar sign before $, &, ` or ', which the CLI changes: "
                "choose a value without."
            )
        elif arrived.get(variable, "") != value:
            yield (
                f"{variable} holds a blank before capitals and an equals sign, which would begin another "
                "setting: choose a value without."
            )


def _of_settings(
    name: str, function: Mapping[str, Any], values: Mapping[str, str], sent: Mapping[str, str]
) -> Iterator[str]:
    """Load the settings as the function will at its first invocation, and yield the faults."""
    listed = settings_of(function)
    role = dict.fromkeys(ROLE_VARIABLES, "set by the platform")
    try:
        load_settings(SETTINGS[name], {**sent, **role, **CLOUD_VARIABLES})
    except ConfigurationError as error:
        for fault in error.detail.removeprefix(_ANNOUNCEMENT).removesuffix(".").split("; "):
            variable = fault.partition(":")[0].partition(".")[0]
            # One that is not set at all, or not in the file, has been named by now.
            if variable in listed and variables_read(listed[variable]) <= values.keys():
                yield f"{fault}."
