"""What a deployment is to come to: five functions, each with its own package, settings and way in.

`local.deploy.file_schema` checks the form of `serverless.yml`; this compares its content with the code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.deploy.nearest import nearest
from local.deploy.serverless_file import (
    JOINED_SETTING,
    OWN_STAGE,
    entries,
    environment_of,
    functions_in,
    inputs_of,
    mapping,
    settings_of,
    triggers_in,
)
from local.package.contents import LIBRARIES, folder_of
from local.package.function_settings import SIGNING_PAIR, calls_the_vod_api, deployed_settings
from local.package.runtime import SCF_NAME
from shared.config.settings import JOINED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from local.package.package_checks import Packaged

WITH_URL = frozenset({"upload_signature", "upload_status", "event_notification"})
WITH_TIMER = frozenset(LIBRARIES) - WITH_URL
TIMER_PERIOD_SECONDS = 60
CRON_FIELDS = 7
MAX_NAME_LENGTH = 60
MAX_STAGE_LENGTH = 20
_NEVER_UPLOADED = frozenset({".env", "**/.env*"})
_EACH_MINUTE = re.compile(r"[0-5]?\d( \*){6}")
_HANDLER = re.compile(r"(\w+)\.\w+")
_DEPLOYERS = re.compile(r"TENCENT_SECRET_(ID|KEY)|TENCENT_TOKEN")


def outcome_faults(file: object, built: Packaged) -> list[str]:
    """Return a sentence, without its full stop, for each thing that would not come out as it has to."""
    functions = functions_in(file)
    found = [*_of_inputs(inputs_of(file), built.files), *_of_function_names(mapping(file), functions)]
    for name, function in functions.items():
        if name in LIBRARIES:
            code, settings = _of_code(name, function, built.modules), _of_settings(name, function)
            found += [f"{name}: {fault}" for fault in (*code, *settings, *_of_role(name, function))]
    return [*found, *_of_triggers(triggers_in(file), functions)]


def _of_inputs(inputs: Mapping[str, Any], packaged: Collection[str]) -> Iterator[str]:
    if isinstance(inputs.get("runtime"), str) and inputs["runtime"] != SCF_NAME:
        yield f"inputs.runtime must be {SCF_NAME}, the one that the packages are made for"
    excluded = {str(pattern) for pattern in entries(mapping(inputs.get("src")).get("exclude"))}
    for pattern in sorted(excluded - _NEVER_UPLOADED):
        if taken := [name for name in packaged if _glob(pattern).fullmatch(name)]:
            yield (
                f"inputs.src.exclude: {pattern} would take {len(taken)} files out of the packages, such as "
                f"{taken[0]}: remove it"
            )


def _glob(pattern: str) -> re.Pattern[str]:
    """Return what a pattern of fast-glob matches; alternatives and negations match nothing here."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.removeprefix("./"))
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meanings.get(part, re.escape(part)) for part in parts))


def _of_function_names(file: Mapping[str, Any], functions: Collection[str]) -> Iterator[str]:
    longest = "-".join((str(file.get("name")), "x" * MAX_STAGE_LENGTH, str(file.get("app")), ""))
    name = max(functions, key=len, default="")
    if len(longest + name) > MAX_NAME_LENGTH:
        yield (
            f"name and app: NAME-STAGE-APP-{name} would exceed {MAX_NAME_LENGTH} characters with a stage of "
            f"{MAX_STAGE_LENGTH}: shorten them"
        )
    for name in sorted(LIBRARIES.keys() - set(functions)):
        yield f"inputs.functions: {name} is missing: take it from the repository"
    for name in sorted(set(functions) - LIBRARIES.keys()):
        advice = nearest(name, LIBRARIES) or "remove it"
        yield f"inputs.functions: {name} is no function of this repository: {advice}"


def _of_code(
    name: str, function: Mapping[str, Any], root_modules: Mapping[str, Collection[str]]
) -> Iterator[str]:
    source, handler = function.get("src"), _HANDLER.fullmatch(str(function.get("handler")))
    if not isinstance(source, str) or handler is None:
        return  # which the schema names
    own = f"its own are ./{folder_of(name)} and {name}.main_handler"
    if source not in root_modules:
        yield f"there is no package {source}: make package builds them, and {own}"
    elif handler[1] not in root_modules[source]:
        yield f"there is no file {handler[1]}.py in {source}: {own}"
    elif (source, handler[0]) != (f"./{folder_of(name)}", f"{name}.main_handler"):
        yield f"it has the code of another function: {own}"


def _of_settings(name: str, function: Mapping[str, Any]) -> Iterator[str]:
    listed, wanted = settings_of(function), deployed_settings(name)
    keys = [str(mapping(entry).get("key")) for entry in entries(function.get("environments"))]
    keys += JOINED_SETTING.findall(environment_of(function).get(JOINED, ""))
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"{key} is set twice: remove one"
    for key in sorted(wanted - listed.keys()):
        yield f"it gets no {key}, which it reads: add it to its environments or to {JOINED}"
    for key in sorted(listed.keys() - wanted):
        yield f"{key} {_unwanted(key, wanted)}"
    for key, value in sorted(listed.items()):
        own = OWN_STAGE if key == "STAGE" else f"${{env:{key}}}"
        if key in wanted and value != own:
            yield f"{key} must be '{own}': {_other_value(value, own)}"
    joined = environment_of(function).get(JOINED)
    if joined is not None and re.sub(r"\S*=\S*|\s", "", joined):
        yield f"{JOINED} must be NAME=${{env:NAME}} with blanks between, and nothing else"


def _unwanted(key: str, wanted: Collection[str]) -> str:
    if key in SIGNING_PAIR:
        return "signs uploads, and upload_signature alone may know it: remove it"
    if _DEPLOYERS.fullmatch(key):
        return "belongs to whoever deploys, and no function may know it: remove it"
    return f"is a setting that it does not read: {nearest(key, sorted(wanted)) or 'remove it'}"


def _other_value(value: str, own: str) -> str:
    if own == OWN_STAGE:
        return "one stage everywhere, the one that is deployed"
    if value.startswith("${env."):
        return "the CLI resolves no variable with a dot"
    if "${" in value:
        return "the value of another setting would arrive under this name"
    return "a value in this file is in the repository, and the same for every stage"


def _of_role(name: str, function: Mapping[str, Any]) -> Iterator[str]:
    role, own = function.get("role"), f"${{env:DEPLOY_ROLE_{name.upper()}}}"
    if calls_the_vod_api(name) and role != own:
        yield f"role must be {own}, whose rights are in docs/security.md"
    elif role is not None and not calls_the_vod_api(name):
        yield "role must go: it calls no API, and who breaks into it would have the role's rights"


def _of_triggers(triggers: Collection[Mapping[str, Any]], functions: Collection[str]) -> Iterator[str]:
    for kind, wanted in (("http", WITH_URL), ("timer", WITH_TIMER)):
        called = [str(trigger.get("function")) for trigger in triggers if trigger.get("type") == kind]
        for name in sorted(wanted - set(called)):
            yield f"inputs.triggers: {name} has no {kind} trigger, and nothing would call it: add one"
        for name in sorted({name for name in called if called.count(name) > 1}):
            yield f"inputs.triggers: {name} has {called.count(name)} {kind} triggers: leave one"
        for name in sorted(set(called) - wanted):
            advice = nearest(name, functions) if name not in functions else "remove it"
            reason = "has no use for one" if name in functions else "there is no such function"
            yield f"trigger of {name}: a {kind} trigger: {reason}: {advice or 'remove it'}"
    for trigger in triggers:
        cron = str(mapping(trigger.get("parameters")).get("cronExpression"))
        if (
            trigger.get("type") == "timer"
            and len(cron.split()) == CRON_FIELDS
            and not _EACH_MINUTE.fullmatch(cron)
        ):
            yield (
                f"trigger of {trigger.get('function')}: cronExpression must fire each minute, such as "
                "'0 * * * * * *': events would wait, and alarms count on it"
            )
