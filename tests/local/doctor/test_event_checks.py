"""The event configuration: what the doctor finds, and what --fix changes."""

from __future__ import annotations

import io
import json
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.simulator import SimulatorSettings
from shared.vod.notification import callback_signature_matches, parse_notification
from tests.shared.loopback_peer import HttpPeer, Received, Reply

if TYPE_CHECKING:
    import redis

    from tests.local.doctor.patient import Patient

OLD_TOKEN = "canary-of-the-older-callback-token"
APPLICATION = SimulatorSettings.app_id
"""The account's main application, by its own number."""


class Terminal(io.StringIO):
    """A terminal whose user has one answer."""

    def isatty(self) -> bool:
        """Return True: it is a terminal."""
        return True


@pytest.mark.parametrize(
    ("changes", "words", "check"),
    [
        ({"upload_complete": "OFF"}, (), "upload-complete switch"),
        ({"notification_url": "https://elsewhere.example.test/hook"}, (), "callback URL in VOD"),
        ({"notification_url": "http://[broken"}, (), "callback URL in VOD"),
        ({"notification_url": ""}, (), "callback URL in VOD"),
        ({"mode": "PULL"}, ("--mode", "push"), "mode"),
        ({}, ("--mode", "pull"), "mode"),
    ],
)
def test_wrong_event_configuration_is_found_and_fix_mends_it(
    patient: Patient, changes: dict[str, Any], words: tuple[str, ...], check: str
) -> None:
    """Each way in which VOD can be set wrong is one fault; after --fix --yes there is none."""
    patient.set_event_configuration(replace(patient.event_configuration(), **changes))
    before = patient.examine(*words)
    fixed = patient.examine(*words, "--fix", "--yes")
    after = patient.examine(*words)

    assert (before.code, before.at("fault")) == (1, [check])
    assert "--fix" in before.named(check)[0]["advice"]
    assert (fixed.code, fixed.document["fix"]["applied"]) == (0, True)
    assert len(fixed.document["fix"]["changes"]) == 1
    assert (after.code, after.at("fault")) == (0, [])


def test_token_that_is_not_ours_is_found_without_being_told_the_url(patient: Patient) -> None:
    """Where nobody says what the callback URL is, its token still has to be one of ours."""
    present = patient.event_configuration()
    stranger = f"{patient.callback_base}/a-path-that-nobody-should-see"
    patient.set_event_configuration(replace(present, notification_url=stranger))
    outcome = patient.run(patient.environment(), "--env-file", _env_file(patient))

    assert outcome.at("fault") == ["callback URL in VOD"]
    assert "nobody-should-see" not in str(outcome.document)
    assert outcome.level_of("callback URL") == "skipped"


def test_older_token_is_a_warning_and_fix_moves_to_the_newest(patient: Patient) -> None:
    """During a rotation VOD may still call with the older token, until somebody moves it on."""
    newest = patient.stack.environment["CALLBACK_TOKENS"]
    tokens = f"{newest},{OLD_TOKEN}"
    old_url = f"{patient.callback_base}/{OLD_TOKEN}"
    patient.set_event_configuration(replace(patient.event_configuration(), notification_url=old_url))
    before = patient.examine(CALLBACK_TOKENS=tokens)
    fixed = patient.examine("--fix", "--yes", CALLBACK_TOKENS=tokens)

    assert before.level_of("callback URL in VOD") == "warning"
    assert "[older token] -> " in fixed.told
    assert patient.event_configuration().notification_url == f"{patient.callback_base}/{newest}"


def test_difference_is_shown_and_nothing_set_without_a_yes(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--fix shows what it would set; only y at a terminal, or --yes, sets it."""
    off = replace(patient.event_configuration(), upload_complete="OFF")
    patient.set_event_configuration(off)
    outcomes = []
    for stdin in (io.StringIO("y\n"), Terminal("\n"), Terminal("n\n"), Terminal("y\n")):
        monkeypatch.setattr(sys, "stdin", stdin)
        outcomes.append(patient.examine("--fix"))

    assert [outcome.document["fix"]["applied"] for outcome in outcomes] == [False, False, False, True]
    assert [outcome.code for outcome in outcomes] == [1, 1, 1, 0]
    assert all("UploadMediaCompleteEventSwitch: OFF -> ON" in outcome.told for outcome in outcomes)


def test_fix_changes_nothing_else(patient: Patient) -> None:
    """Switches that are none of our business stay as they are."""
    present = patient.event_configuration()
    patient.set_event_configuration(replace(present, upload_complete="OFF", delete_complete="ON"))
    patient.examine("--fix", "--yes")

    assert patient.event_configuration() == replace(present, delete_complete="ON")


def test_fix_of_a_healthy_configuration_sets_nothing(patient: Patient) -> None:
    """Without a difference nothing is asked and nothing is set."""
    outcome = patient.examine("--fix", "--yes")

    assert outcome.document["fix"] == {"applied": False, "problem": None, "changes": []}
    assert "needs no change" in outcome.told


def test_fix_says_why_it_cannot(patient: Patient) -> None:
    """Without an address, valid tokens or an API that takes it, VOD is left as it is, with the reason."""
    patient.set_event_configuration(replace(patient.event_configuration(), notification_url=""))
    no_url = patient.run(patient.environment(), "--env-file", _env_file(patient), "--fix", "--yes")
    no_token = patient.examine("--fix", "--yes", CALLBACK_TOKENS="short")
    no_key = patient.examine("--fix", "--yes", VOD_SECRET_KEY="not-the-key-of-the-account")
    problems = [outcome.document["fix"]["problem"] for outcome in (no_url, no_token, no_key)]

    assert ["--callback-url" in problems[0], "CALLBACK_TOKENS" in problems[1]] == [True, True]
    assert "AuthFailure.SignatureFailure" in problems[2]
    assert patient.event_configuration().notification_url == ""


def test_sign_key_is_set_and_it_is_said_that_it_cannot_be_read_back(patient: Patient) -> None:
    """VOD never tells its SignKey, so --fix sets ours each time."""
    key = "CanaryOfTheSignKey01"
    config = f"{patient.stack.url}/local/simulator/config"
    try:
        outcome = patient.examine("--fix", "--yes", VOD_CALLBACK_SIGN_KEY=key)
        kept = requests.get(config, timeout=10).json()["sign_key"]
    finally:
        requests.put(config, json={"sign_key": ""}, timeout=10).raise_for_status()

    assert kept == key
    assert "does not tell" in outcome.named("SignKey")[0]["detail"]
    assert "SignKey: (VOD does not tell) -> (VOD_CALLBACK_SIGN_KEY)" in outcome.told


def test_other_applications_of_the_policies_must_push(patient: Patient) -> None:
    """Nobody pulls from an application that only a policy names, so it is at fault, and mended, apart."""
    policies = json.dumps({"default": {}, "other": {"vodSubAppId": APPLICATION}})
    patient.set_event_configuration(replace(patient.event_configuration(), mode="PULL"))
    before = patient.examine(UPLOAD_POLICIES=policies)
    fixed = patient.examine("--fix", "--yes", UPLOAD_POLICIES=policies)

    assert (before.level_of("mode"), before.at("fault")) == ("ok", [f"mode of {APPLICATION}"])
    assert [change["application"] for change in fixed.document["fix"]["changes"]] == [APPLICATION]
    assert fixed.at("fault") == []


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(404), "answers 404, not as our function does"),
        (Reply(200), "answers 200, not as our function does"),
        (Reply(302, headers={"Location": "/"}), "answers 302"),
        (Reply(404, b"[" * 100_000), "answers 404, not as our function does"),
        (Reply(500, b'{"type": "urn:vod-upload-functions:problem:configuration"}'), "is not configured"),
    ],
)
def test_callback_url_of_somebody_else_is_named(patient: Patient, reply: Reply, words: str) -> None:
    """What does not answer a wrong token as our function does, is not our function."""
    with HttpPeer(lambda _request: reply) as peer:
        outcome = patient.examine("--callback-url", f"{peer.url}/vod-callback")
    (finding,) = outcome.named("callback URL")

    assert (finding["level"], words in finding["detail"]) == ("fault", True), finding


def test_probe_leaves_nothing_and_the_app_does_not_hear_of_it(patient: Patient, store: redis.Redis) -> None:
    """Its own event is removed from the store, and VOD is not asked about it."""
    before = set(store.keys("*:event:*"))
    outcome = patient.examine("--probe", APP_WEBHOOK_URL="off")

    assert outcome.level_of("event found again") == "ok"
    assert set(store.keys("*:event:*")) == before
    assert [key for key in store.keys("vuf:*quarantined") if store.zcard(key)] == []


def test_sign_key_that_is_deployed_is_tried_with_a_wrong_sign(patient: Patient) -> None:
    """A function that refuses a wrong Sign, and takes ours, has the key of the settings."""
    key = "CanaryOfTheSignKey01"
    own = f"{patient.callback_base}/{patient.stack.environment['CALLBACK_TOKENS']}"
    refusal = Reply(404, b'{"type": "urn:vod-upload-functions:problem:not-found"}')

    def check(request: Received) -> Reply:
        notification = parse_notification(request.body or b"{}")
        if not callback_signature_matches(notification.signature, sign_key=key, now=int(time.time())):
            return refusal
        return Reply(requests.post(own, data=request.body, timeout=10).status_code)

    with HttpPeer(check) as peer:
        outcome = patient.examine("--probe", "--callback-url", peer.url, VOD_CALLBACK_SIGN_KEY=key)

    assert outcome.level_of("event found again") == "ok"
    assert outcome.named("SignKey where it runs") == []


def _env_file(patient: Patient) -> str:
    patient.examine()
    return str(patient.file)
