"""The doctor's checks of the variables alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local.doctor.settings_checks import FUNCTIONS

if TYPE_CHECKING:
    from tests.local.doctor.patient import Patient


def test_all_faults_of_the_settings_are_told_at_once_and_the_rest_is_examined(patient: Patient) -> None:
    """Missing settings are named for each function that needs them; the rest is looked at all the same."""
    outcome = patient.examine(REDIS_URL=None, CONTEXT_KEYS=None)
    (signature,) = outcome.named("upload_signature")

    assert [*FUNCTIONS] == outcome.at("fault")
    assert "REDIS_URL: Field required" in signature["detail"]
    assert "CONTEXT_KEYS: Field required" in signature["detail"]
    assert ".env.example" in signature["advice"]
    assert outcome.level_of("reachable") == outcome.level_of("backlog") == "skipped"
    assert "REDIS_URL must be mended first" in outcome.named("reachable")[0]["detail"]
    assert outcome.level_of("credentials") == outcome.level_of("callback URL") == "ok"


@pytest.mark.parametrize(
    ("changes", "functions"),
    [
        ({"JWT_SECRETS": "short"}, ["upload_signature", "upload_status"]),
        ({"UPLOAD_POLICIES": "{"}, ["upload_signature"]),
        ({"CALLBACK_TOKENS": "short"}, ["event_notification"]),
        ({"APP_WEBHOOK_SECRETS": "none"}, ["event_notification", "reliable_notification", "event_delivery"]),
        ({"VOD_SECRET_KEY": "undefined"}, ["upload_signature"]),
    ],
)
def test_invalid_setting_is_a_fault_of_the_functions_that_read_it(
    patient: Patient, changes: dict[str, str], functions: list[str]
) -> None:
    """Only functions that read the setting report it."""
    outcome = patient.examine(**changes)
    faulty = [name for name in FUNCTIONS if outcome.level_of(name) == "fault"]

    assert set(functions) <= set(faulty)
    assert outcome.code == 1


def test_key_with_two_purposes_is_a_fault(patient: Patient) -> None:
    """Even where no single function has both settings, and without showing it (S42)."""
    token = patient.environment()["CALLBACK_TOKENS"]
    (keys,) = patient.examine(JWT_SECRETS=token).named("keys")

    assert keys["level"] == "fault"
    assert keys["detail"] == "CALLBACK_TOKENS has a key that JWT_SECRETS has too"
    assert patient.examine().level_of("keys") == "ok"


def test_anonymous_callers_are_a_warning_and_in_the_cloud_to_be_said_twice(patient: Patient) -> None:
    """Said once it is a fault of both functions; said twice it is shown every time all the same."""
    anonymous = {"AUTH_MODE": "anonymous", "ANONYMOUS_KEY": "a key of the anonymous callers' names"}
    once = patient.examine(**anonymous)
    twice = patient.examine(**anonymous, ANONYMOUS_IN_CLOUD="anybody-may-upload")

    assert [name for name in once.at("fault") if name in FUNCTIONS] == ["upload_signature", "upload_status"]
    assert "ANONYMOUS_IN_CLOUD" in once.named("upload_status")[0]["detail"]
    assert twice.at("fault") == ["upload_signature URL", "upload_status URL"]  # the stack asks for tokens
    assert once.level_of("callers") == twice.level_of("callers") == "warning"
    assert patient.examine().level_of("callers") == "ok"


@pytest.mark.parametrize(("client", "level"), [("web", "ok"), ("mobile", "warning"), (None, "warning")])
def test_policy_that_a_phone_outlasts_is_a_warning(patient: Patient, client: str | None, level: str) -> None:
    """It is named, with the transfer and the speed that were assumed."""
    (finding,) = patient.examine(UPLOAD_POLICIES=json.dumps({"default": {"client": client}})).named(
        "mobile uploads"
    )

    assert finding["level"] == level
    assert ("the policy 'default' it lives 600 s" in finding["detail"]) == (level == "warning")


def test_missing_audience_is_a_warning(patient: Patient) -> None:
    """A login service has other tokens than those for us."""
    (callers,) = patient.examine(JWT_AUDIENCE=None).named("callers")

    assert callers["level"] == "warning"
    assert "JWT_AUDIENCE is not set" in callers["detail"]


def test_environment_over_4_kb_is_a_fault(patient: Patient) -> None:
    """What SCF would refuse at the deployment is named with the function and its size."""
    policies = {"default": {}, **{f"policy-{number}": {"procedures": ["x" * 60]} for number in range(60)}}
    outcome = patient.examine(UPLOAD_POLICIES=json.dumps(policies))
    (size,) = outcome.named("environment size")

    assert size["level"] == "fault"
    assert "upload_signature gets" in size["detail"]
    assert "UPLOAD_POLICIES" in size["advice"]


def test_environment_that_is_nearly_full_is_a_warning(patient: Patient) -> None:
    """Shortly before the limit it is said, for a rotation needs room."""
    policies = json.dumps({"default": {}, "wide": {"procedures": ["x" * 60] * 51}})
    outcome = patient.examine(UPLOAD_POLICIES=policies)

    assert outcome.level_of("environment size") == "warning"


def test_reserved_names_in_a_file_are_a_fault(patient: Patient) -> None:
    """SCF takes no variable that begins with its own prefixes."""
    outcome = patient.examine(SCF_REGION="ap-seoul", QCLOUD_X="1")
    (names,) = outcome.named("variable names")

    assert names["level"] == "fault"
    assert "QCLOUD_X, SCF_REGION" in names["detail"]


def test_roles_credentials_of_the_process_are_no_reserved_names(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are set to try the role's rights, and belong to no file."""
    monkeypatch.setenv("TENCENTCLOUD_SECRETID", "AKIDofTheRole000000")
    monkeypatch.setenv("TENCENTCLOUD_SECRETKEY", "key-of-the-role-000000")
    monkeypatch.setenv("TENCENTCLOUD_SESSIONTOKEN", "token-of-the-role-000000")
    outcome = patient.examine(APP_WEBHOOK_ALLOW_INSECURE="0", APP_WEBHOOK_URL="off")

    assert outcome.level_of("variable names") == "ok"
    assert outcome.level_of("credentials") == "fault"
    assert "AuthFailure.SecretIdNotFound" in outcome.named("credentials")[0]["detail"]


def test_developers_setting_is_a_warning_in_a_deployment(patient: Patient) -> None:
    """A setting that is not deployed gets a warning."""
    assert patient.examine().level_of("variable names") == "warning"
