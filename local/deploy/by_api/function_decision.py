"""Decide what to do about a function itself: create it, its code, its configuration."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from local.deploy.by_api.change import Call, Change, Decision
from local.deploy.by_api.mark import mark_of, read_mark
from local.deploy.serverless_file import entries, mapping
from shared.config.settings import JOINED, separated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.deploy.by_api.cloud_state import Found
    from local.deploy.by_api.wanted import WantedFunction, WantedRelease

NOTHING = "(none)"
_FIXED = ("Runtime", "Type")
"""What no update changes (API UpdateFunctionConfiguration)."""
_OF_THE_CODE = "Handler"
_PLAIN = ("MemorySize", "Timeout", "InitTimeout", "Role", "ClsLogsetId", "ClsTopicId")
_SHOWN_DIGITS = 8


def decide_function(
    wanted: WantedFunction, release: WantedRelease, found: Found | None, *, uploaded: bool, digest_key: bytes
) -> Decision:
    """Return what is different, and the first call.

    Values of settings are shown as digests by `digest_key`, which whoever reads the plan does not know.
    `uploaded`: the code was sent in this run, and the mark is not written yet.
    """
    if found is None:
        return Decision((_whole(wanted, "create", "", "it is not there"),), _create(wanted, release))
    if why := _unchangeable(wanted, found):
        delete = Call("DeleteFunction", {"FunctionName": wanted.name})
        return Decision((_whole(wanted, "recreate", why[0], why[1]),), delete)
    code = [] if uploaded else list(_of_code(wanted, found))
    configuration = list(_of_configuration(wanted, found, digest_key))
    mark = mark_of(release.name, wanted.code_digest, found.stored)
    call = None
    if code:
        call = Call(
            "UpdateFunctionCode",
            {
                "FunctionName": wanted.name,
                _OF_THE_CODE: wanted.configuration[_OF_THE_CODE],
                "Code": wanted.code_members,
            },
        )
    elif configuration or read_mark(found.members.get("Description")) != mark:
        changeable = {
            name: value
            for name, value in wanted.configuration.items()
            if name not in _FIXED and name != _OF_THE_CODE
        }
        named = {"FunctionName": wanted.name, "Description": str(mark)}
        call = Call("UpdateFunctionConfiguration", {**named, **changeable})
    return Decision((*code, *configuration), call)


def _whole(wanted: WantedFunction, action: str, before: str, why: str) -> Change:
    return Change(wanted.key, "function", action, before or NOTHING, wanted.name, why)


def _create(wanted: WantedFunction, release: WantedRelease) -> Call:
    mark = mark_of(release.name, wanted.code_digest, "")
    named = {"FunctionName": wanted.name, "Description": str(mark), "Code": wanted.code_members}
    empty = {name for name, value in wanted.configuration.items() if value in ("", [])}
    given = {name: value for name, value in wanted.configuration.items() if name not in empty}
    return Call("CreateFunction", {**named, **given})


def _unchangeable(wanted: WantedFunction, found: Found) -> tuple[str, str] | None:
    if found.failure.startswith("Create"):
        return found.failure, "it was never created completely"
    for name in _FIXED:
        is_other = str(found.members.get(name, wanted.configuration[name])) != wanted.configuration[name]
        if is_other:
            return f"{name} {found.members[name]}", f"the API changes no {name}: {wanted.configuration[name]}"
    return None


def _of_code(wanted: WantedFunction, found: Found) -> Iterator[Change]:
    mark = read_mark(found.members.get("Description"))
    own = mark_of("", wanted.code_digest, found.stored)
    before, after = mark.code[:_SHOWN_DIGITS] or "unknown", own.code[:_SHOWN_DIGITS]
    why = ""
    if found.failure:
        why = found.failure
    elif mark.code != own.code:
        why = "the package is another" if mark.code else "another way of deploying uploaded it"
    elif mark.stored not in ("", own.stored):
        before, why = f"{after}, changed", "it was changed by somebody else since"
    if why:
        yield Change(wanted.key, "code", "update", before, after, why)
    handler = found.members.get(_OF_THE_CODE)
    if handler != wanted.configuration[_OF_THE_CODE]:
        yield _updated(wanted.key, _OF_THE_CODE, handler, wanted.configuration[_OF_THE_CODE])


def _of_configuration(wanted: WantedFunction, found: Found, digest_key: bytes) -> Iterator[Change]:
    has, wants = found.members, wanted.configuration
    pairs = [(name, has.get(name), wants[name]) for name in _PLAIN]
    for whole, parts in (("VpcConfig", ("VpcId", "SubnetId")), ("PublicNetConfig", ("PublicNetStatus",))):
        pairs += [(part, mapping(has.get(whole)).get(part), wants[whole][part]) for part in parts]
    pairs.append(("Layers", _layers(has.get("Layers")), _layers(wants["Layers"])))
    for name, before, after in pairs:
        if str(before or "") != str(after):
            yield _updated(wanted.key, name, before, after)
    before_all, after_all = (_settings(it.get("Environment")) for it in (has, wants))
    for name in sorted(before_all.keys() | after_all.keys()):
        if before_all.get(name) != after_all.get(name):
            old, new = (_digest(it.get(name), digest_key) for it in (before_all, after_all))
            yield Change(wanted.key, name, "update", old, new, "the setting is another")


def _updated(key: str, subject: str, before: object, after: object) -> Change:
    return Change(key, subject, "update", str(before or NOTHING), str(after or NOTHING), "serverless.yml")


def _layers(listed: object) -> str:
    return ", ".join(f"{it['LayerName']} {it['LayerVersion']}" for it in entries(listed))


def _settings(environment: object) -> dict[str, str]:
    """Return the settings that are not empty; those that stand in one variable are taken apart."""
    listed = entries(mapping(environment).get("Variables"))
    variables = {str(it["Key"]): str(it["Value"]) for it in listed}
    return {**separated(variables.pop(JOINED, "")), **variables}


def _digest(value: str | None, key: bytes) -> str:
    if value is None:
        return NOTHING
    return "#" + hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:_SHOWN_DIGITS]
