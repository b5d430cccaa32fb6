"""Ask an account the questions, one after the other, and compare its answers with another's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from local.conformance.called import NotAskedError, StepFailedError
from local.conformance.http_calls import NoAnswerError
from local.conformance.shapes import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from local.conformance.question import Question
    from local.conformance.shapes import Answer, Difference
    from local.conformance.subject import Subject

_MARGIN_SECONDS = 120


class Verdict(str, Enum):
    """How an answer compares; `failed`: it ended before there was one."""

    SAME = "same"
    DIFFERENT = "different"
    NOT_ASKED = "not asked"
    FAILED = "failed"


@dataclass(frozen=True)
class Answered:
    """One account's answer to a question; None with the reason, if there is none."""

    answer: Answer | None
    reason: str = ""
    failed: bool = False
    exchanges: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A question with both answers."""

    question: Question
    real: Answered
    simulated: Answered

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The facts that differ."""
        if self.real.answer is None or self.simulated.answer is None:
            return ()
        return differences(self.real.answer, self.simulated.answer)

    @property
    def verdict(self) -> Verdict:
        """How the answers compare."""
        for answered in (self.real, self.simulated):
            if answered.answer is None:
                return Verdict.FAILED if answered.failed else Verdict.NOT_ASKED
        return Verdict.DIFFERENT if self.differences else Verdict.SAME

    @property
    def reason(self) -> str:
        """Why there is no comparison; empty if there is one."""
        if self.real.reason or not self.simulated.reason:
            return self.real.reason
        return f"the simulator: {self.simulated.reason}"


def ask_all(
    subject: Subject,
    questions: Iterable[Question],
    *,
    objection: Callable[[Question], str],
    report: Callable[[Question], None] = lambda _question: None,
) -> dict[str, Answered]:
    """Ask every question to which there is no objection; `report` is called before each.

    A question that fails is an answer too, and the next is asked.
    """
    answers = {}
    for question in questions:
        reason = objection(question)
        if reason:
            answers[question.id] = Answered(None, reason)
            continue
        report(question)
        answers[question.id] = ask(subject, question)
    return answers


def ask(subject: Subject, question: Question) -> Answered:
    """Ask one question."""
    pace, seconds = subject.pace, question.cost.seconds
    waits = max(seconds, subject.permissions.wait) if seconds else 0
    subject.http.begin(_MARGIN_SECONDS + waits + 3 * (pace.patience + pace.silence))
    answer, reason, failed = None, "", True
    try:
        answer, failed = question.ask(subject), False
    except NotAskedError as error:
        reason, failed = str(error), False
    except (StepFailedError, NoAnswerError) as error:
        reason = str(error)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        # The answer lacks what the question reads in it, or has it in another form.
        reason = f"a reply is not as expected: {type(error).__name__} {str(error)[:60]}"
    return Answered(answer, reason, failed, tuple(subject.http.exchanges))


def compare(
    questions: Sequence[Question], real: Mapping[str, Answered], simulated: Mapping[str, Answered]
) -> tuple[Outcome, ...]:
    """Pair the answers to each question; the simulator's may lack what VOD was not asked."""
    nothing = Answered(None, "was not asked")
    return tuple(Outcome(one, real[one.id], simulated.get(one.id, nothing)) for one in questions)
