"""Hands the checked packages to a Serverless CLI that still deploys to Tencent Cloud.

`scf` does; so does `serverless` up to 2.72.4. Newer ones say so in one line, deploy nothing and end
with 0, so the version is asked before; the deployment itself is left to the CLI.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from local.package.contents import PackageError
from local.package.stage_variables import stage_variables
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIALS = ("TENCENT_SECRET_ID", "TENCENT_SECRET_KEY")
INSTALL = "install one with npm install --global serverless@2.72.4"
_LAST_WITH_TENCENT = 2
_VERSION = re.compile(r"\b(\d+)\.\d+\.\d+")


def deploying_cli(environment: Mapping[str, str] = os.environ) -> str:
    """Find the CLI on the PATH that can do it.

    Raises:
        PackageError: there is none, or only one that deploys elsewhere.

    """
    path = environment.get("PATH", "")
    if scf := shutil.which("scf", path=path):
        return scf
    serverless = shutil.which("serverless", path=path)
    if serverless is None:
        raise PackageError(f"There is no Serverless CLI here: {INSTALL}.")
    question, variables = [serverless, "--version"], _for_tencent(environment)
    said = subprocess.run(question, env=variables, capture_output=True, text=True, check=False)  # noqa: S603  # of the PATH
    version = _VERSION.search(said.stdout)
    if version is None:
        raise PackageError(f"{serverless} does not tell its version: {INSTALL}.")
    if int(version[1]) > _LAST_WITH_TENCENT:
        raise PackageError(f"serverless {version[0]} no longer deploys to Tencent Cloud: {INSTALL}.")
    return serverless


def deploy(stage: str, environment: Mapping[str, str] = os.environ) -> int:
    """Deploy what is built, and return the CLI's exit code.

    Raises:
        PackageError: as `deploying_cli`, or the CLI has no credentials.

    """
    values = stage_variables(REPOSITORY, stage, environment)
    if missing := [name for name in CREDENTIALS if not values.get(name)]:
        # The CLI would show a QR code and wait for somebody to scan it.
        raise PackageError(f"No value has {' and '.join(missing)}: the credentials of whoever deploys.")
    command = [deploying_cli(environment), "deploy", "--stage", stage]
    run = subprocess.run(command, cwd=REPOSITORY, env=_for_tencent(environment), check=False)  # noqa: S603  # as above
    return run.returncode


def _for_tencent(environment: Mapping[str, str]) -> dict[str, str]:
    """Say which of its vendors is meant: else the CLI goes by the time zone."""
    return {**environment, "SERVERLESS_PLATFORM_VENDOR": "tencent", "SLS_TRACKING_DISABLED": "1"}
