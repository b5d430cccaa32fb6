"""`python -m local.deploy check | deploy | confirm | rollback`: what `make` calls."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from local.__main__ import Parser, exit_code_of
from local.deploy.by_api.deployment import Choices, deploy_by_api, roll_back_by_api
from local.deploy.by_api.wanted import LIVE
from local.deploy.by_api.ways import BY_CLI, changed_urls, free_timers, refusal, triggers_of_stage
from local.deploy.checks import cautions, check
from local.deploy.confirmation import confirm
from local.deploy.deployment import deploy, deploying_cli
from local.deploy.opened_stage import open_stage
from local.deploy.scf_calls import ScfRefusedError
from local.package.contents import PackageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a fault, 2 wrong usage, 130 interrupted."""
    parser = Parser(prog="python -m local.deploy", description=__doc__)
    parser.add_argument("what", choices=list(_COMMANDS))
    parser.add_argument("--stage", default="dev", help="whose settings (default %(default)s)")
    parser.add_argument(
        "--via", choices=("cli", "api"), default="cli", help="what deploys (default %(default)s)"
    )
    parser.add_argument("--plan", action="store_true", help="only show what would change (with --via api)")
    parser.add_argument("--json", action="store_true", help="show the plan as JSON (with --via api)")
    parser.add_argument("--change-urls", action="store_true", help="URLs may become others")
    parser.add_argument("--to", default="", help="the release to go back to; none shows them")
    chosen = parser.parse_args(arguments)
    if (chosen.plan or chosen.json) and chosen.via != "api":
        parser.error("--plan and --json need --via api: the CLI has no plan")
    return exit_code_of(lambda: _run(chosen))


def _run(chosen: argparse.Namespace) -> int:
    try:
        faults = _COMMANDS[chosen.what](chosen)
    except PackageError as error:
        faults = [str(error)]
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


def _check(chosen: argparse.Namespace) -> list[str]:
    sys.stderr.writelines(f"Warning: {caution}\n" for caution in cautions(chosen.stage))
    faults = check(chosen.stage)
    if not faults:
        sys.stdout.write(f"Nothing stands in the way of deploying the stage {chosen.stage}.\n")
    return faults


def _deploy(chosen: argparse.Namespace) -> list[str]:
    # What is read by a program is the plan alone.
    with contextlib.redirect_stdout(sys.stderr if chosen.json else sys.stdout):
        faults = _check(chosen)
    if faults:
        return faults
    sys.stdout.flush()  # before what the CLI writes
    if chosen.via == "api":
        choices = Choices(chosen.plan, chosen.json, chosen.change_urls)
        return deploy_by_api(open_stage(chosen.stage), choices)
    return _deploy_by_cli(chosen)


def _deploy_by_cli(chosen: argparse.Namespace) -> list[str]:
    deploying_cli()  # before anything is asked or changed
    opened = open_stage(chosen.stage)
    try:
        triggers = triggers_of_stage(opened)
        if refused := refusal([] if chosen.change_urls else changed_urls(triggers, BY_CLI), "cli"):
            return refused
        free_timers(opened, triggers)
    except ScfRefusedError as error:
        return [f"The API does not show what is deployed: {error}."]
    if deploy(chosen.stage) != 0:
        return ["The Serverless CLI did not finish: what it says above is the reason."]
    return _confirm(chosen)


def _confirm(chosen: argparse.Namespace) -> list[str]:
    table, faults = confirm(open_stage(chosen.stage), LIVE if chosen.via == "api" else BY_CLI)
    sys.stdout.write(table)
    return faults


def _rollback(chosen: argparse.Namespace) -> list[str]:
    return roll_back_by_api(open_stage(chosen.stage), chosen.to)


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], list[str]]] = {
    "check": _check,
    "deploy": _deploy,
    "confirm": _confirm,
    "rollback": _rollback,
}

if __name__ == "__main__":
    sys.exit(main())
