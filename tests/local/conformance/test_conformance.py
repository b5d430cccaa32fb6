"""The kit names every planted difference, by the right question, and none where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.conformance.examination import Verdict
from local.conformance.questions import QUESTIONS
from local.simulator import push_sender
from local.simulator.switches import POSITIONS
from tests.local.conformance.plants import PLANTS, Plant

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.conformance.examination import Outcome
    from tests.local.conformance.conftest import Peer

BY_ID = {question.id: question for question in QUESTIONS}
CONFINED = (
    "a repeated Apply is answered",
    "Commit does not check expiry",
    "Commit's context counts",
    "a cover change has an event",
    "the index has the time of Apply",
    "a credential lives for two hours",
    "the bucket's ETag cannot be read by a page",
    "POST Object answers 204",
    "no region is the default",
    "a repeated SessionId has another code",
    "an event may be confirmed twice",
    "the queue's length is unknown",
    "the last page of ListParts has a marker",
    "the event configuration tells the SignKey",
)
"""Plants that do not stand in each other's way, so that one run can have them all."""


def test_simulator_does_not_differ_from_itself(peer: Peer) -> None:
    """Where nothing was planted, every question is asked and has the same answer."""
    outcomes = peer.outcomes(QUESTIONS)

    assert {name: _told(one) for name, one in outcomes.items() if one.verdict is not Verdict.SAME} == {}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.what.replace(" ", "-"))
def test_planted_difference_is_named(peer: Peer, plant: Plant) -> None:
    """The questions about it differ, in the facts that it changed."""
    peer.plant(plant)
    outcomes = peer.outcomes([BY_ID[name] for name in plant.named], patience=plant.patience)

    for name, fact in plant.named.items():
        told = _told(outcomes[name])
        assert any(one.startswith(fact) for one in told), (name, told)


def test_planted_differences_are_named_by_no_other_question(peer: Peer) -> None:
    """With many planted at once, the questions about them differ, and all others have the same answer."""
    plants = [plant for plant in PLANTS if plant.what in CONFINED]
    peer.plant(
        Plant(
            "all of them",
            {name: fact for plant in plants for name, fact in plant.named.items()},
            switches={name: position for plant in plants for name, position in plant.switches.items()},
            configuration={name: value for plant in plants for name, value in plant.configuration.items()},
            changes={action: change for plant in plants for action, change in plant.changes.items()},
        )
    )
    outcomes = peer.outcomes(QUESTIONS)
    different = {name for name, one in outcomes.items() if one.verdict is not Verdict.SAME}

    assert len(plants) == len(CONFINED)
    assert different == {name for plant in plants for name in plant.named}


def test_every_switch_is_planted() -> None:
    """Each has a question, which its other position answers differently."""
    assert {name for plant in PLANTS for name in plant.switches} == set(POSITIONS)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda event: {**event, "Sign": event["Sign"].upper()}, "Sign"),
        (lambda event: {**event, "T": str(event["T"])}, "members: T"),
        (lambda event: {name: event[name] for name in event if name != "T"}, "members: T"),
        (lambda event: {**event, "T": event["T"] + 3600}, "T is ten minutes ahead"),
    ],
)
def test_planted_callback_signature_is_named(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], dict[str, object]], fact: str
) -> None:
    """Letter case, type, place and time of Sign and T are facts of their own."""
    signed = push_sender.signed_push

    def planted(event: dict[str, object], *, sign_key: str, now: float) -> dict[str, object]:
        whole = signed(event, sign_key=sign_key, now=now)
        return change(whole) if sign_key else whole

    monkeypatch.setattr(push_sender, "signed_push", planted)
    outcome = peer.outcomes([BY_ID["push-sign"]])["push-sign"]

    assert any(one.startswith(fact) for one in _told(outcome)), _told(outcome)


def _told(outcome: Outcome) -> list[str]:
    return [one.path for one in outcome.differences] or [f"{outcome.verdict.value}: {outcome.reason}"]
