"""Ask a real VOD application what its documents leave open, and compare its answers with the simulator's.

The keys come from the environment, as the functions have them: VOD_SECRET_ID, VOD_SECRET_KEY and
VOD_SUB_APP_ID, or from --env-file or --stage. Take an application that serves nobody. Without --yes only
what stores nothing is asked. Exit code: 0 no difference, 1 a difference or a failure, 2 wrong usage.
"""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local.conformance import report
from local.conformance.account import Account, Pace, Permissions
from local.conformance.cleanup import Removal, clean_up
from local.conformance.examination import Answered, Outcome, Verdict, ask_all, compare
from local.conformance.plan import plan
from local.conformance.preparation import UsageError, account_of, check_keys, prepare_folder, receiver_of
from local.conformance.question import Question, objection
from local.conformance.questions import QUESTIONS
from local.conformance.redaction import Redactor
from local.conformance.reference import simulated_subject
from local.conformance.subject import Subject
from local.doctor.sources import SourceError
from local.operator.number_arguments import port_number, whole_number
from local.operator.settings_source import add_deployment_arguments

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

_SAME, _DIFFERENT, _WRONG_USAGE = 0, 1, 2
_POLL_SECONDS, _PATIENCE_SECONDS, _SILENCE_SECONDS = 1.0, 120.0, 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_deployment_arguments(parser)
    parser.add_argument("--list", action="store_true", help="list the questions, and ask none")
    parser.add_argument("--only", action="append", metavar="ID", help="ask this one; may be repeated")
    parser.add_argument("--yes", action="store_true", help="ask what costs too: files are stored and deleted")
    parser.add_argument(
        "--set-events",
        action="store_true",
        help="set the event configuration and pull the queue; it is put back, but for an unknown SignKey",
    )
    parser.add_argument("--procedure", default="", help="a task-flow template that may process a file")
    parser.add_argument("--push-url", metavar="URL", help="a public URL that leads to --push-port here")
    parser.add_argument(
        "--push-port", type=port_number, default=8099, metavar="PORT", help="default %(default)s"
    )
    parser.add_argument(
        "--wait",
        type=whole_number(0, 86_400),
        default=60,
        metavar="SECONDS",
        help="the most that a question waits for (default %(default)s)",
    )
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="write redacted answers there")
    parser.add_argument("--vod-endpoint", metavar="URL", help="one address for all of VOD: a simulator's")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")


def main(arguments: argparse.Namespace) -> int:
    """Show the plan, ask, clean up, compare and report."""
    try:
        questions = _chosen(arguments.only)
        if arguments.list:
            sys.stdout.write(report.listing(questions))
            return _SAME
        account = account_of(arguments)
        prepare_folder(arguments.record)
        return _examine(arguments, questions, account)
    except (UsageError, SourceError) as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE


def _examine(arguments: argparse.Namespace, questions: Sequence[Question], account: Account) -> int:
    permissions = Permissions(
        cost=arguments.yes,
        set_events=arguments.set_events,
        procedure=arguments.procedure,
        wait=arguments.wait,
    )
    pace = Pace(time.time, time.sleep, _POLL_SECONDS, _PATIENCE_SECONDS, _SILENCE_SECONDS)
    with contextlib.ExitStack() as opened:
        receiver = opened.enter_context(receiver_of(arguments)) if arguments.push_url else None
        subject = Subject(account, pace, permissions, receiver=receiver)
        opened.callback(subject.http.close)
        sys.stderr.write(plan(questions, permissions, has_receiver=receiver is not None))
        check_keys(subject)
        begun = time.time()
        answers, removal = _answers(subject, questions, has_receiver=receiver is not None)
    outcomes = compare(questions, answers, _simulated(account, permissions, questions, answers))
    redactor = _redactor(account, outcomes, begun)
    if arguments.json:
        shown = json.dumps(report.document(outcomes, removal, redactor), indent=2, ensure_ascii=False) + "\n"
    else:
        shown = report.text(outcomes, removal)
    sys.stdout.write(shown)
    sys.stdout.flush()
    if arguments.record is not None:
        report.record(arguments.record, outcomes, redactor)
    verdicts = {outcome.verdict for outcome in outcomes}
    return _DIFFERENT if verdicts & {Verdict.DIFFERENT, Verdict.FAILED} else _SAME


def _answers(
    subject: Subject, questions: Sequence[Question], *, has_receiver: bool
) -> tuple[dict[str, Answered], Removal]:
    """Ask all questions and delete what they made, after an interrupt too."""
    ended = False
    with _terminated_as_interrupted():
        try:
            answers = ask_all(
                subject,
                questions,
                objection=lambda one: objection(one, subject.permissions, has_receiver=has_receiver),
                report=_show_progress,
            )
            ended = True
        finally:
            removal = clean_up(subject)
            if not ended:
                sys.stderr.write(report.removed(removal))
    return answers, removal


def _simulated(
    account: Account,
    permissions: Permissions,
    questions: Sequence[Question],
    answers: dict[str, Answered],
) -> dict[str, Answered]:
    asked = [one for one in questions if answers[one.id].answer is not None]
    # What the simulator refuses is its answer, and no news.
    logging.getLogger("local.simulator").addHandler(logging.NullHandler())
    with simulated_subject(account.sub_app_id, permissions) as simulated:
        return ask_all(simulated, asked, objection=lambda _question: "")


def _redactor(account: Account, outcomes: Sequence[Outcome], begun: float) -> Redactor:
    secrets = (account.secret_id, account.secret_key, account.sign_key, *account.api_credentials)
    redactor = Redactor(secrets, begun=begun)
    for outcome in outcomes:
        redactor.learn(outcome.real.exchanges)
    return redactor


def _chosen(only: list[str] | None) -> tuple[Question, ...]:
    if not only:
        return QUESTIONS
    unknown = sorted(set(only) - {question.id for question in QUESTIONS})
    if unknown:
        raise UsageError(f"There is no question {unknown[0]!r}: --list names them.")
    return tuple(question for question in QUESTIONS if question.id in only)


def _show_progress(question: Question) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"asking {question.id}\n")


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """End on SIGTERM as on an interrupt, after the cleaning up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
