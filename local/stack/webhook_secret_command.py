"""Print the secret with which an app verifies the events of the local stack: WEBHOOK_SECRET=$(…).

Exit code: 0 it is printed, 2 no stack runs.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from local.stack.demo_settings import receiver_secrets
from local.stack_choice import NoStackError, add_stack_arguments, chosen_stack

if TYPE_CHECKING:
    import argparse

_WRONG_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_stack_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")


def main(arguments: argparse.Namespace) -> int:
    """Print the newest secret of the stack, and nothing else."""
    try:
        environment = chosen_stack(arguments)
    except NoStackError as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE
    secret = receiver_secrets(environment)[0]
    sys.stdout.write((json.dumps({"secret": secret}) if arguments.json else secret) + "\n")
    return 0
