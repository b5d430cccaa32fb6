"""What the fixtures may hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local.conformance import report
from local.conformance.questions import QUESTIONS
from local.conformance.redaction import Redactor
from tests.local.simulator.account import SECRET_ID, SECRET_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.conformance.conftest import Peer

BEGUN = 1_793_318_400
FILE_ID = "5576678020011223344"
FACTS = (
    {"ExpireTime": "9999-12-31T23:59:59Z"},
    {"BeginProcessTime": "0000-00-00T00:00:00Z"},
    {"Name": "a whole sentence of words"},
    {"Code": "InvalidParameterValue.StorageRegion"},
    {"Size": 11252, "IsDefault": True, "MetaData": None},
)


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        ({"note": "key-of-the-run is in it"}, {"note": "<secret 1> is in it"}),
        ({"signature": "c2VjcmV0", "code": 10004}, {"signature": "<secret 2>", "code": 10004}),
        (
            {"fileId": FILE_ID, "url": f"https://v.test/a1b2{FILE_ID}/x.mp4"},
            {"fileId": "<file 1>", "url": "https://v.test/a1b2<file 1>/x.mp4"},
        ),
        (
            [{"appId": 1500012345}, "1500012345-Procedure"],
            [{"appId": "<application 1>"}, "<application 1>-Procedure"],
        ),
        ({"Message": "Zq3kT9xWm2LpR8sV is unknown"}, {"Message": "<text 1> is unknown"}),
        ({"expiredTime": BEGUN + 600}, {"expiredTime": "<time +600 s>"}),
        ({"CreateTime": "2026-10-30T00:00:05Z"}, {"CreateTime": "<time +5 s>"}),
        *((fact, fact) for fact in FACTS),
    ],
)
def test_values_are_redacted(value: object, redacted: object) -> None:
    """Secrets, ids and times get a placeholder, the same one wherever they stand; facts stay."""
    redactor = Redactor(["key-of-the-run"], begun=BEGUN)
    redactor.learn(value)

    assert redactor.redacted(value) == redacted


def test_facts_about_members_stay() -> None:
    """In an answer `FileId` is the kind of the member, and only a value that is an id is replaced."""
    answer = {"members": {"FileId": "text", "Token": "absent"}, "other": FILE_ID}

    assert Redactor([], begun=BEGUN).redacted_facts(answer) == {
        "members": {"FileId": "text", "Token": "absent"},
        "other": "<number 1>",
    }


def test_fixtures_hold_no_secret(peer: Peer, tmp_path: Path) -> None:
    """No key, signature, credential, session key or callback URL of a run is in what it records."""
    secrets = {SECRET_ID, SECRET_KEY, peer.receiver.url}
    wanted = {"apply-reply", "upload-web-cos", "upload-web-s3", "upload-form", "upload-server", "push-sign"}
    asked = [question for question in QUESTIONS if question.id in wanted]
    outcomes = [*peer.outcomes(asked).values()]
    redactor = Redactor((SECRET_ID, SECRET_KEY), begun=peer.served.clock())
    for outcome in outcomes:
        redactor.learn(outcome.real.exchanges)
    report.record(tmp_path, outcomes, redactor)
    said = json.dumps([outcome.real.exchanges for outcome in outcomes])
    recorded = "".join(file.read_text("utf-8") for file in tmp_path.iterdir())
    rows = peer.served.query("SELECT secret_id, secret_key, token, vod_session_key FROM credentials")
    secrets |= {text for row in rows for text in row}
    secrets |= {row[0] for row in peer.served.query("SELECT file_id FROM media")}

    assert {file.stem for file in tmp_path.iterdir()} == wanted
    assert [secret for secret in secrets if secret in recorded] == []
    assert any(secret in said for secret in secrets)
    assert "<file 1>" in recorded
