"""The doctor's checks of VOD's server API: clock, credentials, rights, what the policies name."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from local.doctor.vod_calls import is_no_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local.doctor.patient import Patient


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, "ok"), (-120, "warning"), (120, "warning"), (900, "fault"), (-900, "fault")]
)
def test_clock_that_differs_from_the_apis_is_named(patient: Patient, seconds: int, level: str) -> None:
    """The API's own Date tells how far off this machine is, even where it answers nothing else."""
    with _api_whose_clock_is_off(seconds) as url:
        outcome = patient.examine(VOD_API_URL=url)

    assert outcome.level_of("clock") == level
    assert ("behind" if seconds > 0 else "ahead") in outcome.named("clock")[0]["detail"] or level == "ok"
    assert outcome.level_of("credentials") == "fault"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"VOD_SECRET_KEY": "not-the-key-of-the-account"}, "AuthFailure.SignatureFailure"),
        ({"VOD_SECRET_ID": "AKIDofNobodyAtAll"}, "AuthFailure.SecretIdNotFound"),
    ],
)
def test_wrong_key_pair_is_one_fault(patient: Patient, changes: dict[str, str], words: str) -> None:
    """Refused credentials are reported once; checks that need them are skipped."""
    outcome = patient.examine(**changes)

    assert outcome.at("fault") == ["credentials"]
    assert words in outcome.named("credentials")[0]["detail"]
    assert {"rights", "procedures", "storage regions", "event configuration"} <= set(outcome.at("skipped"))


def test_call_that_the_role_may_not_make_is_named_as_cam_spells_it(patient: Patient) -> None:
    """A missing right is told with the action to add to the policy."""
    patient.set_fault(action="SearchMedia", kind="refuse", code="UnauthorizedOperation")
    faults = [finding for finding in patient.examine().named("rights") if finding["level"] == "fault"]

    assert ["vod:SearchMedia" in fault["detail"] for fault in faults] == [True]


@pytest.mark.parametrize(
    ("measure", "action", "is_tried"),
    [
        ("report", "ForbidMediaDistribution", False),
        ("delete", "ForbidMediaDistribution", True),
        ("delete", "DeleteMedia", True),
    ],
)
def test_rights_are_tried_that_policies_need(
    patient: Patient, measure: str, action: str, *, is_tried: bool
) -> None:
    """What `onViolation` says is tried on a file that does not exist."""
    patient.set_fault(action=action, kind="refuse", code="UnauthorizedOperation")
    policies = {"default": {"maxFileSize": 1, "onViolation": measure}}
    findings = patient.examine(UPLOAD_POLICIES=json.dumps(policies)).named("rights")

    assert any(f"vod:{action}" in finding["detail"] for finding in findings) is is_tried


def test_right_that_only_the_doctor_needs_is_a_warning(patient: Patient) -> None:
    """The functions do without DescribeProcedureTemplates, so the deployment is not at fault."""
    code = "UnauthorizedOperation.CamNoAuth"
    patient.set_fault(action="DescribeProcedureTemplates", kind="refuse", code=code)
    outcome = patient.examine()

    assert outcome.code == 0
    assert outcome.level_of("procedures") == "warning"
    assert "vod:DescribeProcedureTemplates" in outcome.named("procedures")[0]["advice"]


@pytest.mark.parametrize("code", ["InternalError", "RequestLimitExceeded"])
def test_passing_trouble_of_the_api_is_a_warning(patient: Patient, code: str) -> None:
    """What may be over the next moment is no fault of the deployment."""
    patient.set_fault(action="DescribeProcedureTemplates", kind="refuse", code=code)

    assert patient.examine().level_of("procedures") == "warning"


def test_long_term_pair_says_nothing_about_the_roles_rights(patient: Patient) -> None:
    """Tried with another pair than the deployed functions use, the rights are not called ok."""
    (finding,) = patient.examine().named("rights")

    assert finding["level"] == "warning"
    assert "TENCENTCLOUD_SECRETID" in finding["advice"]


def test_application_of_somebody_else_is_named(patient: Patient) -> None:
    """A sub-application that the account does not have is a fault, wherever it is named."""
    own = patient.examine(VOD_SUB_APP_ID="1500099999")
    in_a_policy = patient.examine(UPLOAD_POLICIES=json.dumps({"default": {}, "other": {"vodSubAppId": 15}}))

    assert [finding["level"] for finding in own.named("sub-application")] == ["fault"]
    assert [finding["level"] for finding in in_a_policy.named("sub-application")] == ["ok", "fault"]


def test_region_and_procedure_that_vod_does_not_have_are_named_with_their_policy(patient: Patient) -> None:
    """Each name that VOD does not know is one fault; those it knows are none."""
    policies = {
        "default": {"storageRegions": ["ap-seoul", "eu-nowhere"]},
        "course": {"procedures": ["LongVideoPreset", "NoSuchFlow"]},
    }
    outcome = patient.examine(UPLOAD_POLICIES=json.dumps(policies))

    assert outcome.at("fault") == ["storage regions", "procedures"]
    assert "the policy 'default' names 'eu-nowhere'" in outcome.named("storage regions")[0]["detail"]
    assert "the policy 'course' names 'NoSuchFlow'" in outcome.named("procedures")[0]["detail"]


def test_codes_of_answers_that_did_not_come_are_told_from_those_of_the_api() -> None:
    """Only what the SDK and the libraries raise counts as no answer."""
    assert all(map(is_no_answer, ["ClientNetworkError", "ServerNetworkError", "ReadTimeout", "NotAnAnswer"]))
    assert not any(
        map(is_no_answer, ["", "InternalError", "FailedOperation.DBError", "UnauthorizedOperation"])
    )


@contextmanager
def _api_whose_clock_is_off(seconds: int) -> Iterator[str]:
    """Serve answers that have nothing but a Date."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(405)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815  # the name that the library calls

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(int((timestamp or time.time()) + seconds))

        def log_message(self, *_arguments: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
