"""Print the secret with which an app verifies the events of the local stack: WEBHOOK_SECRET=$(…).

Exit code: 0 it is printed, 2 no stack runs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from local.stack_choice import NoStackError, add_stack_arguments, chosen_stack

if TYPE_CHECKING:
    import argparse

__all__ = ["add_arguments", "main"]

_WRONG_USAGE = 2

add_arguments = add_stack_arguments


def main(arguments: argparse.Namespace) -> int:
    """Print the newest secret of the stack, and nothing else."""
    try:
        environment = chosen_stack(arguments)
    except NoStackError as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE
    sys.stdout.write(environment["APP_WEBHOOK_SECRETS"].partition(",")[0] + "\n")
    return 0
