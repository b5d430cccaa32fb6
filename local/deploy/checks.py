"""Checks before a deployment: every fault at once, one sentence each, and no value of a setting.

They compare `serverless.yml`, the settings of one stage and the packages with each other and with the code.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from local.deploy.claim_rules import impossible_rules
from local.deploy.deployment_warnings import about_callers, about_the_store
from local.deploy.file_schema import schema_faults
from local.deploy.fit_checks import fit_faults
from local.deploy.mobile_policies import about_mobile_uploads, policies_in
from local.deploy.outcome import outcome_faults
from local.deploy.sent_checks import sent_faults
from local.deploy.serverless_file import functions_in, variables_read
from local.deploy.settings_file_warnings import about_the_file, about_the_shell
from local.deploy.stage_variables import stage_file, stage_variables, text_of
from local.deploy.value_checks import value_faults
from local.deploy.yaml_file import UnreadableFileError, read_yaml
from local.package.build import BUILD
from local.package.function_settings import SETTINGS
from local.package.package_checks import package_faults, packaged
from local.repository import REPOSITORY
from shared.config.separate_keys import shared_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.package.package_checks import Packaged


def check(
    stage: str,
    *,
    repository: Path = REPOSITORY,
    build: Path = BUILD,
    environment: Mapping[str, str] = os.environ,
) -> list[str]:
    """Return the faults of a deployment of `stage`."""
    found = stage_faults(stage, packaged(build), repository=repository, environment=environment)
    return [*found, *package_faults(build)]


def stage_faults(
    stage: str, built: Packaged, *, repository: Path = REPOSITORY, environment: Mapping[str, str] = os.environ
) -> list[str]:
    """Return the faults of `serverless.yml` and of the settings of `stage`."""
    try:
        text, file = read_yaml(repository / "serverless.yml")
    except UnreadableFileError as error:
        return [str(error)]
    # Make exports its own STAGE, and the file's is the one that commands read.
    exported = {name: value for name, value in environment.items() if name != "STAGE"}
    values = stage_variables(repository, stage, exported)
    of_the_file = [*schema_faults(file), *outcome_faults(file, built), *fit_faults(file, values)]
    found = [f"serverless.yml: {fault}{'' if fault.endswith('?') else '.'}" for fault in of_the_file]
    if stage_file(repository, stage) is None and not variables_read(text) <= values.keys():
        found.append(f"There is neither .env.{stage} nor .env: copy .env.example and fill it in.")
    found += [*value_faults(text, values, stage), *impossible_rules(values)]
    # No function has all the keys, and so none sees all of this.
    found += [
        f"{name}: has a key that {other} has too: make a new one for either."
        for name, other in shared_keys(values)
    ]
    for name, function in functions_in(file).items():
        if name in SETTINGS:
            found += sent_faults(name, function, values, stage)
    # Several functions share a setting, and its fault.
    return [*dict.fromkeys(found)]


def cautions(
    stage: str, *, repository: Path = REPOSITORY, environment: Mapping[str, str] = os.environ
) -> list[str]:
    """Return warnings: what does not prevent a deployment and should be intended."""
    values = stage_variables(repository, stage, environment)
    file = stage_file(repository, stage)
    found = [*about_callers(values), *about_the_store(values)]
    found += [caution for _policy, caution in about_mobile_uploads(policies_in(values))]
    if file is not None:
        text = text_of(file)
        found += [*about_the_file(file.name, text), *about_the_shell(file.name, text, environment)]
    return [f"{caution.detail}. {caution.advice}" for caution in found]
