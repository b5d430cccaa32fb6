"""Fixtures of the kit's tests: what the simulator answers, and a simulator that is asked as VOD would be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import requests

from local.conformance.account import Account, Pace, Permissions
from local.conformance.examination import ask_all, compare
from local.conformance.push_receiver import PushReceiver
from local.conformance.questions import QUESTIONS
from local.conformance.reference import simulated_subject
from local.conformance.subject import Subject
from local.simulator import Procedure, RoleCredential
from tests.local.conformance.planting import Planting
from tests.local.simulator.account import SECRET_ID, SECRET_KEY
from tests.local.simulator.account import Account as ServedAccount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from local.conformance.examination import Answered, Outcome
    from local.conformance.question import Question
    from tests.local.conformance.plants import Plant

SUB_APP_ID = 1500054321
ROLE = RoleCredential("AKIDrole", "key-of-the-role", "token-of-the-role")
EVERYTHING = Permissions(cost=True, set_events=True, procedure="Demo", wait=float("inf"))


@dataclass
class Peer:
    """A simulator in VOD's place, with a table of changed replies and its events' receiver."""

    served: ServedAccount
    planting: Planting
    receiver: PushReceiver
    reference: Mapping[str, Answered]

    @property
    def account(self) -> Account:
        """How the kit knows it."""
        return Account(
            secret_id=SECRET_ID,
            secret_key=SECRET_KEY,
            api_credentials=(ROLE.secret_id, ROLE.secret_key, ROLE.token),
            sub_app_id=SUB_APP_ID,
            endpoint=self.served.url,
        )

    def subject(self, *, patience: float = 20.0) -> Subject:
        """Return what asks it, on its own clock."""
        pace = Pace(self.served.clock, self._wait, poll=0.01, patience=patience, silence=0.01)
        return Subject(self.account, pace, EVERYTHING, receiver=self.receiver)

    def outcomes(self, questions: Iterable[Question], *, patience: float = 20.0) -> dict[str, Outcome]:
        """Ask it these questions and compare."""
        asked = tuple(questions)
        answers = ask_all(self.subject(patience=patience), asked, objection=lambda _question: "")
        return {outcome.question.id: outcome for outcome in compare(asked, answers, self.reference)}

    def plant(self, plant: Plant) -> None:
        """Change it as the plant says."""
        if plant.switches:
            address = f"{self.served.url}/local/simulator/faults"
            requests.put(address, json={"switches": plant.switches}, timeout=10).raise_for_status()
        if plant.configuration:
            self.served.configure(**plant.configuration)
        self.planting.changes = plant.changes

    def _wait(self, seconds: float) -> None:
        self.served.clock.moved_by += seconds


@pytest.fixture(scope="session")
def reference() -> Mapping[str, Answered]:
    """Return what the kit's own simulator answers to every question."""
    with simulated_subject(SUB_APP_ID, EVERYTHING) as subject:
        return ask_all(subject, QUESTIONS, objection=lambda _question: "")


@pytest.fixture(scope="session")
def served_peer(
    tmp_path_factory: pytest.TempPathFactory, reference: Mapping[str, Answered]
) -> Iterator[Peer]:
    """Start one simulator for all of these tests."""
    procedures = (Procedure("Demo"),)
    folder = tmp_path_factory.mktemp("vod")
    settings = {"sub_app_ids": (SUB_APP_ID,), "procedures": procedures, "role_credentials": (ROLE,)}
    with ServedAccount(folder, pull_wait_seconds=0.02, **settings) as served, PushReceiver() as receiver:
        planting = Planting(served.simulator.app)
        served.replies.app = planting
        yield Peer(served, planting, receiver, reference)
        # What was planted is not as it is declared.
        served.replies.wrong.clear()


@pytest.fixture
def peer(served_peer: Peer) -> Iterator[Peer]:
    """Return the simulator in VOD's place, without a difference, and take it back to that afterwards."""
    _reset(served_peer)
    yield served_peer
    _reset(served_peer)


def _reset(peer: Peer) -> None:
    peer.planting.changes = {}
    peer.served.reset()
    peer.served.configure(
        storage_upload_domain="",
        mini_program_accelerate_host="",
        credential_seconds=peer.served.settings.credential_seconds,
        delete_complete_event=False,
    )
    peer.receiver.received.clear()
