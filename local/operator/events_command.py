"""See what became of events, and bring back what was lost: the journal of any store.

The store is REDIS_URL (with STAGE) or, without that, the one of the local stack that runs. `retry`
and `replay` only say what they would do until --yes is given. Exit code: 0 all done, 1 something
could not be done, 2 wrong usage.
"""

from __future__ import annotations

import json
import os
import sys
from itertools import islice
from typing import TYPE_CHECKING

from local.operator import events_listing
from local.operator.event_store import OperatorStore
from local.operator.events_endpoint import EndpointReport, endpoint_urls
from local.operator.events_options import add_arguments, query_of
from local.operator.events_replay import Replay, content_of
from local.operator.events_retry import Retry, only_event
from local.operator.store_choice import NoStoreError, chosen_environment, chosen_store
from local.terminal_text import printable
from shared.config.settings import IngestSettings, load_settings
from shared.errors import ConfigurationError, ServiceError
from shared.runtime import bootstrap
from shared.store.journal import Store

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from local.operator.events_replay import ReplayReport
    from local.operator.events_retry import RetryReport

__all__ = ["add_arguments", "main"]

_DONE, _NOT_DONE, _WRONG_USAGE = 0, 1, 2
_MANY = 100


class _UsageError(Exception):
    """Wrong usage; the message is a sentence for the operator."""


class _NotDoneError(Exception):
    """Something could not be done; the message is a sentence for the operator."""


def main(arguments: argparse.Namespace) -> int:
    """Run the chosen action and report any failure in one sentence."""
    try:
        return _ACTIONS[arguments.action](arguments, chosen_environment(arguments))
    except (_UsageError, NoStoreError, ConfigurationError) as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE
    except (ServiceError, _NotDoneError) as error:
        sys.stderr.write(f"{error}\n")
        return _NOT_DONE
    except BrokenPipeError:
        # Whoever reads has seen enough; the interpreter's own last flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOT_DONE


def _list(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    store = _operator_store(environment)
    found = list(islice(store.find(query_of(arguments)), arguments.limit + 1))
    oldest_first = [event.at for event in found[: arguments.limit]][::-1]
    events = store.read(oldest_first)
    if arguments.json:
        _write(events_listing.json_list(map(events_listing.entry_of, events)), full=arguments.full)
        return _DONE
    rows = [events_listing.summary_of(event) for event in events]
    _write(events_listing.event_table(rows) if rows else "There are no such events.\n")
    if len(found) > arguments.limit:
        sys.stderr.write(f"These are the newest {arguments.limit}: --limit shows more.\n")
    return _DONE


def _show(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    try:
        event = only_event(_operator_store(environment), arguments.event_id)
    except LookupError as error:
        raise _NotDoneError(f"{printable(arguments.event_id)} {error}.") from error
    document = events_listing.document_of(event)
    text = _json(document) if arguments.json else events_listing.event_sheet(document)
    _write(text, full=arguments.full)
    return _DONE


def _retry(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    narrowed = any(value is not None for value in (arguments.since, arguments.until, arguments.upload))
    if bool(arguments.event_ids) == bool(arguments.state) or (narrowed and not arguments.state):
        raise _UsageError("Name either events or a --state, which --since, --until and --upload narrow down.")
    store = _operator_store(environment)
    retry = Retry(store, int(bootstrap.now()), dry_run=not arguments.yes)
    if arguments.event_ids:
        return _report(retry.run_by_id(arguments.event_ids), arguments)
    return _report(retry.run(store.find(query_of(arguments)), _tell_progress), arguments)


def _replay(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    settings = load_settings(IngestSettings, environment)
    replay = Replay(
        store=Store(*chosen_store(environment)),
        operator_store=_operator_store(environment),
        settings=settings,
        clock=bootstrap.now,
        new_lease=bootstrap.new_lease,
    )
    try:
        content = content_of(arguments.file)
    except OSError as error:
        raise _NotDoneError(f"{arguments.file} cannot be read: {error.strerror}.") from error
    return _report(replay.run(content, dry_run=not arguments.yes, progress=_tell_progress), arguments)


def _endpoint(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    try:
        urls = endpoint_urls(environment, arguments.name)
    except ValueError as error:
        raise _UsageError(str(error)) from None
    store = _operator_store(environment)
    enabled = {name: store.enable_endpoint(url) if arguments.enable else None for name, url in urls.items()}
    reports = [
        EndpointReport(store.endpoint_health(url), int(bootstrap.now()), enabled[name], name)
        for name, url in urls.items()
    ]
    documents = [report.document() for report in reports]
    shown = documents[0] if "" in urls else documents
    _write(_json(shown) if arguments.json else "\n".join(report.text() for report in reports))
    return _DONE


_ACTIONS = {"list": _list, "show": _show, "retry": _retry, "replay": _replay, "endpoint": _endpoint}


def _report(report: ReplayReport | RetryReport, arguments: argparse.Namespace) -> int:
    _write(_json(report.document()) if arguments.json else report.text())
    for complaint in report.complaints():
        sys.stderr.write(f"{printable(complaint)}\n")
    return _DONE if report.complete else _NOT_DONE


def _operator_store(environment: Mapping[str, str]) -> OperatorStore:
    return OperatorStore(*chosen_store(environment))


def _tell_progress(done: int, total: int) -> None:
    """Report the progress of a long run on standard error."""
    if total > _MANY and done % _MANY == 0:
        sys.stderr.write(f"{done} of {total}\n")


def _write(text: str, *, full: bool = False) -> None:
    sys.stdout.write(text if full else events_listing.with_short_tokens(text))
    sys.stdout.flush()


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
