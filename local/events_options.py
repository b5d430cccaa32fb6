"""What `python -m local events` can be told on its command line.

What is done about it is left to `local.events_command`.
"""

from __future__ import annotations

import argparse
import re
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from local.events_retry import RETRIABLE
from shared.operator_store import EventQuery, EventState

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALL = "all"
_AGO = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--redis-url", metavar="URL", help="the store (default REDIS_URL, or the local stack's)"
    )
    common.add_argument("--stage", help="whose events (default STAGE, or dev)")
    common.add_argument(
        "--folder", type=Path, default=Path(".local"), help="the local stack's (default %(default)s)"
    )
    common.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, meaning: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=meaning, description=meaning, parents=[common])

    shown = action("list", "the newest events, in the order they came")
    _add_filters(shown, [*(state.value for state in EventState), _ALL], default=_ALL)
    shown.add_argument("--limit", type=_count, default=50, metavar="N", help="how many (default %(default)s)")
    _add_full(shown)

    one = action("show", "all there is of one event")
    one.add_argument("event_id", metavar="EVENT_ID", help="evt_… or parked_…, or how no other id begins")
    _add_full(one)

    again = action("retry", "make events due at once, under the ids they have")
    again.add_argument("event_ids", nargs="*", metavar="EVENT_ID", help="as for show")
    _add_filters(again, [state.value for state in RETRIABLE], default=None)
    _add_yes(again)

    lines = action("replay", "take in the events that log lines hold (event.unjournaled)")
    lines.add_argument("file", type=Path, metavar="FILE", help="- reads standard input")
    _add_yes(lines)

    endpoint = action("endpoint", "how the app's endpoint does")
    endpoint.add_argument("--enable", action="store_true", help="deliver to it again after its 410")


def query_of(arguments: argparse.Namespace) -> EventQuery:
    """Read which events are meant."""
    state = None if arguments.state == _ALL else EventState(arguments.state)
    return EventQuery(state, arguments.since, arguments.until, arguments.upload)


def _add_filters(parser: argparse.ArgumentParser, states: Iterable[str], *, default: str | None) -> None:
    parser.add_argument("--state", choices=list(states), default=default, help="only events of this state")
    parser.add_argument("--upload", metavar="ID", help="only events of this upload")
    time_help = "received then or {}: an ISO time (UTC unless it says otherwise), or 90s, 10m, 2h, 3d ago"
    parser.add_argument("--since", type=_moment, metavar="TIME", help=time_help.format("later"))
    parser.add_argument("--until", type=_moment, metavar="TIME", help=time_help.format("earlier"))


def _add_full(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--full", action="store_true", help="show sealed tokens whole, as a replay needs them"
    )


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do it; without this only say what would be done")


def _moment(text: str) -> int:
    ago = _AGO.fullmatch(text)
    if ago:
        return int(time.time()) - int(ago[1]) * _UNIT_SECONDS[ago[2]]
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return int((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp())
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time such as 2026-11-22T07:05:00Z nor one such as 10m"
        ) from None


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 999999")
    return int(text)
