"""What a deployment would trip over, or do wrongly without a word: every fault at once, one sentence each.

`serverless.yml`, the settings of one stage and the packages are held together here; no value is
shown. What only the cloud can tell is left to the first deployment.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from local.package.build import BUILD, own_files, package_at, files_of
from local.package.contents import LIBRARIES, folder_of
from local.package.stage_variables import stage_file, stage_variables
from local.repository import REPOSITORY
from local.serverless_file import MAX_ENVIRONMENT_BYTES, environment_bytes, faults, variables_read
from shared import settings
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
"""What the platform itself sets where there is an execution role."""
_OWN_STAGE = "${stage}"


def check(
    stage: str,
    *,
    repository: Path = REPOSITORY,
    build: Path = BUILD,
    environment: Mapping[str, str] = os.environ,
) -> list[str]:
    """List the faults of a deployment of `stage`."""
    try:
        text = (repository / "serverless.yml").read_text(encoding="utf-8")
        file = yaml.safe_load(text)
    except (OSError, yaml.YAMLError) as error:
        place = getattr(error, "problem_mark", None)
        return [f"serverless.yml cannot be read{f', line {place.line + 1}' if place else ''}: mend it first."]
    values = stage_variables(repository, stage, environment)
    found = [f"serverless.yml: {fault}." for fault in faults(file, root_modules=packaged_modules(build))]
    found += _of_variables(text, values)
    if stage_file(repository, stage) is None and found:
        found.append(f"There is neither .env.{stage} nor .env here: copy .env.example and fill it in.")
    functions = (file.get("inputs") or {}).get("functions") if isinstance(file, dict) else None
    for name, function in (functions or {}).items():
        if isinstance(function, dict) and name in SETTINGS:
            found += [f"{name}: {fault}" for fault in _of_settings(name, function, values, stage)]
    return [*dict.fromkeys(found), *package_faults(build)]


def packaged_modules(build: Path = BUILD) -> dict[str, frozenset[str]]:
    """List what lies at the root of each package, by its folder as `serverless.yml` names it."""
    folders = (build / "functions").glob("*/") if build.is_dir() else ()
    return {f"./{folder.name}": frozenset(path.stem for path in folder.glob("*.py")) for folder in folders}


def package_faults(build: Path = BUILD) -> list[str]:
    """Say what is wrong with the packages: missing, stale, or with a file that must not leave this machine."""
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
        sources = {name: path.read_bytes() for name, path in found.items() if name.endswith(".py")}
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
    for name in sorted(variables_read(text)):
        value = values.get(name)
        if value is None:
            yield f"{name} is not set: give it a value, or an empty one for the default."
        elif name.startswith("DEPLOY_") and not value:
            yield f"{name} is empty, and without it nothing can be deployed."
        elif name.startswith("DEPLOY_") and value == "undefined":
            yield f"{name} had no value when it was set: its text is 'undefined'."
        elif "${" in value:
            yield f"{name} holds a dollar sign before a brace, which the CLI would take for a variable."


def _of_settings(
    name: str, function: Mapping[str, Any], values: Mapping[str, str], stage: str
) -> Iterator[str]:
    entries = [entry for entry in function.get("environments") or [] if isinstance(entry.get("value"), str)]
    environment = {}
    for entry in entries:
        source = entry["value"].removeprefix("${env:").removesuffix("}")
        environment[entry["key"]] = stage if entry["value"] == _OWN_STAGE else values.get(source, "")
    size = environment_bytes({"environments": entries}, {**dict.fromkeys(variables_read(str(entries)), ""), **values})
    if size >= MAX_ENVIRONMENT_BYTES:
        yield f"its variables take {size} bytes of the {MAX_ENVIRONMENT_BYTES} that the platform allows."
    role = {variable: "set by the platform" for variable in ROLE_VARIABLES}
    try:
        settings.load_settings(SETTINGS[name], {**environment, **role})
    except ConfigurationError as error:
        yield str(error)
