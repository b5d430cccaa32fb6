"""Erase what the store keeps of one user: uploads, their events, and what is counted for him.

Without --yes nothing is changed, and the numbers are shown. Events that the app has not had yet go as well.
What VOD tells of his files later makes records again, so delete his files in VOD first. Logs, files in VOD,
the deny list and events without an owner stay. The store is REDIS_URL (with STAGE), or without it that of the
local stack that runs. Exit code: 0 done, 1 not done, 2 wrong usage.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from local.operator.erasure import ErasureStore
from local.operator.name_arguments import name
from local.operator.store_choice import NoStoreError, add_store_arguments, chosen_environment, chosen_store
from shared.errors import ConfigurationError, ServiceError

if TYPE_CHECKING:
    import argparse

_DONE, _NOT_DONE, _WRONG_USAGE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `python -m local erase` takes."""
    add_store_arguments(parser)
    parser.add_argument("--user", type=name, required=True, metavar="ID", help="his id, as events name him")
    parser.add_argument("--yes", action="store_true", help="erase; without it nothing is changed")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")


def main(arguments: argparse.Namespace) -> int:
    """Count the user's records, and remove them if told to."""
    try:
        store = ErasureStore(*chosen_store(chosen_environment(arguments)))
        records = store.records_of(arguments.user)
        erased = store.erase(arguments.user, records) if arguments.yes else 0
    except (NoStoreError, ConfigurationError) as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE
    except ServiceError as error:
        partly = " Some records may be erased." if arguments.yes else ""
        sys.stderr.write(f"{error}{partly}\n")
        return _NOT_DONE
    told = {"uploads": len(records.uploads), "events": len(records.events), "erased": arguments.yes}
    if arguments.json:
        sys.stdout.write(json.dumps({**told, "keys": erased}) + "\n")
        return _DONE
    counts = {"upload": told["uploads"], "event": told["events"]}
    what = " and ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items())
    done = f"Erased {what}: {erased} keys." if arguments.yes else f"Would erase {what}; --yes erases them."
    sys.stdout.write(f"{done}\n")
    return _DONE
