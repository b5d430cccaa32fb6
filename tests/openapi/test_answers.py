"""The functions' real answers, compared with the committed document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.functions.deployment import CALLBACK_TOKEN, ORIGIN
from tests.functions.vod import announce_procedure, announce_upload, begin_upload
from tests.openapi.conftest import METHODS
from tests.openapi.schemas import operations, violations
from tests.shared.loopback_peer import refused_port
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.openapi.conftest import Ask

UNKNOWN = "01KAPVZ9M80000000000000000"
CALLBACK = f"/{CALLBACK_TOKEN}"
TASK = "1500012345-Procedure-0f1e2d3c4b5a69788796a5b4c3d2e1f0t0"


@dataclass(frozen=True)
class Case:
    """One request, and the status of its answer."""

    operation: str
    path: str
    body: object
    status: int
    extra: dict[str, str] = field(default_factory=dict)


CASES = [
    Case("issueSignature", "/signature", {}, 200),
    Case("issueSignature", "/signature", "", 200, {"accept": "text/plain"}),
    Case("issueSignature", "/signature", {"policy": "course", "context": "수업 3"}, 200, {"origin": ORIGIN}),
    Case("issueSignature", "/signature", "[]", 400),
    Case("issueSignature", "/signature", {}, 401, {"authorization": "Bearer x"}),
    Case("issueSignature", "/signature", {"policy": "none"}, 403),
    Case("issueSignature", "/signature", {"uploadId": UNKNOWN}, 404),
    Case("issueSignature", "/elsewhere", {}, 404),
    Case("issueSignature", "/signature", {}, 405, {"method": "PUT"}),
    Case("issueSignature", "/signature", {"context": "x" * 20_000}, 413),
    Case("issueSignature", "/signature", "a=b", 415, {"content_type": "text/plain"}),
    Case("issueSignature", "/signature", {}, 415, {"content_encoding": "gzip"}),
    Case("issueSignature", "/signature", {"random": 1, "classId": "0"}, 422),
    Case("issueSignature", "/signature", {"procedure": "Other", "fileSize": 0}, 422),
    Case("listUploads", "/uploads", "", 401, {"authorization": ""}),
    Case("listUploads", "/uploads", "", 405, {"method": "DELETE"}),
    Case("listUploads", "/uploads?state=begun", "", 422),
    Case("showUpload", f"/uploads/{UNKNOWN}", "", 401, {"authorization": ""}),
    Case("showUpload", f"/uploads/{UNKNOWN}", "", 404),
    Case("showUpload", "/uploads/x", "", 405, {"method": "POST"}),
    Case("cancelUpload", f"/uploads/{UNKNOWN}", "", 401, {"authorization": "Basic x"}),
    Case("cancelUpload", f"/uploads/{UNKNOWN}", "", 404),
    Case("cancelUpload", f"/uploads/{UNKNOWN}", "", 405, {"method": "PUT"}),
    Case("takeCallback", CALLBACK, uploaded("console"), 200),
    Case("takeCallback", CALLBACK, {}, 200, {"content_type": "text/plain"}),
    Case("takeCallback", CALLBACK, "no event", 200),
    Case("takeCallback", "/a-token-that-is-none-of-ours", uploaded(), 404),
    Case("takeCallback", CALLBACK, "", 405, {"method": "GET"}),
    Case("showHealth", "/health", "", 401),
    Case("showHealth", "/health", "", 405, {"method": "DELETE"}),
]
IN_TESTS_OF_THEIR_OWN = {
    ("issueSignature", 409),
    ("issueSignature", 429),
    ("listUploads", 200),
    ("listUploads", 403),
    ("listUploads", 404),
    ("showUpload", 200),
    ("showUpload", 304),
    ("cancelUpload", 204),
    ("cancelUpload", 409),
    ("showHealth", 200),
    *((operation, status) for operation in METHODS for status in (500, 503)),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.operation}-{case.status}")
def test_answer_is_one_of_the_documented(ask: Ask, case: Case) -> None:
    """Status, headers, media type and body are what the document says of this operation."""
    answer = ask(case.operation, case.path, case.body, **case.extra)

    assert answer.status == case.status
    assert violations(case.operation, answer) == []


def test_every_documented_answer_is_really_given() -> None:
    """The document promises no status that these tests have not seen."""
    documented = {
        (operation, int(status)) for operation, told in operations().items() for status in told["responses"]
    }

    assert documented == {(case.operation, case.status) for case in CASES} | IN_TESTS_OF_THEIR_OWN


def test_upload_is_told_as_documented_in_every_state(ask: Ask) -> None:
    """From its first signature to the end of its task flow, and again when nothing has changed."""
    upload = begin_upload(seconds_ago=10, policy="course", context="lesson 3")
    path = f"/uploads/{upload.upload_id}"
    answers = [ask("showUpload", path)]
    announce_upload(upload.signature, procedure_task_id=TASK)
    answers += [ask("showUpload", path), ask("cancelUpload", path)]
    announce_procedure(upload.signature, status="PROCESSING", subtask_status="PROCESSING")
    answers.append(ask("showUpload", path))
    announce_procedure(upload.signature, status="FINISH")
    answers.append(ask("showUpload", path))
    answers.append(ask("showUpload", path, if_none_match=answers[-1].headers["etag"]))

    assert [answer.status for answer in answers] == [200, 200, 409, 200, 200, 304]
    assert [answer.json["state"] for answer in answers if answer.status == 200] == [
        "issued",
        "processing",
        "processing",
        "ready",
    ]
    assert [violations("cancelUpload" if a.status == 409 else "showUpload", a) for a in answers] == [[]] * 6


def test_end_of_an_upload_is_told_as_documented(ask: Ask) -> None:
    """A cancelled upload none of whose signatures is out: 204, then its state, then 409."""
    upload_id = begin_upload(seconds_ago=700).upload_id
    path = f"/uploads/{upload_id}"
    cancelled, shown = ask("cancelUpload", path), ask("showUpload", path)
    refused = ask("issueSignature", "/signature", {"uploadId": upload_id})

    assert (cancelled.status, shown.json["state"], refused.status) == (204, "cancelled", 409)
    assert violations("cancelUpload", cancelled) == []
    assert violations("showUpload", shown) == []
    assert violations("issueSignature", refused) == []


def test_list_is_told_as_documented(ask: Ask, deploy: Callable[..., None]) -> None:
    """With an upload and every limit, without lists, and without users."""
    deploy(NEW_UPLOADS_PER_DAY="9", NEW_BYTES_PER_DAY="9", OPEN_UPLOADS="9")
    begin_upload(seconds_ago=10)
    answers = [ask("listUploads", "/uploads?state=issued")]
    deploy(LISTED_UPLOADS="0")
    answers.append(ask("listUploads", "/uploads"))
    deploy(JWT_SECRETS="", AUTH_MODE="anonymous", ANONYMOUS_KEY="a key of 32 characters or even more")
    answers.append(ask("listUploads", "/uploads"))

    assert [answer.status for answer in answers] == [200, 404, 403]
    assert (len(answers[0].json["uploads"]), len(answers[0].json["limits"])) == (1, 4)
    assert [violations("listUploads", answer) for answer in answers] == [[]] * 3


def test_rate_limit_is_told_as_documented(ask: Ask, deploy: Callable[..., None]) -> None:
    """429 has Retry-After."""
    deploy(NEW_UPLOADS_PER_MINUTE="1")
    first, second = (ask("issueSignature", "/signature", {}) for _ in range(2))

    assert (first.status, second.status) == (200, 429)
    assert violations("issueSignature", second) == []


def test_health_is_told_as_documented(ask: Ask, deploy: Callable[..., None]) -> None:
    """Alive, well, without its store and without its settings."""
    token = "a token of who watches the deployment"
    deploy(HEALTH_TOKEN=token)
    answers = [ask("showHealth", "/health", authorization=f"Bearer {token}")]
    answers.append(ask("showHealth", "/health", authorization=None))
    deploy(HEALTH_TOKEN=token, REDIS_URL=f"redis://127.0.0.1:{refused_port()}/0")
    answers.append(ask("showHealth", "/health", authorization=f"Bearer {token}"))
    deploy(REDIS_URL="")
    answers.append(ask("showHealth", "/health"))

    assert [answer.status for answer in answers] == [200, 200, 503, 500]
    assert [violations("showHealth", answer) for answer in answers] == [[]] * 4


@pytest.mark.parametrize("operation", sorted(METHODS.keys() - {"showHealth"}))
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"CONTEXT_KEYS": "", "REDIS_URL": ""}, 500),
        ({"REDIS_URL": "redis://127.0.0.1:{port}/0", "CALLBACK_HOLD_SECONDS": "0"}, 503),
        ({"JWT_SECRETS": "", "JWT_JWKS_URL": "http://127.0.0.1:{port}/keys"}, 503),
    ],
    ids=["no-settings", "no-store", "no-keys"],
)
def test_trouble_of_ours_is_told_as_documented(
    ask: Ask, deploy: Callable[..., None], operation: str, changes: dict[str, str], status: int
) -> None:
    """500 and 503 tell no more than the document says; the callback knows no keys of users."""
    deploy(**{name: value.format(port=refused_port()) for name, value in changes.items()})
    path = {"issueSignature": "/signature", "takeCallback": CALLBACK, "listUploads": "/uploads"}.get(
        operation, f"/uploads/{UNKNOWN}"
    )
    token = "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.e30.AA"
    headers = {"authorization": token} if "JWT_JWKS_URL" in changes else {}

    answer = ask(operation, path, {}, **headers)

    assert answer.status == (200 if operation == "takeCallback" and "JWT_SECRETS" in changes else status)
    assert violations(operation, answer) == []
