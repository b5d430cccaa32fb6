"""The doctor's checks of the functions that users call, and of a user's token."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from local.stack.demo_settings import user_token
from tests.local.doctor.seeded import problem
from tests.shared.loopback_peer import HttpPeer

if TYPE_CHECKING:
    from tests.local.doctor.patient import Patient

OPEN = {"AUTH_MODE": "anonymous", "ANONYMOUS_KEY": "k" * 32, "ANONYMOUS_IN_CLOUD": "anybody-may-upload"}


def test_token_is_explained_and_tried(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token from standard input passes every check, and an upload that nobody has begun is not found."""
    token = user_token(patient.stack.environment, user="alice", ttl_seconds=600)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(f"{token}\n".encode())))
    outcome = patient.examine("--token", "-")

    assert outcome.named("token")[0]["detail"].startswith("it passes all ")
    assert outcome.named("token at upload_status")[0]["detail"] == "accepted, and its store answers"
    assert token not in str(outcome.document)


def test_token_that_is_refused_here_and_there_is_one_fault(patient: Patient) -> None:
    """The function refuses what its settings refuse: only the token is wrong."""
    token = user_token(patient.stack.environment, user="alice", ttl_seconds=-600)
    outcome = patient.examine("--token", token)

    assert outcome.at("fault") == ["token: exp"]
    assert outcome.named("token: exp")[0]["detail"].startswith("expired: ")
    assert outcome.level_of("token at upload_status") == "ok"


def test_url_that_nobody_names_is_not_looked_at(patient: Patient) -> None:
    """Of a deployment whose URLs are not given, it is said which option gives them."""
    token = user_token(patient.stack.environment, user="alice", ttl_seconds=600)
    patient.examine()
    outcome = patient.run(patient.environment(), "--env-file", str(patient.file), "--token", token)

    assert ["--signature-url" in outcome.named("upload_signature URL")[0]["detail"]] == [True]
    assert {"upload_signature URL", "upload_status URL", "token at upload_status"} <= set(
        outcome.at("skipped")
    )


def test_deployment_without_tokens_asks_for_none(patient: Patient) -> None:
    """With AUTH_MODE=anonymous a wrong token is no reason to refuse, and none is explained."""
    with HttpPeer(lambda _request: problem(400, "invalid-request")) as peer:
        outcome = patient.examine("--token", "any", "--signature-url", peer.url, CORS_ORIGINS=None, **OPEN)

    assert outcome.level_of("upload_signature URL") == "ok"
    assert outcome.level_of("token") == "skipped"
    assert [request.body for request in peer.received if request.body] == [b"[]"]


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_number_of_instances_is_one(patient: Patient, number: str) -> None:
    """Anything else is wrong usage."""
    with pytest.raises(SystemExit, match="2"):
        patient.examine("--instances", number)
