"""Try a policy without signing: what a user's request would get, or why it would be refused.

The function's own code decides, from the settings of --env-file, of --stage (.env.STAGE, else .env), of
the environment, or of the local stack that runs; keys may be missing. Limits and the deny list are in
the store, and are not looked at. A policy whose signatures end before a phone has sent its file gets a
warning. Exit code: 0 signed, or all cases as expected; 1 refused, or not; 2 wrong usage or settings.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local.deploy.mobile_policies import about_mobile_uploads
from local.doctor.sources import SourceError
from local.operator.policy_cases import UnreadableCasesError, read_cases, try_case
from local.operator.policy_trial import trial_settings, try_token, try_user
from local.operator.settings_source import add_source_arguments, chosen_variables
from local.terminal_text import printable, sheet_of
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from local.operator.policy_trial import Outcome
    from shared.config.settings import UploadSignatureSettings

_AS_WANTED, _NOT_AS_WANTED, _WRONG_USAGE = 0, 1, 2


class _UsageError(Exception):
    """Wrong usage; the message is a sentence for the operator."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_source_arguments(parser)
    parser.add_argument("--policies", type=Path, metavar="FILE", help="JSON instead of UPLOAD_POLICIES")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--cases", type=Path, metavar="FILE", help="try every case of a file, for CI")
    asked.add_argument("--token", help="a user's own token; - reads it from stdin")
    asked.add_argument("--user", default="alice", help="a user's id (default %(default)s)")
    parser.add_argument(
        "--claim",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="with --user: what his token says of him; the value is JSON, or else a text",
    )
    parser.add_argument("--policy", help="short for --body '{\"policy\": …}'")
    parser.add_argument(
        "--body", type=os.fsencode, metavar="JSON", help="the body of POST /signature (default {})"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")


def main(arguments: argparse.Namespace) -> int:
    """Try one request or a file of cases, and print the outcome."""
    try:
        settings = trial_settings(_environment(arguments))
        if arguments.cases is not None:
            return _try_cases(settings, arguments.cases, as_json=arguments.json)
        outcome = _try_request(settings, arguments)
    except (SourceError, UnreadableCasesError, _UsageError, ConfigurationError) as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return _WRONG_USAGE
    text = json.dumps(outcome.document(), indent=2) if arguments.json else _told(outcome)
    sys.stdout.write(f"{text}\n")
    _warn(settings, outcome.policy)
    return _AS_WANTED if outcome.signed else _NOT_AS_WANTED


def _warn(settings: UploadSignatureSettings, policy: str | None) -> None:
    for name, caution in about_mobile_uploads(settings.upload_policies):
        if name == policy:
            sys.stderr.write(f"Warning: {printable(caution.detail)}. {caution.advice}\n")


def _environment(arguments: argparse.Namespace) -> Mapping[str, str]:
    """Choose the environment whose settings apply."""
    policies = {}
    if arguments.policies is not None:
        try:
            policies = {"UPLOAD_POLICIES": arguments.policies.read_text("utf-8")}
        except (OSError, UnicodeDecodeError):
            raise _UsageError(f"{arguments.policies} cannot be read.") from None
    here_if = bool(policies or os.environ.get("UPLOAD_POLICIES"))
    return {**chosen_variables(arguments, here_if=here_if), **policies}


def _try_request(settings: UploadSignatureSettings, arguments: argparse.Namespace) -> Outcome:
    if arguments.policy is not None and arguments.body is not None:
        raise _UsageError("Name the policy in --body or with --policy, not in both.")
    wanted, now = arguments.body or b"{}", time.time()
    if arguments.policy is not None:
        wanted = json.dumps({"policy": arguments.policy}).encode()
    if arguments.token is None:
        claims = dict(map(_claim, arguments.claim))
        return try_user(settings, arguments.user, claims, wanted, now=now)
    if arguments.claim:
        raise _UsageError("--claim goes with --user: a token says itself what it claims.")
    token = sys.stdin.read().strip() if arguments.token == "-" else arguments.token  # noqa: S105 -- where to read it
    return try_token(settings, token, wanted, now=now)


def _claim(text: str) -> tuple[str, object]:
    name, assigned, value = text.partition("=")
    if not name or not assigned:
        raise _UsageError("--claim is NAME=VALUE.")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def _try_cases(settings: UploadSignatureSettings, file: Path, *, as_json: bool) -> int:
    now = time.time()
    tried = [(case.name, *try_case(settings, case, now=now)) for case in read_cases(file)]
    failed = [(name, differences) for name, _outcome, differences in tried if differences]
    if as_json:
        cases = [
            {"name": name, "asExpected": not differences, "differences": differences, **outcome.document()}
            for name, outcome, differences in tried
        ]
        sys.stdout.write(json.dumps({"cases": cases, "failed": len(failed)}, indent=2) + "\n")
    else:
        for name, differences in failed:
            sys.stdout.writelines(printable(f"{name}: {difference}") + "\n" for difference in differences)
        sys.stdout.write(f"{len(tried) - len(failed)} of {len(tried)} cases are as expected.\n")
    return _NOT_AS_WANTED if failed else _AS_WANTED


def _told(outcome: Outcome) -> str:
    if not outcome.signed:
        return printable(f"refused  {outcome.status}  {outcome.reason}")
    parameters = dict(outcome.parameters or {})
    return f"signed under the policy {outcome.policy!r}, with\n" + sheet_of(parameters.items()).rstrip("\n")
