"""Choose the store a command works on: REDIS_URL (with STAGE), or else that of the running local stack."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from local.stack_choice import NoStackError, add_stack_arguments, chosen_stack
from shared.config.settings import StoreSettings, load_settings
from shared.store.connection import StoreScope

if TYPE_CHECKING:
    from collections.abc import Mapping


class NoStoreError(Exception):
    """No store is named; the message is a sentence on how to name one."""


def add_store_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose a store."""
    parser.add_argument(
        "--redis-url",
        type=_without_password,
        metavar="URL",
        help="the store, if it has no password (default REDIS_URL, or the local stack's)",
    )
    parser.add_argument("--stage", help="whose records (default STAGE, or dev)")
    add_stack_arguments(parser)


def _without_password(url: str) -> str:
    """Refuse a password: every user of this machine can read it in the list of processes."""
    if "@" in url:
        raise argparse.ArgumentTypeError("an address with a password belongs into REDIS_URL")
    return url


def chosen_environment(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the environment to use: the given one, or that of a local stack; an option wins.

    Raises:
        NoStoreError: no store is named, and no stack runs.

    """
    environment = dict(os.environ)
    if arguments.redis_url:
        environment["REDIS_URL"] = arguments.redis_url
    elif arguments.url or arguments.folder or not environment.get("REDIS_URL"):
        try:
            environment = dict(chosen_stack(arguments))
        except NoStackError as error:
            raise NoStoreError(f"Name the store with REDIS_URL, or a local stack. {error}") from None
    return {**environment, "STAGE": arguments.stage} if arguments.stage else environment


def chosen_store(environment: Mapping[str, str]) -> tuple[str, StoreScope]:
    """Return the store's URL and scope.

    Raises:
        ConfigurationError: naming every setting that is missing or invalid.

    """
    settings = load_settings(StoreSettings, environment)
    return settings.redis_url, StoreScope(settings.stage, settings.retention_seconds)
