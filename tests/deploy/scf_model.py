"""The request models of SCF's API, as Tencent's own SDK declares them: members and their types.

A request arrives as JSON from the Python SDK, or as a form with dotted names from the Node library; both are
turned into the same nested members here.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from tencentcloud.scf.v20180416 import models  # type: ignore[import-untyped]  # the SDK has no types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOT_IN_THE_MODEL: Mapping[str, frozenset[str]] = {
    "CreateFunctionRequest": frozenset({"DeployMode", "DiskSize", "L5Enable"}),
    "UpdateFunctionConfigurationRequest": frozenset({"DiskSize"}),
    "GetFunctionRequest": frozenset({"ShowTriggers"}),
}
"""Members that Tencent's own library for Node sends beside those of the model."""
_COMMON = re.compile(
    r"Action|Version|Region|Timestamp|Nonce|SecretId|Token|Signature\w*|RequestClient|Language"
)
_TYPE = re.compile(r":type (\w+): (.+)")
_CLASS = re.compile(r"(list of )?(?::class:`[\w.]+\.(\w+)`|(\w+))")


def nested(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of a form: `A.B.0.C=x` is `{"A": {"B": [{"C": "x"}]}}`."""
    root: dict[str, Any] = {}
    for name, value in form.items():
        *path, last = name.split(".")
        place = root
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return {name: _lists(value) for name, value in root.items()}


def _lists(value: object) -> Any:  # noqa: ANN401  # members of any type
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(member) for key, member in value.items()}


def parameters_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request without what every action takes."""
    return {name: value for name, value in request.items() if not _COMMON.fullmatch(name)}


def is_action(action: str) -> bool:
    """Return whether the API has an action of this name."""
    return hasattr(models, f"{action}Request")


def model_faults(action: str, request: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each member that the action does not have, or that has another type."""
    return list(_of_members(f"{action}Request", request, ""))


def _of_members(model: str, given: Mapping[str, Any], place: str) -> Iterator[str]:
    types = _types(model)
    for name, value in given.items():
        if name in types:
            yield from _of_value(types[name], value, f"{place}{name}")
        elif name not in NOT_IN_THE_MODEL.get(model, ()):
            yield f"UnknownParameter: {place}{name} is no member of {model}"


def _of_value(declared: str, value: object, place: str) -> Iterator[str]:
    match = _CLASS.fullmatch(declared)
    assert match is not None, declared
    is_list, model, plain = match.groups()
    if is_list:
        if not isinstance(value, list):
            yield f"InvalidParameter: {place} is no list"
            return
        for number, entry in enumerate(value):
            yield from _of_value(declared.removeprefix("list of "), entry, f"{place}.{number}")
    elif model is not None or hasattr(models, str(plain)):
        if isinstance(value, dict):
            yield from _of_members(str(model or plain), value, f"{place}.")
        else:
            yield f"InvalidParameter: {place} is no structure"
    elif not _fits(str(plain), value):
        yield f"InvalidParameter: {place} is no {plain}"


def _fits(plain: str, value: object) -> bool:
    if plain == "int":
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, str) and re.fullmatch(r"-?\d+", value) is not None
        )
    if plain == "bool":
        return isinstance(value, bool) or value in ("true", "false")
    return isinstance(value, str)


@cache
def _types(model: str) -> dict[str, str]:
    return dict(_TYPE.findall(inspect.getdoc(getattr(models, model).__init__) or ""))
