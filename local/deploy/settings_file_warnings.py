"""Warnings about a stage's settings file that reads otherwise than it looks, and about what overrides it.

No value of a variable is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.deploy.deployment_warnings import Caution
from local.deploy.nearest import nearest
from local.deploy.stage_variables import parse_env_file, parsed_lines, unread_lines
from local.deploy.value_checks import is_this_machine
from local.package.function_settings import DEVELOPER_ONLY
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EXAMPLE = parse_env_file((REPOSITORY / ".env.example").read_text(encoding="utf-8"))
_SHOWN = 5
_KNOWN = frozenset({*_EXAMPLE, "TENCENT_TOKEN", "TENCENT_APP_ID"})


def about_the_file(name: str, text: str) -> Iterator[Caution]:
    """Yield warnings about a settings file that reads otherwise than it looks; `name` is the file's."""
    pairs = parsed_lines(text)
    names = [variable for variable, _ in pairs]
    for twice in sorted({variable for variable in names if names.count(variable) > 1}):
        yield Caution(f"{twice} stands twice in {name}, and the last one counts", "Remove the others.")
    if unread := unread_lines(text):
        numbers = ", ".join(map(str, unread[:_SHOWN])) + " …" * (len(unread) > _SHOWN)
        yield Caution(
            f"{name} has what is no NAME=value and is not read, in line {numbers}",
            "Write each setting into one line, without export.",
        )
    for variable, value in dict(pairs).items():
        if " #" in value:
            yield Caution(
                f"{variable} in {name} has a number sign behind a blank, and it is part of the value",
                "Put a comment into a line of its own.",
            )
        if variable not in _KNOWN and (close := nearest(variable, sorted(_KNOWN))):
            yield Caution(f"{variable} in {name} is no setting", f"Remove it, or: {close}")
    if dict(pairs).get(DEVELOPER_ONLY, "0") not in ("", "0"):
        yield Caution(
            f"{DEVELOPER_ONLY} in {name} is for a developer's machine, and is not deployed",
            "Remove it: the functions take a webhook by https alone.",
        )
    if any(is_this_machine(origin.strip()) for origin in dict(pairs).get("CORS_ORIGINS", "").split(",")):
        yield Caution(
            f"CORS_ORIGINS in {name} names this machine: pages of any developer may call the functions",
            "Remove it from a stage that real users have.",
        )


def about_the_shell(name: str, text: str, environment: Mapping[str, str]) -> Iterator[Caution]:
    """Yield a warning for each variable of the shell that overrides another value in the settings file.

    Not for STAGE, which is exported by `make` and which no deployment reads.
    """
    written = parse_env_file(text)
    for variable in sorted((_KNOWN & written.keys() & environment.keys()) - {"STAGE"}):
        if environment[variable] != written[variable]:
            yield Caution(
                f"{variable} of the shell's environment overrides the one in {name}",
                f"If that is not meant: unset {variable}.",
            )
