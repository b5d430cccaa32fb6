"""No body that came with a valid callback token is lost: it is parked, or held and logged for a replay."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from local.operator.events_listing import document_of
from local.operator.logged_events import LoggedEvent, read_lines
from shared.runtime import bootstrap, log
from shared.store import parked as parked_store
from tests.functions.vod import push
from tests.shared.service import parked
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from tests.functions.conftest import Deploy, Logged

    Capture = pytest.CaptureFixture[str]

_CUT, _TWO, _NAN = '{"EventType": "NewFileUpload", "FileUp', '{"a":1}{"a":1}', '{"a":NaN}'
_DEEP, _WIDE = '{"a":' * 100 + "1" + "}" * 100, '{"a":[' + "{}," * 100_000 + "{}]}"
_LONG = '{"a":"' + "x" * (6 * 1024 * 1024) + '"}'
UNREADABLE: dict[str, tuple[bytes, object]] = {
    "no bytes": (b"", ""),
    "another value": (b'"text"', "text"),
    "cut": (_CUT.encode(), _CUT),
    "two values": (_TWO.encode(), _TWO),
    "too deep": (_DEEP.encode(), json.loads(_DEEP)),
    "too many containers": (_WIDE.encode(), json.loads(_WIDE)),
    "GB18030": (b'{"Name":"\xb6\xaf\xce\xef"}', '{"Name":"\\xb6\\xaf\\xce\\xef"}'),
    "too long": (_LONG.encode(), json.loads(_LONG)),
}
"""Bodies that are no readable event, and what an operator sees of each."""


@pytest.mark.parametrize(("body", "shown_as"), UNREADABLE.values(), ids=list(UNREADABLE))
def test_unreadable_body_is_parked_with_its_bytes_and_the_reason(
    deploy: Deploy, valkey_url: str, body: bytes, shown_as: object
) -> None:
    """VOD gets 200, and an operator finds the bytes once, however often they come (S19)."""
    deploy()

    assert [push(body).status, push(body).status] == [200, 200]

    (event,) = parked(valkey_url)
    assert zlib.decompress(base64.b64decode(event.record["raw"])) == body
    assert document_of(event)["raw"] == shown_as
    assert event.record["length"] == str(len(body))
    assert event.record["sha256"] == hashlib.sha256(body).hexdigest()
    assert event.record["problem"]


def test_parked_bytes_have_a_budget(deploy: Deploy, valkey_url: str, logged: Logged) -> None:
    """Beyond the budget digest, length, reason and the first part are kept, and the log line is an error."""
    deploy(PARKED_BYTES="10000")

    bodies = [secrets.token_hex(5_000).encode() for _ in range(3)]
    assert [push(body).status for body in bodies] == [200, 200, 200]

    lines = [(line["event"], line["whole"], line["level"]) for line in logged()]
    assert lines == [("event.parked", 1, "info"), *[("event.parked", 0, "error")] * 2]
    events = parked(valkey_url)
    assert sorted(event.record["whole"] for event in events) == ["0", "0", "1"]
    for event in events:
        shown = str(document_of(event)["raw"]).encode()
        assert len(shown) == 10_000 or len(shown) > parked_store.PARKED_HEAD // 2
        assert any(body.startswith(shown) for body in bodies)
        assert event.record["length"] == "10000"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("REDIS_URL", "http://store.example.test"),
        ("APP_WEBHOOK_URL", "http://127.0.0.1/"),
        ("CONTEXT_KEYS", "short"),
        ("CALLBACK_HOLD_SECONDS", "forever"),
    ],
)
def test_event_survives_a_setting_that_cannot_be_read(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, capsys: Capture, setting: str, value: str
) -> None:
    """The token is checked, VOD gets no answer in time, and the log has the event for a replay."""
    held: list[float] = []
    monkeypatch.setattr(bootstrap, "wait", held.append)
    deploy(**{setting: value})

    assert push(uploaded()).status == 500

    output = capsys.readouterr().out
    (event,) = (it for it in read_lines(output.encode()) if isinstance(it, LoggedEvent))
    assert event.notification.raw == uploaded()
    assert [seconds > 5 for seconds in held] == [True]
    assert setting in output


@pytest.mark.parametrize("setting", ["CALLBACK_TOKENS", "VOD_CALLBACK_SIGN_KEY"])
def test_nothing_is_logged_of_a_caller_whom_nobody_can_check(
    deploy: Deploy, logged: Logged, setting: str
) -> None:
    """Without callback tokens anybody might be calling: 500 at once, and the log names the setting."""
    deploy(**{setting: "-"})

    assert push(uploaded("canary")).status == 500

    (line,) = logged()
    assert (line["event"], line["level"], setting in line["detail"]) == ("request.refused", "error", True)
    assert "canary" not in json.dumps(line)


def test_event_that_takes_several_lines_is_put_together_again(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Parts of an event in any order are joined, and a missing one is reported."""
    monkeypatch.setattr(log, "PART_CHARACTERS", 50)
    body = json.dumps(uploaded()).encode()
    log.write_event(body, request_id="r-1")
    log.write_event(b"\xb6\xaf", request_id="r-2")
    lines = capsys.readouterr().out.encode().splitlines()

    def read(lines: list[bytes]) -> list[Any]:
        return [getattr(it, "notification", None) for it in read_lines(b"\n".join(lines))]

    *parts, other = lines
    (whole,) = read(parts[::-1])
    assert len(parts) > 2
    assert whole.raw == uploaded()
    assert read(parts[1:]) == [None]
    assert read([*parts, other])[1] is None
    odd = ({"part": 1}, {"part": "x", "parts": []})
    lines = [json.dumps({"event": "event.unjournaled", **members}).encode() for members in odd]
    assert read(lines) == [None, None]
