"""Report the faults of a deployment and how to mend them: functions, timers, store, VOD and webhook.

The deployment is --env-file (a .env; the role's credentials come from the environment), the local stack
that --url or --folder names, or the environment's variables. Nothing is changed without --fix, and
nothing but a throw-away key in the store leaves a trace without --probe. Exit code: 0 no fault, 1 at
least one, 2 wrong usage; warnings do not count.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.doctor.api_checks import ApiChecks
from local.doctor.backlog_checks import BacklogChecks
from local.doctor.deployment import MOST_INSTANCES
from local.doctor.event_checks import EventChecks
from local.doctor.examination import examine
from local.doctor.findings import CheckSkippedError, joined
from local.doctor.fix import planned
from local.doctor.function_checks import FunctionChecks
from local.doctor.key_set_checks import KeySetChecks
from local.doctor.settings_checks import settings_group
from local.doctor.sources import SourceError, from_environment, from_file, from_stack
from local.doctor.store_checks import StoreChecks
from local.doctor.token_checks import TokenChecks
from local.doctor.webhook_checks import WebhookChecks
from local.operator.number_arguments import whole_number
from local.stack_choice import NoStackError, add_stack_options, chosen_folder, is_named
from local.terminal_text import printable
from shared.errors import ServiceError
from shared.http.authentication import MAX_TOKEN_LENGTH

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from local.doctor.deployment import Deployment
    from local.doctor.fix import Fix

_HEALTHY, _FAULTY, _WRONG_USAGE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--env-file", type=Path, metavar="FILE", help="a deployment's variables, NAME=value")
    add_stack_options(source)
    parser.add_argument("--stage", help="whose events (default STAGE, or dev)")
    parser.add_argument(
        "--mode", choices=("push", "pull"), help="how VOD should notify (default: as it does)"
    )
    parser.add_argument(
        "--callback-url", metavar="URL", help="where event_notification is; the token may be left out"
    )
    parser.add_argument("--signature-url", metavar="URL", help="where upload_signature is")
    parser.add_argument("--status-url", metavar="URL", help="where upload_status is")
    parser.add_argument("--token", help="a user's token to examine; - reads it from stdin")
    parser.add_argument(
        "--instances",
        type=whole_number(1, 1_000_000),
        default=MOST_INSTANCES,
        metavar="N",
        help="how many may run at once, of all functions (default %(default)s)",
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="send an event and look for it in the store, and two test events to the app",
    )
    parser.add_argument("--fix", action="store_true", help="set VOD's event configuration, after showing how")
    parser.add_argument("--yes", action="store_true", help="with --fix: do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")


def main(arguments: argparse.Namespace) -> int:
    """Apply the fix if asked to, run every check and print the report."""
    try:
        deployment = _deployment(arguments)
    except SourceError as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE
    mended = _mend(deployment, yes=arguments.yes) if arguments.fix else None
    report = examine(
        (
            settings_group(deployment),
            KeySetChecks(deployment, time.time).group(),
            TokenChecks(deployment, time.time).group(),
            FunctionChecks(deployment, time.time).group(),
            StoreChecks(deployment).group(),
            ApiChecks(deployment, time.time).group(),
            # One after the other: the probe's own event is in the backlog for a moment.
            joined(
                "events",
                BacklogChecks(deployment, time.time).group(),
                EventChecks(deployment, time.time).group(),
            ),
            WebhookChecks(deployment, time.time).group(),
        )
    )
    if arguments.json:
        document = {**report.document(), **({} if mended is None else {"fix": mended})}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        sys.stdout.write(report.text())
    sys.stdout.flush()
    return _HEALTHY if report.healthy else _FAULTY


def _mend(deployment: Deployment, *, yes: bool) -> dict[str, object]:
    """Show on standard error what would be set in VOD, ask, and set it; return the outcome."""
    fixes: tuple[Fix, ...] = ()
    problem, applied = None, False
    try:
        fixes = planned(deployment)
        if not fixes:
            _tell("VOD's event configuration needs no change.")
        elif _show_and_ask(fixes, yes=yes):
            for fix in fixes:
                fix.apply()
            applied = True
            _tell("Set.")
        else:
            problem = "not set: nobody said yes (--yes says it beforehand)"
    except CheckSkippedError as error:
        problem = str(error)
    except ServiceError as error:
        problem = error.detail
    if problem is not None:
        _tell(f"VOD's event configuration was left as it is: {problem}")
    shown = [
        {
            "application": fix.application,
            "name": change.name,
            "present": change.present,
            "wanted": change.wanted,
        }
        for fix in fixes
        for change in fix.changes
    ]
    return {"applied": applied, "problem": problem, "changes": shown}


def _show_and_ask(fixes: Sequence[Fix], *, yes: bool) -> bool:
    for fix in fixes:
        _tell(f"VOD's event configuration of {fix.application or 'the main application'}:")
        for change in fix.changes:
            _tell(f"  {change.name}: {change.present} -> {change.wanted}")
    if yes or not sys.stdin.isatty():
        return yes
    sys.stderr.write("Set this? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{printable(sentence)}\n")


def _from_stack(arguments: argparse.Namespace) -> Deployment:
    try:
        return from_stack(chosen_folder(arguments))
    except NoStackError as error:
        raise SourceError(str(error)) from None


def _deployment(arguments: argparse.Namespace) -> Deployment:
    """Choose the deployment to examine.

    Raises:
        SourceError: none was named and none was found.

    """
    if arguments.env_file is not None:
        deployment = from_file(arguments.env_file, os.environ)
    elif is_named(arguments):
        deployment = _from_stack(arguments)
    else:
        deployment = from_environment(os.environ) or _from_stack(arguments)
    for name in ("callback_url", "signature_url", "status_url"):
        given = getattr(arguments, name)
        if given is not None and not _is_plain_url(given):
            raise SourceError(f"--{name.replace('_', '-')} is an http or https URL without a query.")
    stage = {"STAGE": arguments.stage} if arguments.stage else {}
    return replace(
        deployment,
        environment={**deployment.environment, **stage},
        mode=arguments.mode and arguments.mode.upper(),
        callback_url=arguments.callback_url or deployment.callback_url,
        signature_url=arguments.signature_url or deployment.signature_url,
        status_url=arguments.status_url or deployment.status_url,
        token=_token(arguments.token),
        instances=arguments.instances,
        probe=arguments.probe,
    )


def _token(given: str | None) -> str | None:
    return sys.stdin.buffer.read(2 * MAX_TOKEN_LENGTH).decode(errors="replace") if given == "-" else given


def _is_plain_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        )
    except ValueError:
        return False
