"""Checks before a deployment: every fault at once, one sentence each, and no value of a setting.

They compare `serverless.yml`, the settings of one stage and the packages with each other.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from local.package.build import BUILD, files_of, own_files, package_at
from local.package.contents import LIBRARIES, OWN_SUFFIXES, folder_of
from local.package.deployment_warnings import about_callers, about_the_store
from local.package.mobile_policies import about_mobile_uploads, policies_in
from local.package.serverless_file import (
    MAX_ENVIRONMENT_BYTES,
    environment_bytes,
    environment_of,
    faults,
    functions_in,
    variables_read,
)
from local.package.stage_variables import stage_file, stage_variables
from local.repository import REPOSITORY
from shared.config import settings
from shared.config.separate_keys import shared_keys
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SETTINGS: Mapping[str, type[settings.SettingsGroup]] = {
    "upload_signature": settings.UploadSignatureSettings,
    "upload_status": settings.UploadStatusSettings,
    "event_notification": settings.EventNotificationSettings,
    "reliable_notification": settings.ReliableNotificationSettings,
    "event_delivery": settings.EventDeliverySettings,
}
ROLE_VARIABLES = ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")
"""Variables that the platform sets for a function with an execution role."""
CLOUD_VARIABLES = {"TENCENTCLOUD_RUNENV": "SCF"}
"""The variable by which a function recognizes that it runs in the cloud."""
_OWN_STAGE = "${stage}"
_ANNOUNCEMENT = "These settings are missing or invalid. "


def check(
    stage: str,
    *,
    repository: Path = REPOSITORY,
    build: Path = BUILD,
    environment: Mapping[str, str] = os.environ,
) -> list[str]:
    """Return the faults of a deployment of `stage`."""
    try:
        text = (repository / "serverless.yml").read_text(encoding="utf-8")
        file = yaml.safe_load(text)
    except (OSError, yaml.YAMLError) as error:
        place = getattr(error, "problem_mark", None)
        return [f"serverless.yml cannot be read{f', line {place.line + 1}' if place else ''}: mend it first."]
    values = stage_variables(repository, stage, environment)
    found = [f"serverless.yml: {fault}." for fault in faults(file, root_modules=packaged_modules(build))]
    if stage_file(repository, stage) is None and not variables_read(text) <= values.keys():
        found.append(f"There is neither .env.{stage} nor .env: copy .env.example and fill it in.")
    found += _of_variables(text, values)
    # No function has all the keys, and so none sees all of this.
    found += [f"{name}: has a key that {other} has too." for name, other in shared_keys(values)]
    for name, function in functions_in(file).items():
        if name in SETTINGS:
            found += _of_settings(name, function, values, stage)
    # Several functions share a setting, and its fault.
    return [*dict.fromkeys(found), *package_faults(build)]


def cautions(
    stage: str, *, repository: Path = REPOSITORY, environment: Mapping[str, str] = os.environ
) -> list[str]:
    """Return warnings: what does not prevent a deployment and should be intended."""
    values = stage_variables(repository, stage, environment)
    return [
        f"{caution.detail}. {caution.advice}"
        for caution in (
            *about_callers(values),
            *about_the_store(values),
            *(caution for _policy, caution in about_mobile_uploads(policies_in(values))),
        )
    ]


def packaged_modules(build: Path = BUILD) -> dict[str, frozenset[str]]:
    """Return the modules at the root of each package, by its folder as `serverless.yml` names it."""
    folders = (build / "functions").glob("*/") if build.is_dir() else ()
    return {f"./{folder.name}": frozenset(path.stem for path in folder.glob("*.py")) for folder in folders}


def package_faults(build: Path = BUILD) -> list[str]:
    """Return the faults of the packages: missing, stale, or with a file that must not be deployed."""
    return list(_of_packages(build))


def _of_packages(build: Path) -> Iterator[str]:
    ours = own_files()
    for function in LIBRARIES:
        folder = package_at(build, function).folder
        if not folder.is_dir():
            yield f"{function} has no package: run make package."
            continue
        wanted = files_of(function, ours)
        found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        sources = {name: path.read_bytes() for name, path in found.items() if name.endswith(OWN_SUFFIXES)}
        if sources != wanted:
            yield f"{function}: its package is older than the code: run make package."
        secret = sorted(name for name in found if name.rpartition("/")[2].startswith(".env"))
        if secret:
            yield f"{function}: {secret[0]} is in its package, and would be uploaded: run make package."
        # The deploying component takes a folder's name for that folder wherever it stands in a path.
        others = [folder_of(other) for other in LIBRARIES if other != function]
        if caught := sorted(name for name in (*found, folder.name) for other in others if other in name):
            yield f"{function}: {caught[0]} in its package would go to another function as well."


def _of_variables(text: str, values: Mapping[str, str]) -> Iterator[str]:
    if missing := sorted(variables_read(text) - values.keys()):
        yield f"No value, not even an empty one, has: {', '.join(missing)}."
    for name in sorted(variables_read(text) & values.keys()):
        value = values[name]
        if name.startswith("DEPLOY_") and not value:
            yield f"{name} is empty, and without it nothing can be deployed."
        elif name.startswith("DEPLOY_") and value == "undefined":
            yield f"{name} had no value when it was set: its text is 'undefined'."
        elif "${" in value:
            yield f"{name} holds a dollar sign before a brace, which the CLI would take for a variable."


def _of_settings(
    name: str, function: Mapping[str, Any], values: Mapping[str, str], stage: str
) -> Iterator[str]:
    """Load the settings as the function will at its first invocation, and yield the faults."""
    entries = environment_of(function)
    environment = {}
    for variable, value in entries.items():
        source = variables_read(value)
        environment[variable] = (
            stage if value == _OWN_STAGE else values.get("".join(source), "") if source else value
        )
    size = environment_bytes(environment)
    if size >= MAX_ENVIRONMENT_BYTES:
        yield f"{name}: its variables take {size} bytes, and the platform allows {MAX_ENVIRONMENT_BYTES}."
    role = dict.fromkeys(ROLE_VARIABLES, "set by the platform")
    try:
        settings.load_settings(SETTINGS[name], {**environment, **role, **CLOUD_VARIABLES})
    except ConfigurationError as error:
        for fault in error.detail.removeprefix(_ANNOUNCEMENT).removesuffix(".").split("; "):
            variable = fault.partition(":")[0].partition(".")[0]
            # One that is not set at all has been named by now.
            if variables_read(entries.get(variable, "")) <= values.keys():
                yield f"{fault}."
