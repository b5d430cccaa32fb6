"""The command line of `python -m local events`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from local.operator.event_store import EventQuery
from local.operator.events_retry import RETRIABLE
from local.operator.number_arguments import whole_number
from local.operator.store_choice import add_store_arguments
from local.operator.time_arguments import point_in_time
from shared.domain.event_status import EventStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    common = argparse.ArgumentParser(add_help=False)
    add_store_arguments(common)
    common.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, meaning: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=meaning, description=meaning, parents=[common])

    shown = action("list", "the newest events, in the order they came")
    _add_filters(shown, [*(status.value for status in EventStatus), _ALL], default=_ALL)
    shown.add_argument(
        "--limit",
        type=whole_number(1, 999_999),
        default=50,
        metavar="N",
        help="how many (default %(default)s)",
    )
    _add_full(shown)

    one = action("show", "all there is of one event")
    one.add_argument("event_id", metavar="EVENT_ID", help="evt_… or parked_…, or how no other id begins")
    _add_full(one)

    again = action("retry", "make events due at once, under the ids they have")
    again.add_argument("event_ids", nargs="*", metavar="EVENT_ID", help="as for show")
    _add_filters(again, [status.value for status in RETRIABLE], default=None)
    _add_yes(again)

    lines = action("replay", "take in the events that log lines hold (event.unjournaled)")
    lines.add_argument("file", type=Path, metavar="FILE", help="- reads standard input")
    _add_yes(lines)

    endpoint = action("endpoint", "how the app's endpoint does, or each of APP_WEBHOOKS")
    endpoint.add_argument("name", nargs="?", metavar="NAME", help="of APP_WEBHOOKS this one alone")
    endpoint.add_argument("--enable", action="store_true", help="deliver to it again after 410, or a pause")


def query_of(arguments: argparse.Namespace) -> EventQuery:
    """Return the query that the arguments ask for."""
    status = None if arguments.state == _ALL else EventStatus(arguments.state)
    return EventQuery(status, arguments.since, arguments.until, arguments.upload)


def _add_filters(parser: argparse.ArgumentParser, states: Iterable[str], *, default: str | None) -> None:
    parser.add_argument("--state", choices=list(states), default=default, help="only events of this state")
    parser.add_argument("--upload", metavar="ID", help="only events of this upload")
    time_help = "received then or {}: an ISO time (UTC unless it says otherwise), or 90s, 10m, 2h, 3d ago"
    parser.add_argument("--since", type=point_in_time, metavar="TIME", help=time_help.format("later"))
    parser.add_argument("--until", type=point_in_time, metavar="TIME", help=time_help.format("earlier"))


def _add_full(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--full", action="store_true", help="show sealed tokens whole, as a replay needs them"
    )


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do it; without this only say what would be done")
