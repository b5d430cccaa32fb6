"""Find the local stack that a command is for: by its address or by the folder of its state.

All commands take --url and --folder. Without them it is the stack at LOCAL_URL, or the one in `.local`.
"""

from __future__ import annotations

import json
import os
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from local.environment_file import read_environment
from shared.schema.values import check_http_url

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

FOLDER = Path(".local")
_SECONDS = 10
_START = "start one with `python -m local serve`, or name its --folder or --url"


class NoStackError(Exception):
    """No stack is there; the message is a sentence on how to name one."""


def add_stack_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose a stack."""
    add_stack_options(parser.add_mutually_exclusive_group())


def add_stack_options(choice: argparse._MutuallyExclusiveGroup) -> None:
    """Declare them beside other options that choose in their place."""
    choice.add_argument("--url", help="the stack's plain HTTP address (default LOCAL_URL)")
    choice.add_argument("--folder", type=Path, help=f"the folder of the stack's state (default {FOLDER})")


def named_url(arguments: argparse.Namespace) -> str | None:
    """Return the address that was named, without a slash at the end; None if a folder decides.

    Raises:
        NoStackError: what was named is no address.

    """
    url: str | None = arguments.url or (None if arguments.folder else os.environ.get("LOCAL_URL"))
    return _checked(url).rstrip("/") if url else None


def is_named(arguments: argparse.Namespace) -> bool:
    """Return whether an option names a stack."""
    return bool(arguments.url or arguments.folder)


def chosen_folder(arguments: argparse.Namespace) -> Path:
    """Return the folder of the stack's state, whether one runs there or not.

    Raises:
        NoStackError: none answers at the address that was named.

    """
    url = named_url(arguments)
    return arguments.folder or FOLDER if url is None else folder_at(url)


def chosen_stack(arguments: argparse.Namespace) -> Mapping[str, str]:
    """Return the environment of the functions of the stack; `VOD_API_URL` in it is the stack's address.

    Raises:
        NoStackError: none runs there.

    """
    folder = chosen_folder(arguments)
    environment = read_environment(folder)
    if environment is None:
        raise NoStackError(f"No local stack runs in {folder}: {_START}.")
    return environment


def folder_at(url: str) -> Path:
    """Ask the stack at an address for its folder.

    Raises:
        NoStackError: none answers there.

    """
    # A proxy of the environment must not be asked about this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/local/info", timeout=_SECONDS) as answer:
            return Path(json.load(answer)["folder"])
    except (OSError, ValueError, KeyError, TypeError, HTTPException):
        raise NoStackError(f"No local stack answers at {url}: {_START}.") from None


def _checked(url: str) -> str:
    try:
        if check_http_url(url).startswith("http://"):
            return url
    except ValueError:
        pass
    raise NoStackError(f"{url} is no plain HTTP address: give --url as in http://127.0.0.1:8000.")
