"""POST /{callback token}: VOD's normal callback."""

from __future__ import annotations

import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook

from functions import event_notification
from shared.runtime import bootstrap
from shared.vod.notification import parse_notification
from shared.vod.signature import decode
from tests.functions.deployment import CALLBACK_TOKEN, CONTEXT_KEY, SECRET_KEY, environment
from tests.functions.scf import REQUEST_ID, Answer, event_of, read_answer
from tests.functions.vod import begin_upload
from tests.shared.loopback_peer import HOST, HttpPeer, RawPeer, Received, Reply, refused_port, say_nothing
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, TASK_ID, changed, uploaded
from tests.shared.vod_records import Records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.functions.conftest import Call, Deploy, ReadStatus

SAMPLES = Path(__file__).parents[1] / "samples" / "vod"
SECRET = "whsec_" + "Y2FuYXJ5" * 4
OLD_SECRET = "whsec_" + "b2xkLW9uZS" * 4
SIGN_KEY = "AbCd1234EfGh5678"
NOT_A_TOKEN = "another-token-as-long-as-ours-0002"


class Vod:
    """A server API: it returns the records of files and task flows, after a delay or not at all."""

    def __init__(self) -> None:
        """Start without files."""
        self.records = Records()
        self.kept = self.records.kept
        self.delay_seconds = 0.0
        self.broken = False

    def answer(self, request: Received) -> Reply:
        """Answer a call."""
        if self.broken:
            return Reply(500)
        members = self._members(request.headers["x-tc-action"], json.loads(request.body))
        body = json.dumps({"Response": {**members, "RequestId": "1"}}).encode()
        return Reply(200, body, {"Content-Type": "application/json"}, self.delay_seconds)

    def _members(self, action: str, parameters: dict[str, Any]) -> dict[str, object]:
        records = self.records
        if action == "DescribeMediaInfos":
            media = records.media_info(parameters["FileIds"][0], sub_app_id=None, timeout_seconds=1)
            return {"MediaInfoSet": [media] if media else []}
        if action == "DescribeTasks":
            tasks = records.tasks_of_file(parameters["FileId"], sub_app_id=None, timeout_seconds=1)
            return {"TaskSet": tasks}
        task = records.procedure_task(parameters["TaskId"], sub_app_id=None, timeout_seconds=1)
        return {"ProcedureTask": task}


@pytest.fixture
def vod() -> Vod:
    """Return a VOD without files."""
    return Vod()


@pytest.fixture
def app() -> Iterator[HttpPeer]:
    """Run an app that accepts every event."""
    with HttpPeer(lambda _request: Reply(204)) as peer:
        yield peer


@pytest.fixture
def settings(vod: Vod, app: HttpPeer, deploy: Deploy) -> Iterator[dict[str, str]]:
    """Deploy with the read-back on, and with real servers as VOD and app."""
    with HttpPeer(vod.answer) as api:
        changes = {
            "READ_BACK": "on",
            "VOD_API_URL": api.url,
            "APP_WEBHOOK_URL": app.url,
            "APP_WEBHOOK_SECRETS": SECRET,
            "APP_WEBHOOK_ALLOW_INSECURE": "1",
        }
        deploy(**changes)
        yield changes
    # What keeps a connection is let go while its server's port is still nobody else's.
    bootstrap.vod_api.cache_clear()


def push(
    body: object,
    *,
    path: str = f"/{CALLBACK_TOKEN}",
    query: Mapping[str, str] | None = None,
    method: str = "POST",
) -> Answer:
    """Call back as VOD does."""
    text = body if isinstance(body, str) else json.dumps(body)
    event = event_of("function-url", method, path, headers={}, query=query or {}, body=text)
    return read_answer(event_notification.main_handler(event, {"request_id": REQUEST_ID}))


def begun(user: str = "alice", **wish: object) -> tuple[str, str]:
    """Begin an upload; return its id and the token in its signature."""
    issued = begin_upload(seconds_ago=60, user=user, **wish)
    return issued.upload_id, decode(issued.signature).values["sourceContext"]


def delivered(app: HttpPeer) -> list[dict[str, Any]]:
    """Return what the app received, verified by the library that an app would use."""
    webhook = Webhook(SECRET)
    return [dict(webhook.verify(request.body, dict(request.headers))) for request in app.received]


def due_events() -> int:
    """Return the number of events that wait for the timer."""
    store = bootstrap.event_notification().store
    return len(store.due_events(now=int(time.time()) + 15, limit=100))


def log_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the log lines."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_finished_upload_reaches_app_and_owner(
    settings: dict[str, str], vod: Vod, app: HttpPeer, call: Call, look: ReadStatus
) -> None:
    """From the callback to the app's signed event and the owner's status, in both dialects."""
    assert settings
    upload_id, token = begun(context="lesson 3")
    vod.kept[FILE_ID] = token

    answer = call(
        event_notification.main_handler, "POST", f"/{CALLBACK_TOKEN}", body=uploaded(token), user=None
    )

    assert (answer.status, answer.body) == (200, "")
    (event,) = delivered(app)
    assert event["type"] == "upload.completed"
    assert event["data"]["uploader"] == "alice"
    assert event["data"]["context"] == "lesson 3"
    assert event["data"]["uploadId"] == upload_id
    assert event["data"]["verified"] is True
    assert event["data"]["verdict"] == "attributed"
    status = look(upload_id).json
    assert (status["state"], status["fileId"]) == ("uploaded", FILE_ID)
    assert due_events() == 0


def test_task_flow_reaches_app_and_owner(
    settings: dict[str, str], vod: Vod, app: HttpPeer, look: ReadStatus
) -> None:
    """The events of one upload are numbered, and its state follows them."""
    assert settings
    upload_id, token = begun(policy="course")
    vod.kept[FILE_ID] = token

    states = []
    running = changed(token, status="PROCESSING", subtask="PROCESSING", progress=40)
    for state, event in (
        (running, uploaded(token, task_id=TASK_ID)),
        (running, running),
        (changed(token), changed(token)),
    ):
        vod.records.run(state)
        push(event)
        states.append(look(upload_id).json["state"])

    assert states == ["processing", "processing", "ready"]
    assert [(event["type"], event["data"]["sequence"]) for event in delivered(app)] == [
        ("upload.completed", 1),
        ("procedure.changed", 2),
        ("procedure.finished", 3),
    ]


@pytest.mark.parametrize(
    "path", sorted(SAMPLES.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_known_event_is_journaled_and_delivered(
    settings: dict[str, str], app: HttpPeer, path: Path
) -> None:
    """Each event type VOD is known to send, v3 and legacy, is answered 200 and reaches the app as itself."""
    assert settings
    notification = parse_notification(path.read_bytes())

    assert push(path.read_text(encoding="utf-8")).status == 200

    (event,) = delivered(app)
    assert event["type"] == f"vod.{notification.event_type or 'Unknown'}"
    assert event["raw"] == notification.raw


@pytest.mark.parametrize(
    "body", ["{}", '{"EventType":"NewThing2031","NewThingEvent":{"x":[1,null]}}', '{"a":1}']
)
def test_unknown_event_is_delivered_as_what_it_is(settings: dict[str, str], app: HttpPeer, body: str) -> None:
    """An unknown event type is journaled and delivered (F33)."""
    assert settings

    assert push(body).status == 200

    assert delivered(app)[0]["type"].startswith("vod.")


def test_foreign_upload_is_delivered_unattributed(settings: dict[str, str], app: HttpPeer) -> None:
    """What was uploaded in the console reaches the app without an uploader (F34)."""
    assert settings

    push(uploaded("order-7781"))

    content = delivered(app)[0]["data"]
    assert (content["verdict"], content["uploader"], content["sourceContext"]) == (
        "unattributed",
        None,
        "order-7781",
    )


def test_broken_seal_is_answered_and_never_delivered(settings: dict[str, str], app: HttpPeer) -> None:
    """VOD gets its 200, so that it stops; the app gets nothing (S24)."""
    assert settings
    _, token = begun()

    answer = push(uploaded(token[:-1] + ("A" if token[-1] != "A" else "Q")))

    assert answer.status == 200
    assert app.received == []
    assert due_events() == 0


def test_forged_file_is_never_delivered_and_the_genuine_one_is(
    settings: dict[str, str], vod: Vod, app: HttpPeer, look: ReadStatus
) -> None:
    """Who knows the callback's address can put his own token on another's file, to no effect (S23b)."""
    assert settings
    victims_upload, victims_token = begun("victim")
    forgers_upload, forgers_token = begun("forger")
    vod.kept[FILE_ID] = victims_token

    answers = [push(uploaded(forgers_token)), push(uploaded(victims_token))]

    assert [answer.status for answer in answers] == [200, 200]
    assert [event["data"]["uploader"] for event in delivered(app)] == ["victim"]
    assert look(victims_upload, user="victim").json["state"] == "uploaded"
    assert look(forgers_upload, user="forger").json["state"] == "issued"


def test_event_is_told_as_unverified_where_the_read_back_is_off(
    settings: dict[str, str], deploy: Deploy, app: HttpPeer
) -> None:
    """The app always knows whether VOD has confirmed what it is told."""
    deploy(**{**settings, "READ_BACK": "off"})
    _, token = begun()

    push(uploaded(token))

    assert delivered(app)[0]["data"]["verified"] is False


@pytest.mark.parametrize("failure", ["slow", "broken", "down"])
def test_event_is_held_while_vod_cannot_be_asked(
    settings: dict[str, str], deploy: Deploy, vod: Vod, app: HttpPeer, failure: str
) -> None:
    """VOD is answered in time all the same, the app hears nothing yet, and the timer will try again."""
    if failure == "down":
        deploy(**{**settings, "VOD_API_URL": f"http://{HOST}:{refused_port()}"})
    vod.broken, vod.delay_seconds = failure == "broken", 20.0 if failure == "slow" else 0.0
    _, token = begun()
    vod.kept[FILE_ID] = token
    started = time.monotonic()

    answer = push(uploaded(token))

    assert answer.status == 200
    assert time.monotonic() - started < 4
    assert app.received == []
    assert due_events() == 1


@pytest.mark.parametrize("status", [301, 404, 500])
def test_event_that_the_app_refuses_stays_due(settings: dict[str, str], app: HttpPeer, status: int) -> None:
    """The app's trouble is not VOD's: the callback is answered, the event waits."""
    assert settings
    app.answer = lambda _request: Reply(status, headers={"Location": app.url})

    assert push(uploaded("console")).status == 200
    assert len(app.received) == 1
    assert due_events() == 1


def test_event_stays_due_while_the_app_is_down(settings: dict[str, str], deploy: Deploy) -> None:
    """Nobody listening at the app's address costs nothing but time."""
    deploy(**{**settings, "APP_WEBHOOK_URL": f"http://{HOST}:{refused_port()}"})

    assert push(uploaded("console")).status == 200
    assert due_events() == 1


def test_slow_app_and_slow_vod_together_leave_the_answer_in_time(
    settings: dict[str, str], vod: Vod, app: HttpPeer
) -> None:
    """However long both would take, VOD has its answer within 4 of its 5 seconds."""
    assert settings
    app.answer = lambda _request: Reply(204, delay_seconds=20)
    vod.delay_seconds = 1.0
    _, token = begun()
    vod.kept[FILE_ID] = token
    started = time.monotonic()

    answer = push(uploaded(token))

    assert answer.status == 200
    assert time.monotonic() - started < 4
    assert due_events() == 1


def test_copies_are_delivered_once(settings: dict[str, str], vod: Vod, app: HttpPeer) -> None:
    """VOD may send three times, and its retries may overlap: 32 copies at once are one event (R2)."""
    assert settings
    _, token = begun()
    vod.kept[FILE_ID] = token
    push(uploaded("console", file_id=OTHER_FILE_ID))

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _number: push(uploaded(token)), range(32)))

    assert [answer.status for answer in answers] == [200] * 32
    assert [event["type"] for event in delivered(app)] == ["vod.NewFileUpload", "upload.completed"]


def test_both_secrets_sign_during_a_rotation(settings: dict[str, str], deploy: Deploy, app: HttpPeer) -> None:
    """An app that has either secret accepts the event, of which every byte is signed."""
    deploy(**{**settings, "APP_WEBHOOK_SECRETS": f"{SECRET},{OLD_SECRET}"})

    push(uploaded("console"))

    (request,) = app.received
    for secret in (SECRET, OLD_SECRET):
        assert Webhook(secret).verify(request.body, dict(request.headers))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        f"/{NOT_A_TOKEN}",
        f"/{CALLBACK_TOKEN[:-1]}",
        f"/{CALLBACK_TOKEN}A",
        f"/{CALLBACK_TOKEN.upper()}",
        f"/{CALLBACK_TOKEN}/{NOT_A_TOKEN}",
        f"/?{CALLBACK_TOKEN}",
        "/\u00e9\ud800\x00",
        "/" + "a" * 10_000,
    ],
)
@pytest.mark.parametrize("body", ["not JSON", json.dumps(uploaded())])
def test_stranger_finds_nothing(settings: dict[str, str], app: HttpPeer, path: str, body: str) -> None:
    """Without the token every request gets 404, and its body is not read (S23)."""
    assert settings

    answer = push(body, path=path, query={"token": CALLBACK_TOKEN})

    assert answer.status == 404
    assert answer.json["detail"] == "There is nothing here."
    assert app.received == []


@pytest.mark.parametrize("token", [CALLBACK_TOKEN, NOT_A_TOKEN])
@pytest.mark.parametrize("prefix", ["/", "/stage/vod-callback/"])
def test_two_tokens_are_valid_during_a_rotation(
    settings: dict[str, str], deploy: Deploy, token: str, prefix: str
) -> None:
    """The old address goes on working beside the new one, whatever path the platform puts before it."""
    deploy(**{**settings, "CALLBACK_TOKENS": f"{NOT_A_TOKEN},{CALLBACK_TOKEN}"})

    assert push(uploaded("console"), path=prefix + token).status == 200


def signed(**changes: object) -> dict[str, object]:
    """Return what VOD adds when a SignKey is set, valid for ten minutes."""
    expires_at = int(time.time()) + 600
    sign = hashlib.md5(f"{SIGN_KEY}{expires_at}".encode()).hexdigest()  # noqa: S324 -- the vendor's choice
    return {"Sign": sign, "T": expires_at, **changes}


@pytest.fixture
def with_sign_key(settings: dict[str, str], deploy: Deploy) -> None:
    """Deploy with a SignKey."""
    deploy(**{**settings, "VOD_CALLBACK_SIGN_KEY": SIGN_KEY})


@pytest.mark.usefixtures("with_sign_key")
def test_signed_callback_is_taken(app: HttpPeer) -> None:
    """Sign and T are accepted in the body, as number and text, in upper case, and in the query string."""
    ways = [
        ({**uploaded("a", file_id="1"), **signed()}, None),
        ({**uploaded("b", file_id="2"), **signed(T=str(signed()["T"]))}, None),
        ({**uploaded("c", file_id="3"), **signed(Sign=str(signed()["Sign"]).upper())}, None),
        (uploaded("d", file_id="4"), {name: str(value) for name, value in signed().items()}),
    ]

    assert [push(body, query=query).status for body, query in ways] == [200] * 4
    assert len(app.received) == 4
    assert all("Sign" not in event["raw"] for event in delivered(app))


@pytest.mark.usefixtures("with_sign_key")
@pytest.mark.parametrize(
    "changes",
    [
        {"Sign": None},
        {"Sign": ""},
        {"Sign": "0" * 32},
        {"Sign": ["x"]},
        {"T": None},
        {"T": 1},
        {"T": -1},
        {"T": "1e9"},
        {"T": 2**70},
        {"T": True},
    ],
)
def test_callback_that_is_not_signed_is_refused(app: HttpPeer, changes: dict[str, object]) -> None:
    """With a SignKey, a missing, wrong or expired signature is like a wrong address."""
    assert push({**uploaded(), **signed(**changes)}).status == 404

    assert app.received == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_only_post_calls_back(settings: dict[str, str], method: str) -> None:
    """Other methods get 405 with the allowed ones."""
    assert settings

    answer = push("", method=method)

    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize("failure", ["down", "silent"])
def test_event_that_cannot_be_journaled_gets_no_answer_in_time(
    settings: dict[str, str], deploy: Deploy, capsys: pytest.CaptureFixture[str], failure: str
) -> None:
    """VOD repeats only what timed out: so it waits, and the event is in the log, ready to be replayed."""
    event = uploaded("order-7781 \u2603")
    with RawPeer(say_nothing) as hole:
        port = hole.port if failure == "silent" else refused_port()
        deploy(
            **{**settings, "REDIS_URL": f"redis://:canary@{HOST}:{port}/0", "CALLBACK_HOLD_SECONDS": "0.7"}
        )
        started = time.monotonic()
        answer = push({**event, "Sign": "1eee", "T": 1793319136})

    assert answer.status == 503
    assert 0.7 <= time.monotonic() - started < 1.7
    lines = log_lines(capsys)
    (unjournaled,) = [line for line in lines if line["event"] == "event.unjournaled"]
    assert json.loads(unjournaled["raw"]) == event
    assert unjournaled["level"] == "error"
    assert unjournaled["requestId"] == REQUEST_ID
    assert str(port) not in json.dumps(lines) + answer.body


def test_time_that_is_over_is_not_waited_for(settings: dict[str, str], deploy: Deploy) -> None:
    """Where the store took longer than the hold itself, the answer comes at once."""
    with RawPeer(say_nothing) as hole:
        deploy(**{**settings, "REDIS_URL": f"redis://{HOST}:{hole.port}/0", "CALLBACK_HOLD_SECONDS": "0"})

        assert push(uploaded()).status == 503


def test_log_tells_what_became_of_the_event_and_no_secret(
    settings: dict[str, str], vod: Vod, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says which event, which upload and how it ended; no token, key, user or context (S37, S39)."""
    upload_id, token = begun("canary-user", context="canary-context")
    vod.kept[FILE_ID] = token

    push(uploaded(token))
    push("no event", path=f"/{NOT_A_TOKEN}")

    lines = log_lines(capsys)
    assert lines[0]["event"] == "event.journaled"
    assert lines[0]["outcome"] == "delivered"
    assert upload_id in json.dumps(lines[0])
    text = json.dumps(lines)
    secrets = (CALLBACK_TOKEN, NOT_A_TOKEN, CONTEXT_KEY, SECRET_KEY, SECRET, token)
    for canary in (*secrets, "canary-user", "canary-context", settings["VOD_API_URL"]):
        assert canary not in text


@pytest.mark.parametrize("kind", ["token", "signature"])
def test_refusal_is_one_line_that_can_be_counted(
    settings: dict[str, str], deploy: Deploy, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """It says what was wrong, and nothing of what the stranger sent (S23)."""
    deploy(**{**settings, "VOD_CALLBACK_SIGN_KEY": "theKeyThatVodSignsWith"})
    path = f"/{CALLBACK_TOKEN if kind == 'signature' else NOT_A_TOKEN}"
    answer = push({"EventType": "canary-body"}, path=path, query={"token": "canary-query", "sign": "canary"})
    (line,) = log_lines(capsys)

    assert answer.status == 404
    assert (line["event"], line["status"], line["wrong"]) == ("request.refused", 404, kind)
    assert "canary" not in json.dumps(line)
    assert path.strip("/") not in json.dumps(line)


def test_settings_that_are_missing_are_told_in_the_log_only(
    deploy: Deploy, valkey_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broken deployment answers 500 without details, and names the variable in its log."""
    assert "CALLBACK_TOKENS" in environment(valkey_url)
    deploy(CALLBACK_TOKENS="")

    answer = push(uploaded())

    assert answer.status == 500
    assert "CALLBACK_TOKENS" not in answer.body
    assert "CALLBACK_TOKENS" in capsys.readouterr().out
