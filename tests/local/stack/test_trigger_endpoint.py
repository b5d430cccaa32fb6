"""Scenarios: each ends with one event, and the app hears of it alone unless it asks for all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.operator.trigger_scenario import SCENARIOS
from local.stack.demo_settings import POLICIES
from local.stack.stack import Stack
from tests.clients.stack_client import events_about

if TYPE_CHECKING:
    from pathlib import Path

LEADS_TO = {"upload.replayed": ["upload.completed"], "procedure.finished": ["upload.completed"]}


@pytest.mark.parametrize("type_", SCENARIOS)
def test_app_hears_of_just_that_event(stack: Stack, type_: str) -> None:
    """The events before it are named in the answer, are in the journal, and do not reach the app."""
    answer = _trigger(stack, type=type_, user="teller", context="a scenario")
    outcome = answer.json()
    event = outcome["event"]
    withheld = [body["type"] for body in outcome["withheld"]]

    assert (answer.status_code, event["type"], outcome["answered"]) == (200, type_, 204)
    assert (event["data"]["uploader"], event["data"]["context"]) == ("teller", "a scenario")
    assert [it for it in withheld if it != "procedure.changed"] == LEADS_TO.get(type_, [])
    assert events_about(stack, id_=event["data"]["uploadId"]) == [event]
    kept = {row["id"] for row in requests.get(f"{stack.url}/local/journal", timeout=10).json()}
    assert {body["id"] for body in outcome["withheld"]} < kept


def test_app_hears_of_the_events_before_it_if_asked(stack: Stack) -> None:
    """In the order in which they happened."""
    outcome = _trigger(stack, type="upload.replayed", every=True).json()
    upload_id = outcome["event"]["data"]["uploadId"]
    events = events_about(stack, id_=upload_id, count=2)

    assert outcome["withheld"] == []
    assert [event["type"] for event in events] == ["upload.completed", "upload.replayed"]


def test_event_of_an_upload_after_its_scenario_reaches_the_app(stack: Stack) -> None:
    """What is triggered about the same upload afterwards is no part of the scenario."""
    upload_id = _trigger(stack, type="upload.completed").json()["event"]["data"]["uploadId"]
    [event] = events_about(stack, id_=upload_id)
    path = f"{stack.url}/local/journal/{event['id']}/retry"
    requests.post(path, timeout=10).raise_for_status()

    assert events_about(stack, id_=upload_id, count=2) == [event, event]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "type is one of upload.completed, upload.replayed, upload.expired, procedure.finished."),
        ({"type": "upload.completed", "ever": True}, "There is no member 'ever'."),
        ({"type": "upload.completed", "user": 7}, "user and context are texts, every is true or false."),
        (
            {"type": "upload.completed", "user": "\ud800"},
            "user and context are texts, every is true or false.",
        ),
        ({"type": "upload.completed", "waitSeconds": True}, "waitSeconds is a number from 0 to 3600."),
    ],
)
def test_wrong_request_is_400_and_says_why(stack: Stack, body: dict[str, object], sentence: str) -> None:
    """Nothing is uploaded."""
    answer = _trigger(stack, **body)

    assert (answer.status_code, answer.json()["detail"]) == (400, sentence)


def test_step_that_is_refused_is_409_and_says_why(stack: Stack) -> None:
    """The stack's own sentence comes through."""
    answer = _trigger(stack, type="upload.completed", user="No Name")

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("No token is made for this")


def test_event_that_does_not_come_is_409_and_says_where_to_look(stack: Stack) -> None:
    """A fault that loses VOD's event is the usual reason."""
    dial = f"{stack.url}/local/faults"
    requests.put(dial, json={"faults": [{"action": "Push", "kind": "drop"}]}, timeout=10).raise_for_status()
    answer = _trigger(stack, type="upload.completed", waitSeconds=1)

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("The app has not heard of upload.completed in time")


def test_policies_of_ones_own_are_used(tmp_path: Path) -> None:
    """Without a policy that starts a task flow there is no event of one."""
    policies = {"default": POLICIES["default"]}
    with Stack(folder=tmp_path, overrides={"UPLOAD_POLICIES": json.dumps(policies)}) as stack:
        answers = [_trigger(stack, type=it) for it in ("upload.completed", "procedure.finished")]

    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json()["detail"].startswith("No policy of this stack starts a task flow")


def _trigger(stack: Stack, **body: Any) -> requests.Response:  # noqa: ANN401  # JSON
    return requests.post(f"{stack.url}/local/trigger", json=body, timeout=60)
