from __future__ import annotations

import base64
import socket
import ssl
import time
from datetime import datetime, timezone
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING

import pytest
import trustme
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shared.config.settings import WebhookSettings, load_settings
from shared.http.webhook import AppWebhook, Attempt, signed_headers
from tests.shared.loopback_peer import HOST, HttpPeer, RawPeer, Reply, refused_port, say_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BODY = b'{"id":"evt_1","type":"upload.completed","data":{"context":"\\u2603"}}'
NOW = 1_795_000_000
OLD, NEW = bytes(range(32)), bytes(range(100, 132))


def spelled(secret: bytes) -> str:
    """Format a webhook secret as the setting and the receivers' library do."""
    return "whsec_" + base64.b64encode(secret).decode()


def webhook_to(url: str, *secrets: bytes) -> AppWebhook:
    """Return the sender for an endpoint, which may be on this machine."""
    return AppWebhook(webhook_settings(url, *secrets))


def webhook_settings(url: str, *secrets: bytes, insecure: bool = True) -> WebhookSettings:
    """Load the settings for an endpoint."""
    environment = {
        "APP_WEBHOOK_URL": url,
        "APP_WEBHOOK_SECRETS": ",".join(map(spelled, secrets or (NEW,))),
        "APP_WEBHOOK_ALLOW_INSECURE": "1" if insecure else "0",
    }
    return load_settings(WebhookSettings, environment)


def send(webhook: AppWebhook, *, timeout_seconds: float = 2.0) -> Attempt:
    """Send the body once."""
    return webhook.send(BODY, event_id="evt_1", now=NOW, timeout_seconds=timeout_seconds)


@pytest.fixture
def app() -> Iterator[HttpPeer]:
    """Run an app that accepts every event."""
    with HttpPeer(lambda _request: Reply(204)) as peer:
        yield peer


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Create a certificate authority that is not trusted yet."""
    return trustme.CA()


def server_side(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Return the TLS context of a server with a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the authority in this process, by the variable that OpenSSL itself reads."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


def test_signature_is_the_one_openssl_makes() -> None:
    """The signature of a known body, computed with another program.

    printf 'evt_1.1795000000.{"a":1}' | openssl dgst -sha256 -binary -mac HMAC \
      -macopt hexkey:000102…1f | base64
    """
    expected = "v1,mTm2DbTCOsffApOFXVvM+IPwqrnVaoyv6aDEvA08AHU="

    headers = signed_headers(b'{"a":1}', event_id="evt_1", now=NOW, secrets=(OLD,))

    assert headers == {
        "webhook-id": "evt_1",
        "webhook-timestamp": "1795000000",
        "webhook-signature": expected,
    }


def test_delivery_verifies_with_the_specifications_own_library(app: HttpPeer) -> None:
    """An app that uses the library of Standard Webhooks accepts what we send, to the byte (S35)."""
    now = int(datetime.now(tz=timezone.utc).timestamp())

    attempt = webhook_to(app.url + "/hook?from=vod").send(
        BODY, event_id="evt_1", now=now, timeout_seconds=2.0
    )

    received = app.received[0]
    assert attempt == Attempt(204, "HTTP 204")
    assert attempt.delivered
    assert received.path == "/hook?from=vod"
    assert received.body == BODY
    assert received.headers["content-type"] == "application/json"
    assert Webhook(spelled(NEW)).verify(received.body, dict(received.headers))["id"] == "evt_1"


def test_both_secrets_verify_during_a_rotation() -> None:
    """Two secrets give two signatures of one body: an app with either accepts, with a third refuses."""
    now = int(datetime.now(tz=timezone.utc).timestamp())

    headers = signed_headers(BODY, event_id="evt_1", now=now, secrets=(NEW, OLD))

    assert len(headers["webhook-signature"].split()) == 2
    assert Webhook(spelled(NEW)).verify(BODY, headers)
    assert Webhook(spelled(OLD)).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(spelled(b"x" * 32)).verify(BODY, headers)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(BODY + b" ", {}, id="body"),
        pytest.param(BODY, {"webhook-id": "evt_2"}, id="id"),
        pytest.param(BODY, {"webhook-timestamp": "1795000000"}, id="time"),
    ],
)
def test_changed_part_of_a_delivery_no_longer_verifies(body: bytes, headers: dict[str, str]) -> None:
    """Id, time and body are all covered by the signature."""
    now = int(datetime.now(tz=timezone.utc).timestamp())
    signed = signed_headers(BODY, event_id="evt_1", now=now - 1, secrets=(NEW,))

    with pytest.raises(WebhookVerificationError):
        Webhook(spelled(NEW)).verify(body, {**signed, **headers})


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_means_delivered(app: HttpPeer, status: int) -> None:
    """The app says that it has the event with any status of the 200 class."""
    app.answer = lambda _request: Reply(status)

    assert send(webhook_to(app.url)).delivered


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 410, 429, 500, 503])
def test_every_other_status_means_not_delivered(app: HttpPeer, status: int) -> None:
    """Anything but a 2xx is a failure, told by its number."""
    app.answer = lambda _request: Reply(status)

    attempt = send(webhook_to(app.url))

    assert attempt == Attempt(status, f"HTTP {status}")
    assert not attempt.delivered


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_a_failure_and_is_not_followed(app: HttpPeer, status: int) -> None:
    """An event goes to the address that was configured and nowhere else (S33)."""
    with HttpPeer(lambda _request: Reply(204)) as elsewhere:
        app.answer = lambda _request: Reply(status, headers={"Location": elsewhere.url})

        attempt = send(webhook_to(app.url))

    assert attempt == Attempt(status, f"HTTP {status}")
    assert elsewhere.received == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("-1", None),
        ("1.5", None),
        ("Sun, 22 Nov 2026 08:00:00 GMT", None),
        ("9999999", None),
        ("\u0661", None),
        ("", None),
    ],
)
def test_retry_after_is_read_when_it_is_a_number_of_seconds(
    app: HttpPeer, header: str, seconds: int | None
) -> None:
    """The app may ask for time in whole seconds, up to 11 days; anything else says nothing."""
    wire = header.encode("utf-8").decode("latin-1")
    app.answer = lambda _request: Reply(503, headers={"Retry-After": wire})

    assert send(webhook_to(app.url)).retry_after == seconds


def test_each_attempt_is_one_request_of_its_own(app: HttpPeer) -> None:
    """What one answer leaves unread cannot be taken for the next one."""
    app.answer = lambda _request: Reply(500, body=b"HTTP/1.1 204 No Content\r\n\r\n" * 3)
    webhook = webhook_to(app.url)

    assert [send(webhook).status for _ in range(3)] == [500, 500, 500]
    assert len(app.received) == 3


def test_app_that_is_down_is_a_failed_attempt() -> None:
    """Nobody listening is an attempt without a status, and no exception."""
    attempt = send(webhook_to(f"http://{HOST}:{refused_port()}"))

    assert attempt == Attempt(0, "no answer (ConnectionRefusedError)")


def drip(connection: socket.socket, *, beginning: bytes = b"HTTP/1.1 ") -> None:
    """Answer one byte at a time, for ever."""
    connection.recv(65536)
    connection.sendall(beginning)
    for _ in repeat(None):
        connection.sendall(b"0")
        time.sleep(0.05)


def hang_up(connection: socket.socket) -> None:
    """Read the request and close."""
    connection.recv(65536)


def speak_another_protocol(connection: socket.socket) -> None:
    """Answer with something that is not HTTP."""
    connection.recv(65536)
    connection.sendall(b"220 mail.example.test ESMTP\r\n")


def pour(connection: socket.socket) -> None:
    """Answer 200 with a body that never ends."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    for _ in repeat(None):
        connection.sendall(b"z" * 65536)


@pytest.mark.parametrize("speak", [drip, hang_up, speak_another_protocol, say_nothing])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_app_that_does_not_answer_properly_is_cut_in_time(
    speak: Callable[[socket.socket], None], scheme: str
) -> None:
    """Silence, a closed connection, a wrong protocol and an answer that drips without end all end (S34).

    The time is one for all: looking up, connecting, TLS and the answer.
    """
    with RawPeer(speak) as peer:
        attempt = send(webhook_to(f"{scheme}://{HOST}:{peer.port}"), timeout_seconds=0.4)

    assert attempt.status == 0
    assert attempt.problem.startswith("no answer (")


@pytest.mark.parametrize("speak", [pour, partial(drip, beginning=b"HTTP/1.1 200 OK\r\nX-Slow: ")])
def test_answer_without_end_is_not_read(speak: Callable[[socket.socket], None]) -> None:
    """The status is all we want, if it is read in time: an answer of any size takes no memory (S34)."""
    with RawPeer(speak) as peer:
        attempt = send(webhook_to(f"http://{HOST}:{peer.port}"))

    # Whether the cut is met as an end or as a reset depends on what is just under way.
    assert attempt.status in {0, 200}


def test_private_address_is_refused_before_connecting(app: HttpPeer) -> None:
    """Without the developer's setting nothing goes to an inner address that got into the settings (S31)."""
    settings = webhook_settings("https://app.example.test", insecure=False)
    inner = type(settings)(**{**vars(settings), "app_webhook_url": f"https://{HOST}:{app.port}"})

    attempt = send(AppWebhook(inner))

    assert attempt == Attempt(0, "The host name of the webhook points into a private network.")
    assert app.received == []


@pytest.mark.usefixtures("trusted")
def test_connection_goes_to_the_checked_address_under_the_hosts_name(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is looked up once; TLS and Host carry the name, the connection the address (S32)."""
    asked: list[str] = []
    look_up = socket.getaddrinfo

    def resolver(host: str, port: int, **options: int) -> object:
        asked.append(host)
        return look_up(HOST, port, **options) if asked == ["app.example.test"] else []

    context = server_side(authority, "app.example.test")
    names: list[str] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)

    with HttpPeer(lambda _request: Reply(204), tls=context) as peer:
        attempt = send(webhook_to(f"https://app.example.test:{peer.port}/hook"))

    assert attempt.delivered
    assert asked == ["app.example.test"]
    assert names == ["app.example.test"]
    assert peer.received[0].headers["host"] == f"app.example.test:{peer.port}"


@pytest.mark.parametrize("name", ["other.example.test", "localhost"])
def test_certificate_has_to_be_the_hosts_and_vouched_for(
    authority: trustme.CA, request: pytest.FixtureRequest, name: str
) -> None:
    """A certificate that is somebody else's, or that nobody vouches for, is no proof: nothing is sent."""
    if name != "localhost":
        request.getfixturevalue("trusted")
    with HttpPeer(lambda _request: Reply(204), tls=server_side(authority, name)) as peer:
        attempt = send(webhook_to(f"https://localhost:{peer.port}"))

    assert attempt == Attempt(0, "no answer (SSLCertVerificationError)")
    assert peer.received == []


def test_ipv6_endpoint_is_reached() -> None:
    """An endpoint with an IPv6 address is connected to as such."""
    attempt = send(webhook_to(f"http://[::1]:{refused_port()}"))

    assert attempt.status == 0
    assert attempt.problem in {"no answer (ConnectionRefusedError)", "no answer (OSError)"}
