"""Deploy the checked packages with a Serverless CLI that supports Tencent Cloud.

`scf` does; so does `serverless` up to 2.72.4. Newer versions print one line about it, deploy nothing and exit
with 0, so the version is checked first.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from local.deploy.stage_variables import stage_variables
from local.package.contents import PackageError
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIALS = ("TENCENT_SECRET_ID", "TENCENT_SECRET_KEY")
INSTALL = "install one with npm install --global serverless@2.72.4"
_LAST_WITH_TENCENT = 2
_VERSION = re.compile(r"\b(\d+)\.\d+\.\d+")


def deploying_cli(environment: Mapping[str, str] = os.environ) -> str:
    """Return the path of a CLI that deploys to Tencent Cloud.

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
    """Deploy the packages and return the CLI's exit code.

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
    """Add the variable that chooses the vendor, which the CLI would guess from the time zone."""
    return {**environment, "SERVERLESS_PLATFORM_VENDOR": "tencent", "SLS_TRACKING_DISABLED": "1"}
