"""Send an event from the simulated VOD, and show what the app receives of it.

The event is a recorded one of any type, or that of a file. With --upload or --user it carries the
genuine token of an upload. A type of the app's own events, such as upload.replayed, is a scenario: a tiny
file is really uploaded, and the app hears of that event alone; with --every, of those before it too.
Exit code: 0 the app has its event, 1 it has none, 2 wrong usage.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.operator.number_arguments import number
from local.operator.sample_events import SampleError, sample_names
from local.operator.trigger_event import (
    CONTEXT_CARRIERS,
    EventError,
    StackError,
    change,
    event_from_file,
    event_from_sample,
    put_token,
)
from local.operator.trigger_scenario import LONGEST_WAIT, SCENARIOS, Scenario
from local.operator.trigger_stack import TriggerStack
from local.stack_choice import NoStackError, add_stack_arguments, chosen_stack
from shared.domain.event_status import EventStatus
from shared.domain.upload_id import is_upload_id
from shared.errors import ServiceError
from shared.vod.lenient_json import as_text

if TYPE_CHECKING:
    import argparse

    from local.operator.trigger_event import UploadSubject
    from local.operator.trigger_stack import Outcome

_DONE, _NOT_DONE, _WRONG_USAGE = 0, 1, 2
_USER = "alice"
_REAL_FILE = "With --upload of a finished upload it is about its real file"
_REASONS = {
    EventStatus.QUARANTINED: "it is quarantined, because VOD keeps another token with that file. "
    + _REAL_FILE,
    EventStatus.HELD: "it is held until VOD says whose file it is ({problem}). " + _REAL_FILE,
    EventStatus.DUE: "the app has not taken it yet ({problem}); it is tried again",
    EventStatus.DEAD: "the app has not taken it, and it is not tried again ({problem})",
    EventStatus.KEPT: "it is in the journal, and no webhook is set up",
    EventStatus.PARKED: "it could not be taken in, and is parked",
    EventStatus.DELIVERED: "it was delivered, and the app's receiver does not show it",
}


class _UsageError(Exception):
    """Wrong usage; the message is a sentence for the operator."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "event",
        nargs="?",
        metavar="EVENT",
        help=f"a type of VOD's, which --list shows; or a scenario: {', '.join(SCENARIOS)}",
    )
    parser.add_argument("--list", action="store_true", help="list the event types")
    parser.add_argument("--file", type=Path, help="send the event of this file, one JSON object, instead")
    parser.add_argument(
        "--upload", metavar="ID", help="make it about this upload, and its real file if it has one"
    )
    parser.add_argument(
        "--user", help=f"whose upload that is (default {_USER}); without --upload a new one is begun"
    )
    parser.add_argument("--context", metavar="TEXT", help="the app's own text of the upload begun")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change a member, as in FileUploadEvent.MediaBasicInfo.Name=talk; may be given again",
    )
    parser.add_argument(
        "--every", action="store_true", help="of a scenario: the app hears of the events before it as well"
    )
    parser.add_argument(
        "--wait",
        type=number(0, LONGEST_WAIT),
        default=15.0,
        metavar="SECONDS",
        help="for the app's event (default %(default)s)",
    )
    add_stack_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")


def main(arguments: argparse.Namespace) -> int:
    """Send the event, wait for the app's, and report any failure in one sentence."""
    try:
        if arguments.list:
            names = sample_names()
            sys.stdout.write(
                json.dumps(names) + "\n" if arguments.json else "".join(f"{name}\n" for name in names)
            )
            return _DONE
        if arguments.event in SCENARIOS:
            return _run(arguments)
        _check(arguments)
        with contextlib.closing(TriggerStack(chosen_stack(arguments))) as stack:
            event = _event(arguments, stack)
            outcome = stack.send(event, wait_seconds=arguments.wait)
    except (_UsageError, NoStackError, SampleError, EventError) as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE
    except ServiceError as error:
        sys.stderr.write(f"{error.detail}\n")
        return _NOT_DONE
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return _NOT_DONE
    return _report(event, outcome, as_json=arguments.json)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.file or arguments.upload or arguments.set:
        raise _UsageError(f"{arguments.event} is a scenario: only --user, --context, --every and --wait fit.")
    scenario = Scenario(
        arguments.event, arguments.user or _USER, arguments.context, arguments.every, arguments.wait
    )
    with contextlib.closing(TriggerStack(chosen_stack(arguments))) as stack:
        outcome = stack.run_scenario(scenario)
    if arguments.json:
        sys.stdout.write(json.dumps(outcome) + "\n")
        return _DONE
    event = json.dumps(outcome["event"], indent=2, ensure_ascii=False)
    sys.stdout.write(
        f"The app has heard of {scenario.type}, and has answered {outcome['answered']}:\n{event}\n"
    )
    if outcome["withheld"]:
        withheld = ", ".join(f"{body['type']} ({body['id']})" for body in outcome["withheld"])
        sys.stdout.write(f"Withheld from the app, which --every does not do: {withheld}.\n")
    return _DONE


def _check(arguments: argparse.Namespace) -> None:
    if arguments.every:
        raise _UsageError(f"--every is for a scenario: {', '.join(SCENARIOS)}.")
    if arguments.event is None and arguments.file is None:
        raise _UsageError("Name an event type, or a --file: --list shows the types.")
    if arguments.context is not None and (arguments.upload is not None or arguments.user is None):
        raise _UsageError("--context is for a new upload: give it with --user, and without --upload.")
    if arguments.upload is not None and not is_upload_id(arguments.upload):
        raise _UsageError("--upload: an uploadId has 26 letters and digits.")


def _event(arguments: argparse.Namespace, stack: TriggerStack) -> dict[str, Any]:
    event = None if arguments.file is None else event_from_file(arguments.file)
    name = arguments.event if event is None else as_text(event.get("EventType"))
    if arguments.event not in (None, name):
        raise _UsageError(f"The event in {arguments.file} is of type {name}.")
    carries_context = name in CONTEXT_CARRIERS
    if not carries_context and arguments.user is not None and arguments.upload is None:
        raise _UsageError(f"{name} carries no context, so it cannot be of a user's new upload.")
    subject = _subject(arguments, stack)
    if event is None:
        event = event_from_sample(name, subject)
    if subject is not None and carries_context:
        put_token(event, subject.token)
    for wish in arguments.set:
        change(event, wish)
    return event


def _subject(arguments: argparse.Namespace, stack: TriggerStack) -> UploadSubject | None:
    if arguments.upload is not None:
        return stack.upload(arguments.upload, arguments.user or _USER)
    return None if arguments.user is None else stack.new_upload(arguments.user, arguments.context)


def _report(event: dict[str, Any], outcome: Outcome, *, as_json: bool) -> int:
    why = None if outcome.received else _reason(outcome)
    if as_json:
        document = {"eventId": outcome.event_id, "sent": event, "event": outcome.received, "why": why}
        sys.stdout.write(json.dumps(document) + "\n")
    elif outcome.received:
        shown = json.dumps(outcome.received, indent=2, ensure_ascii=False)
        sys.stdout.write(f"VOD has sent {event.get('EventType')}, and the app has heard of it:\n{shown}\n")
    else:
        sys.stderr.write(f"VOD has sent {event.get('EventType')}, and the app has heard nothing: {why}.\n")
    return _DONE if outcome.received else _NOT_DONE


def _reason(outcome: Outcome) -> str:
    """Return why no event has come, in words that continue after a colon."""
    if outcome.was_known:
        return f"the journal had it already as {outcome.event_id}, and --set makes another event of it"
    if outcome.kept is None:
        return (
            "it has not reached the journal. GET /local/faults says whether a fault struck, and "
            "functions.log in the stack's folder what the functions made of it"
        )
    problem = outcome.kept.record.get("problem", "").rstrip(".") or "no attempt has ended yet"
    return f"{_REASONS[outcome.kept.status].format(problem=problem)} ({outcome.event_id})"
