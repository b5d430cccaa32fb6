"""Read a deployment's variables: from a file such as .env, this process, or a local stack."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.deploy.stage_variables import lines_of, text_of, unquoted
from local.doctor.deployment import Deployment
from local.doctor.settings_checks import FUNCTIONS
from local.environment_file import CALLBACK_PREFIX, read_environment
from local.package.contents import PackageError
from shared.config.settings import variables_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROLE = ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")
_TELLING = frozenset().union(*map(variables_of, FUNCTIONS.values()))
_GENERAL = frozenset({"STAGE", "TENCENTCLOUD_RUNENV", "SCF_FUNCTIONNAME", *ROLE})
_VARIABLE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


class SourceError(Exception):
    """No deployment can be read; the message says what to do."""


def from_file(file: Path, environment: Mapping[str, str]) -> Deployment:
    """Read a file of NAME=value lines; the role's credentials come from `environment`.

    Raises:
        SourceError: the file cannot be read.

    """
    try:
        lines = lines_of(text_of(file))
    except PackageError as error:
        raise SourceError(str(error)) from None
    variables = {name: environment[name] for name in ROLE if environment.get(name)}
    # Those of this process are no mistake in the file, so they must not look like one.
    own = frozenset(variables)
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        parts = _VARIABLE.fullmatch(line)
        if parts is None:
            raise SourceError(f"{file}, line {number}: NAME=value is expected.")
        variables[parts[1]] = unquoted(parts[2].strip())
        own -= {parts[1]}
    return Deployment(variables, "file", ambient=own)


def from_environment(environment: Mapping[str, str]) -> Deployment | None:
    """Use this process's own variables; return None if none of them is a setting."""
    if not any(environment.get(name) for name in _TELLING - _GENERAL):
        return None
    return Deployment(dict(environment), "environment")


def from_stack(folder: Path) -> Deployment:
    """Use the variables and the callback URL of the local stack that runs in `folder`.

    Raises:
        SourceError: no stack runs there.

    """
    environment = read_environment(folder)
    if environment is None:
        raise SourceError(
            f"Name a deployment with --env-file, or start the local stack: none runs in {folder}."
        )
    url = environment.get("VOD_API_URL", "")
    callback_url = f"{url}{CALLBACK_PREFIX}" if url else None
    return Deployment(
        environment,
        "local stack",
        callback_url=callback_url,
        signature_url=url or None,
        status_url=url or None,
    )
