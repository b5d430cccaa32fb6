"""Stop uploads without a deployment: of a user, a network, a policy, or everybody; and let them go on.

Who is on the list gets no signature, new or renewed, from his next request on; a signature that is
out stays good until it expires. The store is REDIS_URL (with STAGE) or, without that, the one of the
local stack that runs. Exit code: 0 done, 1 not done, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from local.operator.name_arguments import name
from local.operator.signature_inspection import iso_time
from local.operator.store_choice import NoStoreError, add_store_arguments, chosen_environment, chosen_store
from local.operator.time_arguments import span
from local.terminal_text import printable, table_of
from shared.addresses import network_named
from shared.errors import ConfigurationError, ServiceError
from shared.runtime import bootstrap
from shared.store.deny_list import Denied, DeniedKind, DenyStore

if TYPE_CHECKING:
    from collections.abc import Mapping

_DONE, _NOT_DONE, _WRONG_USAGE = 0, 1, 2
_COLUMNS = ("kind", "subject", "since", "until", "state", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    common = argparse.ArgumentParser(add_help=False)
    add_store_arguments(common)
    common.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, meaning: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=meaning, description=meaning, parents=[common])

    action("list", "who is on the list, until when and why")
    added = action("add", "put somebody on the list, or change his entry")
    _add_subject(added)
    added.add_argument(
        "--for",
        dest="lasts",
        type=span,
        default=0,
        metavar="TIME",
        help="90s, 10m, 2h, 3d (default: for good)",
    )
    added.add_argument("--reason", default="", metavar="TEXT", help="for those who read the list")
    _add_subject(action("remove", "take somebody off the list"))


def main(arguments: argparse.Namespace) -> int:
    """Run the chosen action and report any failure in one sentence."""
    try:
        deny_list = DenyStore(*chosen_store(chosen_environment(arguments)))
        return _ACTIONS[arguments.action](deny_list, arguments)
    except (NoStoreError, ConfigurationError) as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE
    except ServiceError as error:
        partly = "" if arguments.action == "list" else " It may be done in part."
        sys.stderr.write(f"{error}{partly}\n")
        return _NOT_DONE


def _list(deny_list: DenyStore, arguments: argparse.Namespace) -> int:
    now = int(bootstrap.now())
    rows = [
        _row(entry, is_whole=is_whole, now=now)
        for entry, is_whole in sorted(deny_list.denied().items(), key=lambda item: item[0].since)
    ]
    if arguments.json:
        sys.stdout.write(f"{_json(rows)}\n")
    else:
        sys.stdout.write(
            table_of(rows, _COLUMNS, shorten=("reason",)) if rows else "Nobody is on the list.\n"
        )
    return _DONE


def _add(deny_list: DenyStore, arguments: argparse.Namespace) -> int:
    kind, subject = _subject(arguments)
    now = int(bootstrap.now())
    until = now + arguments.lasts if arguments.lasts else 0
    entry = Denied(kind, subject, since=now, until=until, reason=arguments.reason)
    deny_list.deny(entry)
    lasts = f"until {iso_time(until)}" if until else "until it is taken off the list"
    said = f"No uploads for {_named(kind, subject)}, {lasts}."
    sys.stdout.write(f"{_json(_row(entry, is_whole=True, now=now)) if arguments.json else said}\n")
    return _DONE


def _remove(deny_list: DenyStore, arguments: argparse.Namespace) -> int:
    kind, subject = _subject(arguments)
    if not deny_list.allow(kind, subject):
        sys.stderr.write(f"There is no entry for {_named(kind, subject)}.\n")
        return _NOT_DONE
    said = f"Uploads go on for {_named(kind, subject)}."
    removed = {"kind": kind.value, "subject": subject or None, "removed": True}
    sys.stdout.write(f"{_json(removed) if arguments.json else said}\n")
    return _DONE


_ACTIONS = {"list": _list, "add": _add, "remove": _remove}


def _add_subject(parser: argparse.ArgumentParser) -> None:
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("--user", type=name, metavar="ID", help="his id, as events name him")
    subject.add_argument(
        "--network",
        type=_network,
        metavar="ADDRESS",
        help="an IP address, or /24 or /16, /64, /48 or /32 of IPv6",
    )
    subject.add_argument("--policy", type=name, metavar="NAME", help="all uploads under this policy")
    subject.add_argument("--everybody", action="store_true", help="all uploads")


def _network(text: str) -> str:
    network = network_named(text)
    if network is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no IP address, and no network of /24 or /16 (IPv4), /64, /48 or /32 (IPv6)"
        )
    return network


def _subject(arguments: argparse.Namespace) -> tuple[DeniedKind, str]:
    named = {
        DeniedKind.USER: arguments.user,
        DeniedKind.NETWORK: arguments.network,
        DeniedKind.POLICY: arguments.policy,
    }
    return next(
        ((kind, subject) for kind, subject in named.items() if subject is not None),
        (DeniedKind.EVERYBODY, ""),
    )


def _named(kind: DeniedKind, subject: str) -> str:
    return kind.value if kind is DeniedKind.EVERYBODY else f"{kind.value} {printable(subject)}"


def _json(document: object) -> str:
    return json.dumps(document, indent=2)


def _row(entry: Denied, *, is_whole: bool, now: int) -> Mapping[str, object]:
    state = "denied" if is_whole else "in part: add it again"
    return {
        "kind": entry.kind.value,
        "subject": entry.subject or None,
        "since": iso_time(entry.since),
        "until": iso_time(entry.until) if entry.until else None,
        "state": "over" if entry.is_over(now=now) else state,
        "reason": entry.reason or None,
    }
