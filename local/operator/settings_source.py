"""Choose the settings that a command tries: a file's, a stage's, the environment's or the local stack's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from local.deploy.stage_variables import stage_file, stage_variables
from local.doctor.sources import SourceError, from_file, from_stack
from local.repository import REPOSITORY

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose the settings."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--env-file", type=Path, metavar="FILE", help="a deployment's variables, NAME=value")
    source.add_argument("--stage", help="the deployment whose .env.STAGE, or .env, lies here")


def chosen_variables(arguments: argparse.Namespace, *, here_if: bool) -> Mapping[str, str]:
    """Return the variables; without an option the environment's if `here_if`, else the local stack's.

    Raises:
        SourceError: they cannot be read, or no stack runs.

    """
    if arguments.env_file is not None:
        return from_file(arguments.env_file, {}).environment
    if arguments.stage is not None:
        if stage_file(REPOSITORY, arguments.stage) is None:
            raise SourceError(f"There is neither .env.{arguments.stage} nor .env here.")
        return {**stage_variables(REPOSITORY, arguments.stage, os.environ), "STAGE": arguments.stage}
    return dict(os.environ) if here_if else from_stack(Path(".local")).environment
