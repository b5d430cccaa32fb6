"""`python -m local events` against a real store, with the real functions and a real app."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import redis

from functions import event_delivery, event_notification
from local.__main__ import main
from local.environment_file import kept_environment, read_environment
from local.operator.event_store import OperatorStore
from local.repository import REPOSITORY
from shared.config.settings import EventNotificationSettings, variables_of
from shared.domain.upload_id import new_upload_id
from shared.store.connection import StoreScope
from shared.store.journal import Store
from shared.vod.context_token import UploadContext, seal
from tests.functions.deployment import (
    CALLBACK_TOKEN,
    CONTEXT_KEY,
    JWT_SECRET,
    OLD_CONTEXT_KEY,
    SECRET_KEY,
    VARIABLES,
    environment,
    start_anew,
)
from tests.local.pseudo_terminal import in_terminal
from tests.shared.loopback_peer import HttpPeer, Reply, refused_port
from tests.shared.uploads import changed, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local.stack.stack import Stack

WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"canary-of-the-webhook-secret-000").decode()
_TOKEN = re.compile(r"vuf1\.[A-Za-z0-9_-]{8}")


@dataclass(frozen=True)
class Output:
    """The output and the exit code of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401  # the tests say what it is
        """The output, parsed as one JSON document."""
        return json.loads(self.out)


class Desk:
    """A deployment with a listening app, and an operator's terminal beside it."""

    def __init__(
        self, app: HttpPeer, store_url: str, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        """Deploy with this app and store."""
        self.app = app
        self._store_url = store_url
        self._patch = patch
        self._capture = capture
        self.deploy()

    def deploy(self, **changes: str) -> None:
        """Set the functions' variables, and reset the process."""
        webhook = {"APP_WEBHOOK_URL": f"{self.app.url}/hook", "APP_WEBHOOK_SECRETS": WEBHOOK_SECRET}
        variables = environment(self._store_url, **{**webhook, "APP_WEBHOOK_ALLOW_INSECURE": "1", **changes})
        for name in VARIABLES | variables_of(EventNotificationSettings):
            self._patch.delenv(name, raising=False)
        for name, value in variables.items():
            self._patch.setenv(name, value)
        start_anew()

    def push(self, event: dict[str, object]) -> str:
        """Send VOD's callback; return what the function logged."""
        request = {
            "httpMethod": "POST",
            "path": f"/{CALLBACK_TOKEN}",
            "headers": {"content-type": "application/json"},
            "queryString": {},
            "body": json.dumps(event),
        }
        self._capture.readouterr()
        event_notification.main_handler(request, {"request_id": "r-1"})
        return self._capture.readouterr().out

    def tick(self) -> None:
        """Fire the delivery timer once."""
        assert "error" not in event_delivery.main_handler({}, {"time_limit_in_ms": 20_000})
        self._capture.readouterr()

    def lose_store(self) -> None:
        """Delete everything in the store."""
        with redis.Redis.from_url(self._store_url) as connection:
            connection.flushall()

    def make_due(self) -> None:
        """Bring every scheduled attempt forward, as if time had passed."""
        with redis.Redis.from_url(self._store_url) as connection:
            for number in range(16):
                index = f"vuf:{{test.{number}}}:due"
                for member in connection.zrange(index, 0, -1):
                    connection.zadd(index, {member: 0})

    def bury(self, event: dict[str, object]) -> None:
        """Fail to deliver an event until its last attempt."""
        self.app.answer = lambda _request: Reply(500)
        self.push(event)
        for _ in range(9):
            self.make_due()
            self.tick()

    def events(self, *words: str) -> Output:
        """Run the command, and assert that its output holds no secret."""
        self._capture.readouterr()
        code = main(["events", *words])
        printed = self._capture.readouterr()
        address = urlsplit(self._store_url)
        for secret in (
            *(SECRET_KEY, CONTEXT_KEY, OLD_CONTEXT_KEY, JWT_SECRET, CALLBACK_TOKEN, WEBHOOK_SECRET),
            *(self._store_url, str(address.password), address.netloc, f":{address.port}"),
        ):
            assert secret not in printed.out + printed.err
        if "--full" not in words:
            assert not _TOKEN.search(printed.out + printed.err)
        return Output(code, printed.out, printed.err)

    @property
    def received_ids(self) -> list[str]:
        """The webhook-id of each delivery that the app received."""
        return [request.headers["webhook-id"] for request in self.app.received]


@pytest.fixture
def desk(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    """Deploy with an empty store and an app that accepts everything."""
    with HttpPeer(lambda _request: Reply(204)) as app:
        yield Desk(app, valkey_url, monkeypatch, capsys)
    start_anew()


def token(user: str = "alice") -> str:
    """Seal the token of an upload that began now."""
    upload_id = new_upload_id(now=time.time(), random=hash(user))
    return seal(UploadContext(upload_id, user), keys=(CONTEXT_KEY,), stage="test")


def test_dead_event_is_retried_and_reaches_the_app_under_its_old_id(desk: Desk) -> None:
    """After the app's outage a dead event is delivered by one command."""
    desk.bury(uploaded(token()))
    (dead,) = desk.events("list", "--state", "dead", "--json").json

    dry = desk.events("retry", "--state", "dead")
    desk.tick()
    attempts_without_yes = len(desk.received_ids)
    desk.app.answer = lambda _request: Reply(204)
    done = desk.events("retry", "--state", "dead", "--yes")
    desk.tick()
    (delivered,) = desk.events("list", "--json").json

    assert (dead["attempts"], dead["problem"], dead["nextAttempt"]) == (10, "HTTP 500", None)
    assert (
        dry.out == f"{dead['id']}  dead\n1 event would be due at once.\nNothing was changed: --yes does it.\n"
    )
    assert attempts_without_yes == 10
    assert done.out.endswith("1 event due now: the timer delivers, at the rate that is set.\n")
    assert desk.received_ids == [dead["id"]] * 11
    assert (delivered["state"], delivered["attempts"]) == ("delivered", 1)
    assert desk.events("retry", "--state", "dead", "--yes").out.startswith("0 events due now")


def test_logged_event_is_replayed_after_an_outage_once(desk: Desk, tmp_path: Path) -> None:
    """The store was away for all three sends of VOD; from the log the event reaches the app, once."""
    log, event = tmp_path / "log.txt", uploaded(token())
    desk.deploy(REDIS_URL=f"redis://127.0.0.1:{refused_port()}/0", CALLBACK_HOLD_SECONDS="0")
    log.write_text("START RequestId: r-1\n" + "".join(desk.push(event) for _ in range(3)))
    desk.deploy()

    dry = desk.events("replay", str(log))
    nothing = desk.events("list", "--json").json
    first = desk.events("replay", str(log), "--yes")
    again = desk.events("replay", str(log), "--yes")
    desk.events("retry", "--state", "due", "--yes")
    desk.tick()
    desk.tick()

    assert nothing == []
    assert dry.code == first.code == again.code == 0
    assert "Events: 1 would be taken in, 2 would be known already, 4 other lines passed over." in dry.out
    assert dry.out.endswith("Nothing was changed: --yes does it.\n")
    assert "Events: 1 taken in, 2 known already, 4 other lines passed over." in first.out
    assert "Events: 3 known already, 4 other lines passed over." in again.out
    assert len(desk.received_ids) == 1
    assert json.loads(desk.app.received[0].body)["data"]["verdict"] == "attributed"


def test_replayed_event_is_believed_no_more_than_a_push(desk: Desk, tmp_path: Path) -> None:
    """With the read-back on, a replayed event is held until VOD confirms it."""
    desk.deploy(READ_BACK="on")
    (tmp_path / "raw.jsonl").write_text(json.dumps(uploaded(token())))

    desk.events("replay", str(tmp_path / "raw.jsonl"), "--yes")

    assert [event["state"] for event in desk.events("list", "--json").json] == ["held"]


def test_replayed_line_tells_when_the_event_came(desk: Desk, tmp_path: Path) -> None:
    """An upload that was in time is not late because its line was replayed the next day."""
    hour_ago, month_ago = int(time.time()) - 3600, int(time.time()) - 30 * 86_400
    lines = [
        {"event": "event.unjournaled", "time": hour_ago + 0.5, "raw": json.dumps(uploaded(file_id="1"))},
        {"event": "event.unjournaled", "time": month_ago, "raw": json.dumps(uploaded(file_id="2"))},
        {"event": "event.unjournaled", "time": "soon", "raw": uploaded(file_id="3")},
        {"event": "event.unjournaled", "time": 2**40, "raw": uploaded(file_id="4")},
    ]
    (tmp_path / "log").write_text("".join(json.dumps(line) + "\n" for line in lines))

    desk.events("replay", str(tmp_path / "log"), "--yes")
    received = [event["received"] for event in desk.events("list", "--json").json]

    assert received[0] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(hour_ago))
    assert all(instant > received[0] for instant in received[1:])


@pytest.mark.parametrize("export", ["list", "show"])
def test_what_was_shown_once_can_be_put_back(desk: Desk, tmp_path: Path, export: str) -> None:
    """After the loss of a store, an earlier list or sheet of events is as good as the log."""
    desk.push(uploaded(token()))
    (listed,) = desk.events("list", "--json").json
    words = ("list",) if export == "list" else ("show", listed["id"])
    (tmp_path / "whole").write_text(desk.events(*words, "--json", "--full").out)
    (tmp_path / "shortened").write_text(desk.events(*words, "--json").out)
    desk.lose_store()

    refused = desk.events("replay", str(tmp_path / "shortened"), "--yes")
    nothing = desk.events("list").out
    desk.events("replay", str(tmp_path / "whole"), "--yes")

    assert refused.code == 1
    assert "its token has been cut, so write the list again with --full" in refused.err
    assert nothing == "There are no such events.\n"
    assert [
        (event["id"], event["received"], event["verdict"]) for event in desk.events("list", "--json").json
    ] == [(listed["id"], listed["received"], "attributed")]


def test_line_that_cannot_be_read_is_named_and_the_others_are_done(desk: Desk, tmp_path: Path) -> None:
    """One bad line costs only itself, and the exit code says so."""
    good = json.dumps({"event": "event.unjournaled", "time": time.time(), "raw": json.dumps(uploaded())})
    in_cls = json.dumps({"SCF_RequestId": "r", "SCF_Message": json.dumps(uploaded(file_id="77"))})
    lines = [
        b"Report RequestId: r Duration:3ms",
        good.encode(),
        good[:60].encode(),
        b'2026-11-22 {"event":"event.unjournaled","raw":"{}"}',
        b'{"event":"event.unjournaled","raw":"[1]"}',
        b'{"event":"event.unjournaled"}',
        b'{"EventType":"\xff"}',
        b'{"EventType":NaN}',
        b'{"EventType":' + b'{"a":' * 70 + b"1" + b"}" * 71,
        b"[" * 100_000,
        b'{"event":"timer.done","figures":{}}',
        b'{"id":"evt_1","raw":{},"origin":"expiry"}',
        b"",
        b"17",
        in_cls.encode(),
    ]
    (tmp_path / "log").write_bytes(b"\r\n".join(lines))

    output = desk.events("replay", str(tmp_path / "log"), "--yes")

    assert output.code == 1
    assert re.findall(r"^Line (\d+) cannot be read: \w", output.err, re.MULTILINE) == list(
        map(str, (3, 4, 5, 6, 7, 8, 9, 10))
    )
    assert re.findall(r"^line (\d+) .*: taken in$", output.out, re.MULTILINE) == ["2", "15"]
    assert "2 taken in, 4 other lines passed over" in output.out


def test_replay_as_json_is_one_document(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program learns what became of each event, also of those that come through a pipe."""
    forged = uploaded("vuf1.W10.forged")
    content = f"{json.dumps(uploaded(file_id='1'))}\n{json.dumps(forged)}\n{{\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    output = desk.events("replay", "-", "--yes", "--json")
    report = output.json

    assert output.code == 1
    assert report.pop("events")[1] | {"id": "evt_"} == {
        "place": "line 2",
        "type": "NewFileUpload",
        "id": "evt_",
        "outcome": "quarantined",
    }
    assert report == {
        "dryRun": False,
        "unreadable": [{"place": "line 3", "problem": "not JSON, or not all of it"}],
        "passedOver": 0,
        "stopped": None,
    }


def test_list_shows_each_state_and_filters(desk: Desk) -> None:
    """What people ask for: by state, by upload, by time, the newest so and so many."""
    desk.push(uploaded(token("bob"), file_id="11"))
    desk.push(uploaded("vuf1.W10.forged", file_id="12"))
    desk.app.answer = lambda _request: Reply(503)
    desk.push(uploaded(token("carol"), file_id="13"))
    everything = desk.events("list", "--json").json
    carols = next(event["uploadId"] for event in everything if event["state"] == "due")

    assert {event["state"] for event in everything} == {"delivered", "quarantined", "due"}
    assert [event["state"] for event in desk.events("list", "--upload", carols, "--json").json] == ["due"]
    assert len(desk.events("list", "--since", "10m", "--json").json) == 3
    assert desk.events("list", "--until", "10m", "--json").json == []
    assert desk.events("list", "--until", "2026-01-01").out == "There are no such events.\n"
    limited = desk.events("list", "--limit", "2")
    assert limited.out.count("\n") == 3
    assert limited.err == "These are the newest 2: --limit shows more.\n"


def test_list_is_a_table_whose_cells_cannot_reach_the_terminal(desk: Desk) -> None:
    """An event's type is VOD's text, or a stranger's: control characters are shown, not obeyed."""
    desk.push({"EventType": "Odd\x1b[2J\u202ething \U0001f600"})

    header, row = desk.events("list").out.splitlines()

    assert re.split(r" {2,}", header) == [
        *("received", "state", "type", "verdict", "attempts"),
        *("next attempt", "uploadId", "event id", "problem"),
    ]
    assert row.split()[1] == "delivered"
    assert "vod.Odd\\x1b[2J\\u202ething \U0001f600" in row


@pytest.mark.parametrize("columns", [60, 80])
def test_list_and_show_fit_the_terminal(desk: Desk, columns: int) -> None:
    """The ids that the other actions take are whole; what is wider is one word, or the JSON of an event."""
    desk.push(uploaded(token()))
    (listed,) = desk.events("list", "--json").json
    events = (sys.executable, "-m", "local", "events")
    rows = in_terminal([*events, "list"], columns)
    sheet = in_terminal([*events, "show", listed["id"]], columns)

    assert f"event id      {listed['id']}" in rows
    assert f"uploadId      {listed['uploadId']}" in rows
    wide = [line for line in rows + sheet[: sheet.index("")] if len(line) > columns]
    assert [line for line in wide if len(line.split()) > 2] == []


def test_show_tells_all_of_an_event_but_its_token(desk: Desk) -> None:
    """Fields, the app's event and the raw one; the token only in its first characters, unless asked for."""
    sealed = token()
    desk.push(uploaded(sealed))
    (listed,) = desk.events("list", "--json").json

    by_part = desk.events("show", listed["id"][:14])
    document = desk.events("show", listed["id"], "--json").json
    sent = json.loads(desk.app.received[0].body)

    assert by_part.code == 0
    assert f"{sealed[:12]}[cut]" in by_part.out
    assert re.search(r"^status +applied$", by_part.out, re.MULTILINE)
    assert document["appEvent"] == {name: value for name, value in sent.items() if name != "raw"}
    assert document["fields"]["user_id"] == "alice"
    assert sealed in desk.events("show", listed["id"], "--full").out


def test_show_of_a_parked_event_says_why(desk: Desk, valkey_url: str) -> None:
    """What could not be taken in is shown as it came; nothing is made of it for the app."""
    park(valkey_url, '{"EventType":"Strange","EventHandle":""}')
    park(valkey_url, "no JSON")
    parked = {event["type"]: event for event in desk.events("list", "--state", "parked", "--json").json}
    strange, unreadable = parked["Strange"], parked["unreadable"]

    sheet = desk.events("show", strange["id"])
    refused = desk.events("retry", strange["id"], "--yes")

    assert (strange["attempts"], strange["problem"], strange["verdict"]) == (5, "KeyError", None)
    assert unreadable["raw"] == "no JSON"
    assert "None can be made of it." in sheet.out
    assert refused.code == 1
    assert refused.err.startswith(f"{strange['id']} is parked: ")


def test_record_that_cannot_be_read_is_listed_all_the_same(desk: Desk, valkey_url: str) -> None:
    """A broken record hides neither itself nor the others."""
    desk.push(uploaded())
    with redis.Redis.from_url(valkey_url) as connection:
        (key,) = connection.scan_iter("*:event:*")
        connection.hdel(key, "origin")

    (row,) = desk.events("list", "--json").json

    assert row["type"] == "unreadable"
    assert desk.events("show", row["id"]).code == 0


@pytest.mark.parametrize("word", ["evt_00000000000000000000000000000000", "nonsense", "evt_0\x1b[2J"])
@pytest.mark.parametrize("action", ["show", "retry"])
def test_id_that_names_nothing_is_told_in_one_sentence(desk: Desk, action: str, word: str) -> None:
    """Exit code 1, one line, and nothing for the terminal to obey."""
    output = desk.events(action, word)

    assert output.code == 1
    assert output.err.count("\n") == 1
    assert output.err.isascii()
    assert "\x1b" not in output.err
    assert "names no event that is kept." in output.err


def test_retry_by_id_names_those_it_cannot(desk: Desk) -> None:
    """Those that can be are revived; a quarantined one, and a beginning of several ids, are refused."""
    for number in range(18):
        desk.push(changed(status="FINISH", file_id=str(number)) | {"EventType": f"Odd{number}"})
    desk.push(uploaded("vuf1.W10.forged"))
    listed = desk.events("list", "--json").json
    quarantined = next(event["id"] for event in listed if event["state"] == "quarantined")
    delivered = next(event["id"] for event in listed if event["state"] == "delivered")
    digits = [event["id"][:5] for event in listed]
    common = max(digits, key=digits.count)

    output = desk.events("retry", delivered, delivered, quarantined, common, "--yes", "--json")
    desk.tick()

    assert output.code == 1
    assert output.json == {
        "dryRun": False,
        "events": [{"id": delivered, "was": "delivered"}],
        "refused": [
            {"id": common, "problem": "is the beginning of more than one id"},
            {"id": quarantined, "problem": "is quarantined, and never delivered"},
        ],
        "stopped": None,
    }
    assert desk.received_ids.count(delivered) == 2
    assert len(desk.events("retry", "--state", "delivered").out.splitlines()) <= 23


def test_retry_of_many_tells_how_far_it_is(desk: Desk, tmp_path: Path) -> None:
    """A long retry reports its progress."""
    lines = [json.dumps(uploaded(file_id=str(number))) + "\n" for number in range(250)]
    (tmp_path / "many").write_text("".join(lines))

    replayed = desk.events("replay", str(tmp_path / "many"), "--yes")
    retried = desk.events("retry", "--state", "due", "--since", "1h", "--yes")

    assert replayed.err == retried.err == "100 of 250\n200 of 250\n"
    assert "and 230 more\n250 events due now" in retried.out


def test_endpoint_is_called_paused_after_five_days(desk: Desk, valkey_url: str) -> None:
    """Failing since, disabled since, and in plain words when it is too long."""
    fresh = desk.events("endpoint")
    desk.app.answer = lambda _request: Reply(410)
    desk.push(uploaded())
    disabled = desk.events("endpoint", "--json").json
    hint = desk.events("endpoint").out
    six_days_ago = int(time.time()) - 6 * 86_400
    with redis.Redis.from_url(valkey_url) as connection:
        (key,) = connection.scan_iter("*:endpoint:*")
        connection.hset(key, "failing_since", six_days_ago)
    paused = desk.events("endpoint")

    assert fresh.out == "last delivery   none\nfailing since   -\ndisabled since  -\n"
    assert disabled["disabledSince"] == disabled["failingSince"] != None  # noqa: E711  # a chain
    assert disabled["paused"] is False
    assert "--enable delivers to it again" in hint
    assert "Paused: for more than 5 days." in paused.out


def test_enabled_endpoint_gets_what_waited(desk: Desk) -> None:
    """After a 410 nothing is sent, until the operator enables the endpoint and makes the events due."""
    desk.app.answer = lambda _request: Reply(410)
    desk.push(uploaded())
    desk.make_due()
    desk.tick()
    sent_while_disabled = len(desk.received_ids)
    desk.app.answer = lambda _request: Reply(204)

    enabled = desk.events("endpoint", "--enable")
    desk.events("retry", "--state", "due", "--yes")
    desk.tick()

    assert sent_while_disabled == 1
    assert "Enabled." in enabled.out
    assert len(desk.received_ids) == 2
    assert "It was neither disabled nor paused." in desk.events("endpoint", "--enable").out


@pytest.mark.parametrize(
    "words",
    [
        ("retry",),
        ("retry", "evt_1", "--state", "dead"),
        ("retry", "evt_1", "--since", "1h"),
        ("list", "--redis-url", "http://somewhere"),
        ("list", "--stage", "NOT A STAGE"),
    ],
)
def test_wrong_usage_is_told_in_one_sentence(desk: Desk, words: tuple[str, ...]) -> None:
    """Exit code 2, and no value is repeated."""
    output = desk.events(*words)

    assert output.code == 2
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert "somewhere" not in output.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("lost",),
        ("list", "--since", "yesterday"),
        ("list", "--since", "9999999d99"),
        ("list", "--limit", "0"),
        ("list", "--state", "lost"),
        ("retry", "--state", "quarantined"),
        ("show",),
    ],
)
def test_option_that_cannot_be_read_is_wrong_usage(desk: Desk, words: tuple[str, ...]) -> None:
    """The parser's own refusals end with 2, as everywhere."""
    with pytest.raises(SystemExit) as caught:
        desk.events(*words)

    assert caught.value.code == 2


@pytest.mark.parametrize("words", [("list",), ("show", "evt_1"), ("retry", "--state", "dead"), ("endpoint",)])
def test_store_that_is_away_is_told_in_one_sentence(desk: Desk, words: tuple[str, ...]) -> None:
    """Exit code 1, and not a word about where the store should be."""
    away = f"redis://:canary-password@127.0.0.1:{refused_port()}/0"
    desk.deploy(REDIS_URL=away)
    output = desk.events(*words)

    assert (output.code, output.out) == (1, "")
    assert output.err.count("\n") == 1
    assert "canary" not in output.err


def test_password_is_not_taken_from_the_command_line(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Everybody on the machine can read what a process was called with (S37); it is not repeated either."""
    with pytest.raises(SystemExit) as caught:
        desk.events("list", "--redis-url", "redis://:canary-password@127.0.0.1/0")

    assert caught.value.code == 2
    told = capsys.readouterr()
    assert "REDIS_URL" in told.err
    assert "canary" not in told.out + told.err


def test_replay_into_a_store_that_is_away_says_how_to_go_on(desk: Desk, tmp_path: Path) -> None:
    """What was put in stays in once, so the same command can be given again."""
    (tmp_path / "log").write_text(json.dumps(uploaded()) + "\n\n" + json.dumps(changed()))
    away = ("--redis-url", f"redis://127.0.0.1:{refused_port()}/0")

    output = desk.events("replay", str(tmp_path / "log"), "--yes", *away)

    assert output.code == 1
    assert output.err.endswith("What was put in stays in once, so run it again.\n")


def test_retry_that_loses_its_store_says_how_many_are_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage in the middle is no traceback."""
    desk.push(uploaded())
    monkeypatch.setattr(OperatorStore, "revive", _with_store_gone(OperatorStore.revive))

    output = desk.events("retry", "--state", "delivered", "--yes")

    assert output.code == 1
    assert output.err.endswith(" Not reached: 1.\n")


def test_replay_needs_the_settings_of_the_functions(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the context keys nobody can say whose an event is."""
    monkeypatch.delenv("CONTEXT_KEYS")

    output = desk.events("replay", os.devnull)

    assert output.code == 2
    assert "CONTEXT_KEYS" in output.err


def test_file_that_is_not_there_is_told_in_one_sentence(desk: Desk, tmp_path: Path) -> None:
    """The file is named, and why it cannot be read."""
    output = desk.events("replay", str(tmp_path / "none"))

    assert (output.code, output.err) == (
        1,
        f"{tmp_path / 'none'} cannot be read: No such file or directory.\n",
    )


def test_without_a_store_the_command_says_how_to_name_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither REDIS_URL nor a local stack: wrong usage, and what to do."""
    monkeypatch.delenv("REDIS_URL")
    output = desk.events("list", "--folder", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1/0")
    monkeypatch.setenv("APP_WEBHOOK_URL", "off")
    no_endpoint = desk.events("endpoint")

    assert output.code == 2
    assert "REDIS_URL" in output.err
    assert no_endpoint.code == 2
    assert "APP_WEBHOOK_URL" in no_endpoint.err


def test_events_of_the_running_stack_are_found_without_any_address(stack: Stack) -> None:
    """On a developer's machine the command needs no setting: the stack's folder says where."""
    folder = stack.ca_file.parent
    file = folder / "environment.json"
    variables = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  # our own words
            [sys.executable, "-m", "local", "events", *words, "--folder", str(folder)],
            cwd=REPOSITORY,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    listed, endpoint = run("list", "--json"), run("endpoint")

    assert listed.returncode == endpoint.returncode == 0, listed.stderr + endpoint.stderr
    assert isinstance(json.loads(listed.stdout), list)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_environment_of_a_stack_goes_with_it(tmp_path: Path) -> None:
    """The private file is there while the stack runs, and only then."""
    before = read_environment(tmp_path)
    with kept_environment(tmp_path, {"STAGE": "local"}):
        during = read_environment(tmp_path)
    after = read_environment(tmp_path)
    (tmp_path / "environment.json").write_text("[1]")

    assert (before, during, after) == (None, {"STAGE": "local"}, None)
    assert read_environment(tmp_path) is None


def test_reader_that_has_seen_enough_gets_no_complaint(desk: Desk, tmp_path: Path) -> None:
    """A closed pipe ends the command without an error message."""
    lines = [json.dumps(uploaded(file_id=str(number))) + "\n" for number in range(150)]
    (tmp_path / "many").write_text("".join(lines))
    desk.events("replay", str(tmp_path / "many"), "--yes")

    ended = subprocess.run(  # noqa: S602  # a pipe of our own words
        f"{sys.executable} -m local events list --json --limit 999 | head -c 10",
        shell=True,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert ended.stderr == ""
    assert len(ended.stdout) == 10


def park(store_url: str, raw: str) -> None:
    """Fail to ingest an event until it is parked."""
    store = Store(store_url, StoreScope("test", 604_800))
    while not store.count_failure(raw, problem="KeyError", now=int(time.time()), budget=10**6):
        pass


def _with_store_gone(method: Callable[..., bool]) -> Callable[..., bool]:
    def revive(store: OperatorStore, *arguments: object, **named: object) -> bool:
        away = OperatorStore(f"redis://127.0.0.1:{refused_port()}/0", StoreScope("test", 1))
        assert store
        return method(away, *arguments, **named)

    return revive


def test_event_of_an_earlier_release_whose_bytes_are_gone_says_so(
    desk: Desk, valkey_url: str, tmp_path: Path
) -> None:
    """Such a record outlives its bytes: it is listed, and cannot be shown whole, retried or replayed."""
    desk.push(uploaded())
    shown = tmp_path / "events.json"
    with redis.Redis.from_url(valkey_url) as connection:
        (key,) = connection.scan_iter("*:body:*")
        connection.delete(key)
        connection.hset(key.replace(b":body:", b":event:"), "type", "vod.NewFileUpload")

    listed = desk.events("list", "--json", "--full")
    shown.write_text(listed.out)

    (row,) = listed.json
    assert (row["type"], row["raw"]) == ("vod.NewFileUpload", None)
    answers = [
        desk.events("show", row["id"]),
        desk.events("retry", row["id"], "--yes"),
        desk.events("retry", "--state", "delivered", "--yes"),
        desk.events("replay", str(shown), "--yes"),
    ]
    assert ["its bytes are gone" in answer.out + answer.err for answer in answers] == [True] * 4


def test_event_of_which_the_tombstone_is_left_says_so(desk: Desk, valkey_url: str, tmp_path: Path) -> None:
    """After DELIVERED_RETENTION_SECONDS an event is known by its id alone: it was delivered."""
    desk.push(uploaded())
    (row,) = desk.events("list", "--state", "delivered", "--json", "--full").json
    log = tmp_path / "events.json"
    log.write_text(json.dumps([row]))
    with redis.Redis.from_url(valkey_url) as connection:
        connection.delete(*connection.scan_iter("*:event:*"), *connection.scan_iter("*:body:*"))

    shown = desk.events("show", row["id"], "--json").json

    assert (shown["state"], shown["received"], shown["raw"]) == ("delivered", None, None)
    assert "its bytes are gone" in desk.events("show", row["id"]).out
    assert "its bytes are gone" in desk.events("retry", row["id"], "--yes").err
    assert "1 would be known already" in desk.events("replay", str(log)).out
    assert "1 known already" in desk.events("replay", str(log), "--yes").out
