"""`python -m local COMMAND`, or `vodup COMMAND`: finds the command's module and hands it the arguments.

A command's module is imported only when it is asked for, so that a command needs no more libraries than
its own.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from local.operator.name_arguments import text
from local.repository import project_field
from local.terminal_text import printable, sheet_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMANDS = {
    "serve": (
        "local.stack.serve_command",
        "start everything here: functions, VOD simulator, store, page and receiver",
    ),
    "upload": (
        "local.upload.upload_command",
        "send a real file through the whole chain and wait for the app's event",
    ),
    "inspect": (
        "local.operator.inspect_command",
        "take an upload signature apart and say what is wrong with it",
    ),
    "events": (
        "local.operator.events_command",
        "look at the journal of events; retry, replay, and see how the app's endpoint does",
    ),
    "deny": (
        "local.operator.deny_command",
        "stop uploads without a deployment: of a user, a network, a policy or everybody",
    ),
    "violations": (
        "local.operator.violations_command",
        "list the files that are to be forbidden or deleted, and keep those of an upload",
    ),
    "erase": (
        "local.operator.erase_command",
        "erase what the store keeps of one user; a dry run first",
    ),
    "policy": (
        "local.operator.policy_command",
        "try what a policy would sign for a user, or why not; run tests of policies",
    ),
    "token": (
        "local.operator.token_command",
        "explain what the functions say of a user's token, check by check",
    ),
    "webhook-secret": (
        "local.stack.webhook_secret_command",
        "print the secret with which an app verifies the stack's events",
    ),
    "listen": (
        "local.operator.listen_command",
        "forward the events of a test stage to an app on this machine",
    ),
    "trigger": (
        "local.operator.trigger_command",
        "have the simulated VOD send any event, and show what the app hears of it",
    ),
    "capacity": (
        "local.operator.capacity_command",
        "work out what a deployment of so many instances carries, and what it costs",
    ),
    "completion": (
        "local.operator.completion_command",
        "print a script with which bash, zsh or fish completes these commands",
    ),
    "conformance": (
        "local.conformance.conformance_command",
        "ask a real VOD what its documents leave open, and compare it with the simulator",
    ),
    "doctor": (
        "local.doctor.doctor_command",
        "say what is wrong with a deployment, and set how VOD notifies it",
    ),
}
"""Command -> its module, and one line on what it does."""
SCRIPT = "vodup"
"""The command that `pip install -e .` makes."""

_FAILED, _WRONG_USAGE, _INTERRUPTED = 1, 2, 130
_OWN = ("functions", "local", "shared", "tests")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return exit_code_of(lambda: _run(words))


def exit_code_of(command: Callable[[], int]) -> int:
    """Run a command; what the system refuses is one sentence on standard error, and 1."""
    _replace_closed_streams()
    try:
        code = command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return _INTERRUPTED
    except BrokenPipeError:
        _discard_output()  # whoever reads has seen enough
        return _FAILED
    except OSError as error:
        if error.strerror is None:
            raise
        place = f"{printable(str(error.filename))}: " if error.filename else ""
        _discard_output()
        sys.stderr.write(f"{place}{error.strerror}.\n")
        return _FAILED
    return code


def _run(words: Sequence[str]) -> int:
    if not words or words[0] in {"-h", "--help"}:
        sys.stdout.write(_overview())
        return 0
    if words[0] == "--version":
        sys.stdout.write(f"vod-upload-functions {project_field('version')}\n")
        return 0
    name, *rest = words
    if name not in COMMANDS:
        sys.stderr.write(f"There is no command {name!r}.\n\n{_overview()}")
        return _WRONG_USAGE
    try:
        command = importlib.import_module(COMMANDS[name][0])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _OWN:
            raise
        sys.stderr.write(
            f"This Python has no {error.name}: use .venv/bin/python, which `make demo` sets up.\n"
        )
        return _FAILED
    parser = Parser(prog=f"{_program()} {name}", description=command.__doc__)
    command.add_arguments(parser)
    return int(command.main(parser.parse_args(rest)))


class Parser(argparse.ArgumentParser):
    """Reports wrong usage in one sentence, without the list of all options; takes nothing but text for text.

    The name of a file is a path, which can have any bytes.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  # argparse's own
        super().__init__(**options)
        self.register("type", None, text)

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        self.exit(_WRONG_USAGE, f"{message}: see {self.prog} --help.\n")


def _replace_closed_streams() -> None:
    """Let a command read nothing, and write to nobody, where whoever started it has closed a stream."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # to the end


def _discard_output() -> None:
    """Let the interpreter's own last flush succeed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _program() -> str:
    return SCRIPT if Path(sys.argv[0]).name == SCRIPT else "python -m local"


def _overview() -> str:
    commands = sheet_of((f"  {name}", meaning) for name, (_, meaning) in COMMANDS.items())
    return f"Usage: {_program()} COMMAND [--help] | --version\n\n{commands}"


if __name__ == "__main__":
    sys.exit(main())
