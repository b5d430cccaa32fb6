"""Choose the settings that a command tries: a file's, a stage's, the environment's or the local stack's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from local.deploy.stage_variables import stage_file, stage_variables
from local.doctor.sources import SourceError, from_file
from local.package.contents import PackageError
from local.repository import REPOSITORY
from local.stack_choice import NoStackError, add_stack_options, chosen_stack, is_named

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose the settings."""
    add_stack_options(add_deployment_arguments(parser))


def add_deployment_arguments(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Declare the options that name a deployment."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--env-file", type=Path, metavar="FILE", help="a deployment's variables, NAME=value")
    source.add_argument("--stage", help="the deployment whose .env.STAGE, or .env, lies here")
    return source


def named_deployment(arguments: argparse.Namespace) -> Mapping[str, str] | None:
    """Return the variables of the deployment that an option names; None without such an option.

    Raises:
        SourceError: they cannot be read.

    """
    if arguments.env_file is not None:
        return from_file(arguments.env_file, {}).environment
    if arguments.stage is None:
        return None
    if stage_file(REPOSITORY, arguments.stage) is None:
        raise SourceError(f"There is neither .env.{arguments.stage} nor .env here.")
    try:
        return {**stage_variables(REPOSITORY, arguments.stage, os.environ), "STAGE": arguments.stage}
    except PackageError as error:
        raise SourceError(str(error)) from None


def chosen_variables(arguments: argparse.Namespace, *, here_if: bool) -> Mapping[str, str]:
    """Return the variables; without an option the environment's if `here_if`, else the local stack's.

    Raises:
        SourceError: they cannot be read, or no stack runs.

    """
    variables = named_deployment(arguments)
    if variables is not None:
        return variables
    if here_if and not is_named(arguments):
        return dict(os.environ)
    try:
        return chosen_stack(arguments)
    except NoStackError as error:
        raise SourceError(
            str(error) if is_named(arguments) else f"Name a deployment with --env-file or --stage. {error}"
        ) from None
