"""Deploy the checked packages with a Serverless CLI that supports Tencent Cloud.

`scf` does; so does `serverless` up to 2.72.4. Newer versions print one line about it, deploy nothing and exit
with 0, so the version is checked first. A CLI whose hosts accept a connection and never answer would wait for
ever, so each run has a time-out.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

from local.deploy.stage_variables import stage_variables
from local.package.contents import PackageError
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIALS = ("TENCENT_SECRET_ID", "TENCENT_SECRET_KEY")
INSTALL = (
    "install one with npm install --global serverless@2.72.4, the version that was tried (3.40.0 deploys "
    "nothing, and no scf was to be had); or deploy without a CLI: make deploy STAGE=… VIA=api"
)
DEPLOY_SECONDS = 900
"""A deployment takes two minutes; the CLI itself waits for its engine without an end."""
_VERSION_SECONDS = 60
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
    try:
        said = subprocess.run(  # noqa: S603  # of the PATH
            question, env=variables, capture_output=True, text=True, check=False, timeout=_VERSION_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise PackageError(f"{serverless} --version does not end: {INSTALL}.") from None
    version = _VERSION.search(said.stdout)
    if version is None:
        raise PackageError(f"{serverless} does not tell its version: {INSTALL}.")
    if int(version[1]) > _LAST_WITH_TENCENT:
        raise PackageError(f"serverless {version[0]} no longer deploys to Tencent Cloud: {INSTALL}.")
    return serverless


def deploy(
    stage: str, environment: Mapping[str, str] = os.environ, *, seconds: float = DEPLOY_SECONDS
) -> int:
    """Deploy the packages and return the CLI's exit code.

    Raises:
        PackageError: as `deploying_cli`, the CLI has no credentials, or it did not end in time.

    """
    values = stage_variables(REPOSITORY, stage, environment)
    if missing := [name for name in CREDENTIALS if not values.get(name)]:
        # The CLI would show a QR code and wait for somebody to scan it.
        raise PackageError(f"No value has {' and '.join(missing)}: the credentials of whoever deploys.")
    command = [deploying_cli(environment), "deploy", "--stage", stage]
    # A group of its own, so that whatever a wrapper has started ends with it.
    with subprocess.Popen(  # noqa: S603  # as above
        command, cwd=REPOSITORY, env=_for_tencent(environment), start_new_session=True
    ) as run:
        try:
            return run.wait(seconds)
        except BaseException as error:  # an interruption by the keyboard as well
            os.killpg(run.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise PackageError(
                f"The Serverless CLI did not end in {seconds:.0f} s and was stopped; what it did stays. Try "
                f"again, or deploy without it: make deploy STAGE={stage} VIA=api."
            ) from None


def _for_tencent(environment: Mapping[str, str]) -> dict[str, str]:
    """Add the variable that chooses the vendor, which the CLI would guess from the time zone."""
    return {**environment, "SERVERLESS_PLATFORM_VENDOR": "tencent", "SLS_TRACKING_DISABLED": "1"}
