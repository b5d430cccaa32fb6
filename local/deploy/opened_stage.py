"""A stage with all that a command needs to ask the cloud about it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.deploy.by_api.code_bucket import COS_URL, CodeBucket, code_bucket
from local.deploy.scf_calls import API_URL, ScfCalls
from local.deploy.serverless_file import deployed_name, functions_in
from local.deploy.stage_variables import stage_variables
from local.deploy.value_checks import CREDENTIALS
from local.deploy.yaml_file import read_yaml
from local.package.contents import PackageError
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class OpenedStage:
    """The parsed `serverless.yml`, the variables of the stage, which hold secrets, and the API."""

    name: str
    file: object
    values: Mapping[str, str]
    calls: ScfCalls
    bucket: CodeBucket | None = None

    @property
    def function_names(self) -> dict[str, str]:
        """Key of each function in the file -> its name in the cloud."""
        return {key: deployed_name(self.file, self.name, key) for key in functions_in(self.file)}

    def __repr__(self) -> str:
        """Show no variable."""
        return f"OpenedStage({self.name!r})"


def open_stage(
    stage: str, *, repository: Path = REPOSITORY, environment: Mapping[str, str] = os.environ
) -> OpenedStage:
    """Read what a stage is made of.

    Raises:
        PackageError: the file cannot be read, or there are no credentials to ask the cloud with.

    """
    _, file = read_yaml(repository / "serverless.yml")
    values = stage_variables(repository, stage, environment)
    if missing := [name for name in (*CREDENTIALS, "DEPLOY_REGION") if not values.get(name)]:
        raise PackageError(f"No value has {' and '.join(missing)}: without it the cloud cannot be asked.")
    calls = ScfCalls(values, url=environment.get(API_URL, ""))
    return OpenedStage(stage, file, values, calls, code_bucket(values, environment.get(COS_URL, "")))
