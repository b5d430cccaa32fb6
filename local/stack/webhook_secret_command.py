"""Print the secret with which an app verifies the events of the local stack: WEBHOOK_SECRET=$(…).

Exit code: 0 it is printed, 2 no stack runs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local.environment_file import read_environment

if TYPE_CHECKING:
    import argparse

_WRONG_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--folder", type=Path, default=Path(".local"), help="of the stack that runs (default %(default)s)"
    )


def main(arguments: argparse.Namespace) -> int:
    """Print the newest secret of the stack, and nothing else."""
    environment = read_environment(arguments.folder)
    if environment is None:
        sys.stderr.write(f"No local stack runs in {arguments.folder}: start one, or name its --folder.\n")
        return _WRONG_USAGE
    sys.stdout.write(environment["APP_WEBHOOK_SECRETS"].partition(",")[0] + "\n")
    return 0
