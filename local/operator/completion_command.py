"""Print a script with which a shell completes the commands and options of `vodup`.

In the shell's start file: `source <(vodup completion bash)`, the same with zsh, or
`vodup completion fish | source`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING

from local.__main__ import COMMANDS, SCRIPT

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADS = {"bash": "", "zsh": "autoload -Uz bashcompinit && bashcompinit\n"}
"""What a shell needs before the script: zsh runs those of bash."""
_SCRIPT = """\
_{script}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{commands}"
  else
    case ${{COMP_WORDS[1]}} in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _{script} {script}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's argument."""
    parser.add_argument("shell", choices=[*_HEADS, "fish"])


def main(arguments: argparse.Namespace) -> int:
    """Print the script."""
    if arguments.shell == "fish":
        sys.stdout.writelines(_fish_lines())
        return 0
    cases = "\n".join(f'      {name}) words="{" ".join(words_of(name))}" ;;' for name in COMMANDS)
    script = _SCRIPT.format(script=SCRIPT, commands=" ".join(COMMANDS), cases=cases)
    sys.stdout.write(_HEADS[arguments.shell] + script)
    return 0


def _fish_lines() -> Iterator[str]:
    yield f"complete -c {SCRIPT} -f -n __fish_use_subcommand -a '{' '.join(COMMANDS)}'\n"
    for name in COMMANDS:
        condition = f"__fish_seen_subcommand_from {name}"
        yield f"complete -c {SCRIPT} -n '{condition}' -a '{' '.join(words_of(name))}'\n"


def words_of(command: str) -> list[str]:
    """Return the options of a command, its actions and their options."""
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[command][0]).add_arguments(parser)
    return list(dict.fromkeys(_words(parser)))


def _words(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001  # argparse has no other way to list them
        yield from (option for option in action.option_strings if option.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # no public class has the commands
            for name, nested in action.choices.items():
                yield name
                yield from _words(nested)
        elif action.choices and not action.option_strings:
            yield from map(str, action.choices)
