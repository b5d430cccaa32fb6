"""Run Schemathesis against the local stack: what docs/openapi.json allows, and what it does not.

All of its checks but one are on. `make fuzz-api` runs `python -m tests.openapi.whole_api --requests 20000`; a
test sends a small share.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from local.environment_file import CALLBACK_PREFIX
from local.openapi import DOCUMENT_FILE
from local.repository import REPOSITORY
from local.stack.demo_settings import first_of, user_token
from local.stack.stack import Stack
from tests.openapi.answers_file import ANSWERS_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTINGS = {
    **dict.fromkeys(("NEW_UPLOADS_PER_MINUTE", "RENEWALS_PER_MINUTE"), "100000"),
    **dict.fromkeys(("NETWORK_UPLOADS_PER_MINUTE", "OPEN_UPLOADS", "NEW_UPLOADS_PER_DAY"), "0"),
}
"""Rate limits that no request reaches."""

# Beside what Schemathesis takes for an acceptance: what the deployment's policies do not offer is 422.
_OFF_THE_POLICY = '["2xx", "304", "401", "403", "404", "409", "422", "503"]'
# A store that a busy machine keeps waiting is 503 by contract; `count_faults` bounds how often.
_NO_SERVER_ERROR = '["2xx", "3xx", "4xx", "503"]'
# DELETE cancels an upload, and its owner is to see that it is cancelled: one check means another DELETE.
_CHECKS = (
    f"[checks.positive_data_acceptance]\nexpected-statuses = {_OFF_THE_POLICY}\n"
    f"[checks.not_a_server_error]\nexpected-statuses = {_NO_SERVER_ERROR}\n"
    "[checks.use_after_free]\nenabled = false\n"
)
# Its command, once for each list of words: a process each would import the program anew.
_RUNS = """
import json, sys
from schemathesis.cli import schemathesis
for words in json.loads(sys.argv[1]):
    try:
        schemathesis(words)
    except SystemExit as ended:
        if ended.code:
            raise
"""
_CALLBACK = "/{callbackToken}"
# What comes with a valid callback token is kept, whatever it is, and answered 200.
_ANY_BODY = "[checks.negative_data_rejection]\nenabled = false\n"


@dataclass(frozen=True)
class Share:
    """One run over some of the paths: base URL, options that select the paths, and parameters."""

    base: str
    chosen: tuple[str, ...]
    given: str = ""


def shares(stack: Stack) -> tuple[Share, ...]:
    """Return the runs: users, VOD's callback with the right token, and with wrong ones."""
    token = first_of(stack.environment["CALLBACK_TOKENS"])
    callback = f"{stack.url}{CALLBACK_PREFIX}"
    # No answer leads from here to another operation, so there is no phase that follows links.
    chosen = ("--include-path", _CALLBACK, "--phases", "examples,coverage,fuzzing")
    return (
        Share(stack.url, ("--exclude-path", _CALLBACK)),
        Share(callback, chosen, f'{_ANY_BODY}[parameters]\n"path.callbackToken" = "{token}"\n'),
        Share(callback, chosen),
    )


def run_shares(stack: Stack, folder: Path, *, examples: int, seed: int) -> str:
    """Run Schemathesis for each share, and return what it found first; empty: nothing."""
    token = user_token(stack.environment, user="alice", ttl_seconds=86_400)
    options = ["-n", str(examples), "--seed", str(seed), "--no-color", "--generation-database", "none"]
    runs = []
    for number, share in enumerate(shares(stack)):
        configuration = folder / f"schemathesis{number}.toml"
        configuration.write_text(
            'hooks = "tests.openapi.api_hooks"\n[cache]\nenabled = false\n'
            f'[auth.openapi.userToken]\nbearer = "{token}"\n'
            f"{_CHECKS}{share.given}",
            encoding="utf-8",
        )
        of_share = ("run", str(DOCUMENT_FILE), "--url", share.base, *share.chosen, *options)
        runs.append(["--config-file", str(configuration), *of_share])
    run = subprocess.run(  # noqa: S603  # fixed words, and addresses of ours
        [sys.executable, "-c", _RUNS, json.dumps(runs)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), ANSWERS_FILE: str(folder / "answers")},
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr


def answers_in(folder: Path) -> Counter[tuple[str, int]]:
    """Count the answers so far by operation and status."""
    lines = (folder / "answers").read_text(encoding="utf-8").splitlines()
    return Counter(tuple(json.loads(line)) for line in lines)


def count_faults(answers: Counter[tuple[str, int]]) -> int:
    """Count the answers that are the server's fault: any 5xx, but of 503 what is above a twentieth of all."""
    unavailable = sum(
        count for (_, status), count in answers.items() if status == HTTPStatus.SERVICE_UNAVAILABLE
    )
    server_errors = sum(count for (_, status), count in answers.items() if status >= 500)
    return server_errors - min(unavailable, answers.total() // 20)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until so many requests are answered; return 1 at the first failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.openapi.whole_api", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--examples", type=int, default=500, help="of each operation in one round")
    wanted = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as scratch,
        Stack(folder=Path(scratch) / "stack", overrides=SETTINGS) as stack,
    ):
        seed, answers = 0, Counter[tuple[str, int]]()
        while answers.total() < wanted.requests:
            seed += 1
            if found := run_shares(stack, Path(scratch), examples=wanted.examples, seed=seed):
                sys.stdout.write(found)
                return 1
            answers = answers_in(Path(scratch))
            sys.stderr.write(f"{answers.total()} requests\n")
    for (operation, status), count in sorted(answers.items()):
        sys.stdout.write(f"{operation:16}  {status}  {count:6}\n")
    sys.stdout.write(f"{answers.total()} requests, every answer as described.\n")
    return int(count_faults(answers) > 0)


if __name__ == "__main__":
    sys.exit(main())
