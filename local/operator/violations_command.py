"""List the files under policies with `onViolation` that are still to be looked at; keep those of an upload.

What is kept is not looked at again. A file that is being forbidden or deleted at that moment cannot be kept.
The store is REDIS_URL (with STAGE) or, without that, the one of the local stack that runs. Exit code: 0 done,
1 not done, 2 wrong usage.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from local.operator.enforcement_store import OperatorEnforcements
from local.operator.signature_inspection import iso_time
from local.operator.store_choice import NoStoreError, add_store_arguments, chosen_environment, chosen_store
from local.terminal_text import printable, table_of
from shared.errors import ConfigurationError, ServiceError

if TYPE_CHECKING:
    import argparse

    from local.operator.enforcement_store import PlannedFile

_DONE, _NOT_DONE, _WRONG_USAGE = 0, 1, 2
_COLUMNS = ("next look", "told", "verdict", "measure", "user", "policy", "uploadId", "fileId")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="which files, and when they are looked at next")
    stopped = actions.add_parser("stop", help="keep the files of an upload as they are")
    stopped.add_argument("upload", metavar="UPLOAD_ID")
    for action in (listed, stopped):
        action.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
        add_store_arguments(action)


def main(arguments: argparse.Namespace) -> int:
    """Run the chosen action and report any failure in one sentence."""
    try:
        store = OperatorEnforcements(*chosen_store(chosen_environment(arguments)))
        if arguments.action == "list":
            return _list(store, as_json=arguments.json)
        return _stop(store, arguments.upload, as_json=arguments.json)
    except (NoStoreError, ConfigurationError) as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE
    except ServiceError as error:
        partly = " Some files may be stopped." if arguments.action == "stop" else ""
        sys.stderr.write(f"{error}{partly}\n")
        return _NOT_DONE


def _list(store: OperatorEnforcements, *, as_json: bool) -> int:
    rows = [_row(planned) for planned in sorted(store.planned(), key=lambda it: it.next_at)]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        sys.stdout.write(table_of(rows, _COLUMNS) if rows else "No file is to be looked at.\n")
    return _DONE


def _stop(store: OperatorEnforcements, upload_id: str, *, as_json: bool) -> int:
    found = [planned for planned in store.planned() if planned.upload_id == upload_id]
    stopped = [planned for planned in found if store.stop(planned)]
    if as_json:
        rows = [{"fileId": planned.file_id, "stopped": planned in stopped} for planned in found]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    for planned in () if as_json else found:
        said = "Stopped: the file {} stays as it is." if planned in stopped else "Too late for the file {}."
        sys.stdout.write(said.format(printable(planned.file_id)) + "\n")
    if not found:
        sys.stderr.write(f"No file of the upload {printable(upload_id)} is to be looked at.\n")
    return _DONE if stopped and len(stopped) == len(found) else _NOT_DONE


def _row(planned: PlannedFile) -> dict[str, object]:
    record = planned.record
    told_at, _, verdict = record.get(f"enforce:{planned.file_id}", "").partition(" ")
    return {
        "next look": iso_time(planned.next_at),
        "told": iso_time(int(told_at)) if told_at.isdecimal() else None,
        "verdict": verdict or None,
        "measure": record.get("on_violation"),
        "user": record.get("user_id"),
        "policy": planned.policy,
        "uploadId": planned.upload_id,
        "fileId": planned.file_id,
    }
