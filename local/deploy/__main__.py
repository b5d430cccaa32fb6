"""`python -m local.deploy check | deploy | confirm`: what `make` calls."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from local.deploy.checks import cautions, check
from local.deploy.confirmation import confirm
from local.deploy.deployment import deploy
from local.package.contents import PackageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a fault."""
    parser = argparse.ArgumentParser(prog="python -m local.deploy", description=__doc__)
    parser.add_argument("what", choices=list(_COMMANDS))
    parser.add_argument("--stage", default="dev", help="whose settings (default %(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        faults = _COMMANDS[chosen.what](chosen.stage)
    except PackageError as error:
        faults = [str(error)]
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


def _check(stage: str) -> list[str]:
    sys.stderr.writelines(f"Warning: {caution}\n" for caution in cautions(stage))
    faults = check(stage)
    if not faults:
        sys.stdout.write(f"Nothing stands in the way of deploying the stage {stage}.\n")
    return faults


def _deploy(stage: str) -> list[str]:
    faults = _check(stage)
    if faults:
        return faults
    sys.stdout.flush()  # before what the CLI writes
    if deploy(stage) != 0:
        return ["The Serverless CLI did not finish: what it says above is the reason."]
    return _confirm(stage)


def _confirm(stage: str) -> list[str]:
    table, faults = confirm(stage)
    sys.stdout.write(table)
    return faults


_COMMANDS: Mapping[str, Callable[[str], list[str]]] = {
    "check": _check,
    "deploy": _deploy,
    "confirm": _confirm,
}

if __name__ == "__main__":
    sys.exit(main())
