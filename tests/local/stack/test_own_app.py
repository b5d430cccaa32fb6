"""`python -m local serve` with an app of one's own: its back end, its page, its policies and its login."""

from __future__ import annotations

import argparse
import base64
import json
import socket
import time
from threading import Thread
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from standardwebhooks import Webhook

from local.__main__ import main
from local.operator.event_store import OperatorStore
from local.operator.listen_command import Listener
from local.stack.app_options import IGNORED, add_app_arguments, own_app, settings_lines
from local.stack.demo_settings import receiver_secrets, user_token
from local.stack.stack import Stack
from local.webhook_forwarding import NO_ANSWER, forward
from shared.config.settings import WebhookSettings, load_settings
from shared.domain.event_status import EventStatus
from shared.store.connection import StoreScope
from tests.clients.stack_client import events_about
from tests.shared.loopback_peer import HttpPeer, Reply, refused_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from local.stack.app_options import OwnApp

ORIGIN = "http://localhost:5173"
WEEK = 604_800
TAKEN, REFUSED = "5576678020044556677", "5576678020044556678"
LOGIN_SECRET = "the key of a login service of one's own"


def chosen(*words: str, **environment: str) -> OwnApp:
    """Return what the options and the environment come to."""
    parser = argparse.ArgumentParser()
    add_app_arguments(parser)
    return own_app(parser.parse_args(words), environment)


@pytest.fixture(scope="module")
def app() -> Iterator[HttpPeer]:
    """Listen as a back end that takes every event but those about one file."""
    with HttpPeer(lambda request: Reply(503 if REFUSED.encode() in request.body else 204)) as peer:
        yield peer


@pytest.fixture(scope="module")
def stack(app: HttpPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack with all options."""
    folder = tmp_path_factory.mktemp("own")
    policies = folder / "policies.json"
    policies.write_text('{"default": {}, "lesson": {"maxDuration": 60}}')
    words = (
        "--forward-to",
        f"{app.url}/webhook",
        "--origin",
        "HTTP://LocalHost:5173/",
        "--policies",
        str(policies),
    )
    own = chosen(*words, "--jwt-secret", LOGIN_SECRET, JWT_USER_PREFIX="own:")
    with Stack(folder=folder, overrides=own.overrides, forward_to=own.forward_to) as stack:
        yield stack


def test_page_of_another_origin_uploads_with_a_token_of_its_own_login(stack: Stack) -> None:
    """The login's token is enough, without an audience; with its secret, the demo's page goes on working."""
    token = jwt.encode({"sub": "minji", "exp": 4_000_000_000}, LOGIN_SECRET, algorithm="HS256")
    headers = {"Authorization": f"Bearer {token}", "Origin": ORIGIN}
    answer = requests.post(f"{stack.url}/signature", json={"policy": "lesson"}, headers=headers, timeout=30)
    made = requests.get(f"{stack.url}/local/token", headers={"Origin": ORIGIN}, timeout=10)

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert made.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert jwt.decode(made.text, LOGIN_SECRET, algorithms=["HS256"])["sub"] == "alice"


def test_token_of_the_stack_is_signed_as_the_functions_read_the_key() -> None:
    """A key that the login service shows in Base64 is that key, not its text."""
    shown = {"JWT_SECRETS": f"base64:{base64.b64encode(LOGIN_SECRET.encode()).decode()}"}
    token = user_token(shown, user="alice", ttl_seconds=60)

    assert jwt.decode(token, LOGIN_SECRET, algorithms=["HS256"])["sub"] == "alice"


def test_event_reaches_the_app_byte_for_byte_and_its_answer_counts(stack: Stack, app: HttpPeer) -> None:
    """What `GET /local/events` shows is what the app got; a 503 leaves the event due."""
    for file_id in (TAKEN, REFUSED):
        deletion: dict[str, Any] = {"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": [file_id]}}
        requests.post(f"{stack.url}/local/simulator/emit", json=deletion, timeout=10)
        events_about(stack, id_=file_id)
    shown = requests.get(f"{stack.url}/local/events", timeout=10).json()[:2]
    forwarded = app.received[:2]
    environment = stack.environment
    store = OperatorStore(environment["REDIS_URL"], StoreScope(environment["STAGE"], WEEK))
    statuses = [event.status for it in shown for event in store.with_id(it["body"]["id"], limit=1)]

    assert [it["answered"] for it in shown] == [204, 503]
    assert [it["text"].encode() for it in shown] == [it.body for it in forwarded]
    assert [it.path for it in forwarded] == ["/webhook"] * 2
    assert [_webhook_headers(it["headers"]) for it in shown] == [
        _webhook_headers(it.headers) for it in forwarded
    ]
    assert statuses == [EventStatus.DELIVERED, EventStatus.DUE]


def test_listen_forwards_what_the_journal_of_a_stage_has(stack: Stack) -> None:
    """Each event once, verified by the app with the stage's secret; its state in the stage stays."""
    secret = stack.environment["APP_WEBHOOK_SECRETS"]
    store = OperatorStore(stack.environment["REDIS_URL"], StoreScope(stack.environment["STAGE"], WEEK))
    settings = load_settings(WebhookSettings, {**stack.environment, "APP_WEBHOOK_URL": "off"})
    with HttpPeer(lambda _request: Reply(204)) as app:
        listener = Listener(store, settings, f"{app.url}/webhook", since=0)
        for _ in range(2):
            listener.poll(int(time.time()))
        events = [Webhook(secret).verify(it.body, dict(it.headers)) for it in app.received]

    assert {TAKEN, REFUSED} <= {event["data"]["fileId"] for event in events}
    assert len({event["id"] for event in events}) == len(events)
    assert listener.refused == set()


def test_listen_gives_up_on_an_event_that_the_app_does_not_take(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """An app that is down is said, and five attempts are enough."""
    folder = str(stack.ca_file.parent)
    words = ("--forward-to", f"http://127.0.0.1:{refused_port()}/", "--since", "1h", "--folder", folder)

    assert main(["listen", "--once", "--json", *words]) == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {it["outcome"] for it in told} == {"The app does not answer (ConnectionError)."}
    assert main(["listen", "--once", *words]) == 1
    assert "The app does not answer (ConnectionError)." in capsys.readouterr().out
    assert main(["listen", "--once", "--forward-to", "app", "--folder", folder]) == 2
    assert main(["webhook-secret", "--folder", folder]) == 0
    assert capsys.readouterr().out == stack.environment["APP_WEBHOOK_SECRETS"] + "\n"
    assert main(["webhook-secret", "--json", "--folder", folder]) == 0
    assert json.loads(capsys.readouterr().out) == {"secret": stack.environment["APP_WEBHOOK_SECRETS"]}


def test_scenario_is_of_the_user_under_the_name_that_the_settings_give_him(stack: Stack) -> None:
    """The one that looks into the store finds him as well."""
    wish: dict[str, Any] = {"type": "upload.expired", "user": "minji", "waitSeconds": 60}
    told = requests.post(f"{stack.url}/local/trigger", json=wish, timeout=90).json()

    assert told["event"]["data"]["uploader"] == "own:minji"


def test_answer_of_the_app_counts_before_its_body_has_ended() -> None:
    """An app that goes on sending must hold up neither the other events nor the end of the stack."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_answer_without_end, args=(server,), daemon=True).start()
        answer = forward(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {})

    assert answer.accepted


@pytest.mark.parametrize("url", ["http://a..b/", "http://%00/", "http://127.0.0.1:99999/"])
def test_app_at_an_impossible_address_does_not_answer(url: str) -> None:
    """Whatever the HTTP client makes of a host name is an answer of 502."""
    assert forward(url, b"{}", {}).status == NO_ANSWER


def test_settings_of_the_environment_are_taken_or_named() -> None:
    """Limits and keys are taken; what would lead out of this machine is ignored with its reason."""
    own = chosen(JWT_JWKS_URL="http://127.0.0.1:9/keys", OPEN_UPLOADS="3", VOD_SECRET_KEY="real", HOME="/")

    assert own.overrides == {
        "JWT_JWKS_URL": "http://127.0.0.1:9/keys",
        "OPEN_UPLOADS": "3",
        "JWT_SECRETS": "",
        "JWT_AUDIENCE": "",
    }
    assert settings_lines(own) == (
        "  Settings of your environment: JWT_JWKS_URL, OPEN_UPLOADS.\n"
        "  Ignored: VOD_SECRET_KEY, because VOD is simulated, with keys of its own.\n"
    )
    assert set(own.ignored) <= IGNORED.keys()


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (("--policies", "none.json"), {}, "none.json cannot be read: No such file or directory."),
        (("--forward-to", "localhost:3000"), {}, "--forward-to must be an http or https URL"),
        (("--origin", "*"), {}, "CORS_ORIGINS"),
        (("--jwks", "http://login.example/keys"), {}, "JWT_JWKS_URL: must be an https URL"),
        (("--jwt-secret", "short"), {}, "JWT_SECRETS"),
        ((), {"OPEN_UPLOADS": "many"}, "OPEN_UPLOADS"),
        ((), {"PULL_SHARDS": "99"}, "PULL_SHARDS"),
        ((), {"JWT_JWKS_URL": "https://a.example/k", "JWT_SECRETS": "x" * 32}, "set exactly one of"),
    ],
)
def test_wrong_option_or_setting_is_one_sentence(
    words: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    """Nothing starts with a setting that the functions would refuse."""
    with pytest.raises(ValueError, match=sentence.replace(".", r"\.")):
        chosen(*words, **environment)


def test_wrong_settings_of_all_functions_are_named_at_once() -> None:
    """Each once, though several functions read it."""
    with pytest.raises(ValueError, match="These settings are missing or invalid") as caught:
        chosen(OPEN_UPLOADS="many", HEALTH_TOKEN="short", PULL_SHARDS="99", READ_BACK="no")

    names = ("OPEN_UPLOADS", "HEALTH_TOKEN", "PULL_SHARDS", "READ_BACK")
    assert [str(caught.value).count(f"{name}: ") for name in names] == [1, 1, 1, 1]


def test_each_of_several_back_ends_gets_what_its_filter_takes(tmp_path: Path) -> None:
    """Verified with the secret that is printed, or its own; the stack's own receiver gets every event."""
    file, own_secret = tmp_path / "endpoints.json", "whsec_" + base64.b64encode(b"b" * 32).decode()
    with HttpPeer(lambda _request: Reply(204)) as crm, HttpPeer(lambda _request: Reply(204)) as billing:
        entries = [
            {"name": "crm", "url": f"{crm.url}/hook", "types": ["vod.FileDeleted"]},
            {"name": "billing", "url": billing.url, "types": ["procedure.*"], "secrets": [own_secret]},
        ]
        file.write_text(json.dumps(entries))
        own = chosen("--endpoints", str(file))
        with Stack(folder=tmp_path / "stack", overrides=own.overrides) as stack:
            deletion: dict[str, Any] = {"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": [TAKEN]}}
            requests.post(f"{stack.url}/local/simulator/emit", json=deletion, timeout=10)
            [shown] = events_about(stack, id_=TAKEN)
            wait_until(lambda: crm.received)
            [secret] = receiver_secrets(stack.environment)
            event = Webhook(secret).verify(crm.received[0].body, dict(crm.received[0].headers))

    assert (event["id"], crm.received[0].path) == (shown["id"], "/hook")
    assert billing.received == []


@pytest.mark.parametrize("content", ["{}", '["crm"]', '[{"name": "crm"}]', '[{"name": "local-stack"}]'])
def test_file_of_no_endpoints_is_refused(content: str, tmp_path: Path) -> None:
    """By the checks of the setting itself."""
    file = tmp_path / "endpoints.json"
    file.write_text(content)

    with pytest.raises(ValueError, match="APP_WEBHOOKS"):
        chosen("--endpoints", str(file))


def test_with_a_key_set_only_its_login_makes_tokens() -> None:
    """The stack has no key that the functions would accept."""
    with pytest.raises(ValueError, match="your own login makes the tokens"):
        user_token({"JWT_SECRETS": ""}, user="alice", ttl_seconds=60)


def test_policies_that_are_not_json_are_named(tmp_path: Path) -> None:
    """The file is named, not its content."""
    file = tmp_path / "policies.json"
    file.write_text("{")

    with pytest.raises(ValueError, match=r"policies\.json is not JSON\."):
        chosen("--policies", str(file))


def _webhook_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in headers.items() if name.startswith("webhook-")}


def _answer_without_end(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        connection.recv(65_536)
        connection.recv(1)  # until the other side closes
