from __future__ import annotations

import base64
import threading
import time
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shared import tcp
from shared.config.settings import WebhookSettings, load_settings
from shared.deadline import Deadline
from shared.http import outbound
from shared.http.webhook import LONGEST_RETRY_AFTER, AppWebhook, Attempt, signed_headers
from tests.shared.loopback_peer import (
    HOST,
    HttpPeer,
    RawPeer,
    Reply,
    answer_once,
    drip,
    refused_port,
    say_nothing,
    server_side,
    swallowing_port,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    import trustme

    from tests.shared.name_service import NameService

BODY = b'{"id":"evt_1","type":"upload.completed","data":{"context":"\\u2603"}}'
NOW = 1_795_000_000
SHORT, PATIENCE = 0.2, 60.0
"""Time-outs for a peer that never answers, and for one that does on a busy machine."""
OLD, NEW = bytes(range(32)), bytes(range(100, 132))


def spelled(secret: bytes) -> str:
    """Format a webhook secret as the setting and the receivers' library do."""
    return "whsec_" + base64.b64encode(secret).decode()


def webhook_to(url: str, *secrets: bytes, instead_of: str = "", insecure: bool = True) -> AppWebhook:
    """Return the sender for an endpoint, which may be on this machine.

    `instead_of` is the URL of the settings, where they would refuse the endpoint's.
    """
    environment = {
        "APP_WEBHOOK_URL": instead_of or url,
        "APP_WEBHOOK_SECRETS": ",".join(map(spelled, secrets or (NEW,))),
        "APP_WEBHOOK_ALLOW_INSECURE": "1" if insecure else "0",
    }
    settings = load_settings(WebhookSettings, environment)
    return AppWebhook(WebhookSettings(**{**vars(settings), "app_webhook_url": url}))


def send(
    webhook: AppWebhook, *, timeout_seconds: float = PATIENCE, body: bytes = BODY, now: int = NOW
) -> Attempt:
    """Send the body once."""
    return webhook.send(body, event_id="evt_1", now=now, timeout_seconds=timeout_seconds)


def send_to(speak: Callable[[socket.socket], None], scheme: str = "http", **terms: Any) -> Attempt:  # noqa: ANN401 -- as `send`
    """Send the body once to a peer that answers so."""
    with RawPeer(speak) as peer:
        return send(webhook_to(f"{scheme}://{HOST}:{peer.port}"), **terms)


def test_signature_is_the_one_openssl_makes() -> None:
    """The signature of a known body, computed with another program.

    printf 'evt_1.1795000000.{"a":1}' | openssl dgst -sha256 -binary -mac HMAC \
      -macopt hexkey:000102…1f | base64
    """
    expected = "v1,mTm2DbTCOsffApOFXVvM+IPwqrnVaoyv6aDEvA08AHU="

    headers = signed_headers(b'{"a":1}', event_id="evt_1", now=NOW, secrets=(OLD,))

    others = {"webhook-timestamp": "1795000000", "webhook-specversion": "1.1"}
    assert headers == {"webhook-id": "evt_1", "webhook-signature": expected, **others}


def signed_now(*secrets: bytes) -> tuple[int, dict[str, str]]:
    """Sign the body at this time, which the specification's library compares with its own."""
    now = int(time.time())
    return now, signed_headers(BODY, event_id="evt_1", now=now, secrets=secrets)


def test_delivery_verifies_with_the_specifications_own_library(app: HttpPeer) -> None:
    """An app that uses the library of Standard Webhooks accepts what we send, to the byte (S35)."""
    now, headers = signed_now(NEW)

    attempt = send(webhook_to(app.url + "/hook?from=vod"), now=now)

    (received,) = app.received
    assert attempt == Attempt(204, "HTTP 204")
    assert (received.path, received.body) == ("/hook?from=vod", BODY)
    assert received.headers.items() >= {**headers, "content-type": "application/json"}.items()
    assert Webhook(spelled(NEW)).verify(received.body, dict(received.headers))["id"] == "evt_1"


def test_both_secrets_verify_during_a_rotation() -> None:
    """Two secrets give two signatures of one body: an app with either accepts, with a third refuses."""
    _, headers = signed_now(NEW, OLD)

    assert len(headers["webhook-signature"].split()) == 2
    assert Webhook(spelled(NEW)).verify(BODY, headers)
    assert Webhook(spelled(OLD)).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(spelled(b"x" * 32)).verify(BODY, headers)


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "body"])
def test_changed_part_of_a_delivery_no_longer_verifies(part: str) -> None:
    """Id, time and body are all covered by the signature."""
    now, headers = signed_now(NEW)
    received = {**headers, "body": BODY.decode()}
    received[part] = {"webhook-id": "evt_2", "webhook-timestamp": str(now - 1)}.get(part, "{}")

    with pytest.raises(WebhookVerificationError):
        Webhook(spelled(NEW)).verify(received.pop("body"), received)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299, 300, 304, 400, 404, 410, 429, 500, 503])
def test_2xx_alone_means_delivered(app: HttpPeer, status: int) -> None:
    """The app says that it has the event with any status of the 200 class."""
    app.answer = lambda _request: Reply(status)

    attempt = send(webhook_to(app.url))

    assert attempt == Attempt(status, f"HTTP {status}")
    assert attempt.delivered is (status < 300)


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
        *(("120", 120), ("120 \t", 120), ("0", 0), ("000000000000000000000000120", LONGEST_RETRY_AFTER)),
        *(("9999999", LONGEST_RETRY_AFTER), ("9" * 5000, LONGEST_RETRY_AFTER)),
        *((text, None) for text in ("-1", "1.5", "soon", "\u0661", "")),
        ("Wed, 18 Nov 2026 13:08:40 GMT", 7320),
        ("Wednesday, 18-Nov-26 13:08:40 GMT", 7320),
        ("Wed Nov 18 13:08:40 2026", 7320),
        ("Wed, 18 Nov 2026 15:08:40 +0200", 7320),
        ("Wed, 18 Nov 2026 05:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Wed, 31 Feb 2026 08:02:00 GMT", None),
        ("18 Nov 99999999999999999999 13:08:40 GMT", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_retry_after_is_seconds_or_a_date(app: HttpPeer, header: str, seconds: int | None) -> None:
    """Seconds and the three date formats of RFC 9110 are read, up to a week; other text is ignored."""
    wire = header.encode("utf-8").decode("latin-1")
    app.answer = lambda _request: Reply(503, headers={"Retry-After": wire})

    assert send(webhook_to(app.url)).retry_after == seconds


def test_each_attempt_is_one_request_of_its_own(app: HttpPeer) -> None:
    """What one answer leaves unread cannot be taken for the next one."""
    app.answer = lambda _request: Reply(500, body=b"HTTP/1.1 204 No Content\r\n\r\n" * 3)
    webhook = webhook_to(app.url)

    assert [send(webhook).status for _ in range(3)] == [500, 500, 500]
    assert len(app.received) == 3


@pytest.mark.parametrize("host", [HOST, "[::1]"])
def test_app_that_is_down_is_a_failed_attempt(host: str) -> None:
    """Nobody listening is an attempt without a status, and no exception; without IPv6 there is no way."""
    attempt = send(webhook_to(f"http://{host}:{refused_port()}"))

    assert attempt in {Attempt(0, "no answer (ConnectionRefusedError)"), Attempt(0, "no answer (OSError)")}


@pytest.mark.parametrize(
    "speak",
    [
        say_nothing,
        drip,
        # The beginning of a TLS record of 16 KB.
        partial(drip, beginning=b"\x16\x03\x03\x40\x00"),
        answer_once(b""),
        answer_once(b"220 mail.example.test ESMTP\r\n"),
    ],
    ids=["silence", "drip", "drip a handshake", "closed", "another protocol"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_app_that_does_not_answer_properly_is_cut_in_time(
    speak: Callable[[socket.socket], None], scheme: str
) -> None:
    """Silence, a closed connection, a wrong protocol and an answer that drips without end all end (S34).

    The time is one for all: looking up, connecting, TLS and the answer.
    """
    attempt = send_to(speak, scheme, timeout_seconds=SHORT)

    assert attempt.status == 0
    assert attempt.problem.startswith("no answer (")


def test_app_that_does_not_read_is_cut_in_time() -> None:
    """Sending ends at the deadline when the app reads nothing (S34)."""
    release = threading.Event()

    def hold(_connection: socket.socket) -> None:
        release.wait()

    with RawPeer(hold) as peer:
        url = f"http://{HOST}:{peer.port}"
        attempt = send(webhook_to(url), body=bytes(64_000_000), timeout_seconds=SHORT)
        release.set()

    assert attempt == Attempt(0, "no answer (TimeoutError)")


def test_answer_without_end_is_not_read() -> None:
    """The status is enough: a body without end is not read (S34)."""
    assert send_to(partial(drip, beginning=b"HTTP/1.1 200 OK\r\n\r\n")).delivered


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
HTTP_200 = Attempt(200, "HTTP 200")
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
MANY_FIELDS = b"X-Many: 1\r\n" * 1000 + b"\r\n"
ANSWERS = {
    "100": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, HTTP_200),
    "103, twenty times": (HINTS * 20 + OK, HTTP_200),
    "199": (b"HTTP/1.1 199 What\r\n\r\n" + OK, HTTP_200),
    "103, a failure": (HINTS + b"HTTP/1.1 503 Down\r\nRetry-After: 9\r\n\r\n", Attempt(503, "HTTP 503", 9)),
    "103 without end": (HINTS * 21 + OK, Attempt(0, "no answer (HTTPException)")),
    "103 and no more": (HINTS, Attempt(0, "no answer (RemoteDisconnected)")),
    "101, HTTP has ended": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK, Attempt(101, "HTTP 101")),
    "1000 fields": (b"HTTP/1.1 200 OK\r\n" + MANY_FIELDS, HTTP_200),
    "a long field": (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n", HTTP_200),
    "1000 fields of a failure": (b"HTTP/1.1 500 No\r\n" + MANY_FIELDS, Attempt(500, "HTTP 500")),
    "headers that are cut off": (b"HTTP/1.1 204 OK\r\nX-Cut", Attempt(204, "HTTP 204")),
    "headers of a failure that are cut off": (b"HTTP/1.1 404 No\r\nX-Cut", Attempt(404, "HTTP 404")),
    "no reason": (b"HTTP/1.0 200\r\n\r\n", HTTP_200),
    "HTTP/2": (b"HTTP/2.0 200 OK\r\n\r\n", Attempt(0, "no answer (UnknownProtocol)")),
    "half a status": (b"HTTP/1.1 20", Attempt(0, "no answer (BadStatusLine)")),
}


@pytest.mark.parametrize(("answer", "attempt"), ANSWERS.values(), ids=ANSWERS)
def test_final_status_is_the_answer(answer: bytes, attempt: Attempt) -> None:
    """1xx answers are skipped, and unreadable headers do not matter (RFC 9110, 15.2; RFC 9112, 8)."""
    assert send_to(answer_once(answer)) == attempt


def test_status_is_the_answer_though_its_headers_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The status counts when the deadline ends the headers behind it (S34)."""
    readings = count()

    def clock() -> float:
        # Each received byte and each step before it reads the clock once.
        return 0.0 if next(readings) < 20 else 2 * PATIENCE

    monkeypatch.setattr(outbound, "Deadline", lambda seconds: Deadline(seconds, clock))

    assert send_to(partial(drip, beginning=b"HTTP/1.1 500 No\r\nX-Slow: ")) == Attempt(500, "HTTP 500")


@pytest.mark.parametrize("path", ["/h\u00f6re", "/a b", "/a\x00b"])
def test_address_that_cannot_be_sent_is_a_failed_attempt(app: HttpPeer, path: str) -> None:
    """The settings refuse such a URL; if one were there, its attempts would still fail and end."""
    attempt = send(webhook_to(app.url + path, instead_of=app.url))

    assert attempt.problem in {"no answer (UnicodeEncodeError)", "no answer (InvalidURL)"}
    assert app.received == []


def test_second_address_of_the_app_takes_what_the_first_one_does_not(
    app: HttpPeer, names: NameService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusing address and a silent one cost time and no delivery."""
    monkeypatch.setattr(tcp, "ATTEMPT_SECONDS", 0.01)
    with swallowing_port() as silent:
        names.places["two.example.test"] = [(HOST, refused_port()), (HOST, silent), (HOST, app.port)]

        assert send(webhook_to("http://two.example.test/")).delivered
    assert names.asked == ["two.example.test"]


def test_name_service_that_swallows_is_a_failed_attempt_in_time(names: NameService) -> None:
    """The deadline covers name resolution."""
    names.is_answering.clear()

    attempt = send(webhook_to("http://swallowed-app.example.test/"), timeout_seconds=0.01)

    assert attempt == Attempt(0, "The host name was not resolved in time.")


def test_private_address_is_refused_before_connecting(app: HttpPeer) -> None:
    """Without the developer's setting nothing goes to an inner address that got into the settings (S31)."""
    inner = f"https://{HOST}:{app.port}"

    attempt = send(webhook_to(inner, instead_of="https://app.example.test", insecure=False))

    assert attempt == Attempt(0, "The host name points into a private network.")
    assert app.received == []


@pytest.mark.parametrize("host", ["app.example.test", "app.example.test."])
def test_connection_goes_to_the_checked_address_under_the_hosts_name(
    authority: trustme.CA, names: NameService, host: str
) -> None:
    """A name is looked up once; TLS and Host carry the name, the connection the address (S32).

    TLS has the name without a trailing dot (RFC 6066, section 3), `Host` has it as in the URL.
    """
    context = server_side(authority, "app.example.test")
    asked_for: list[str] = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)

    with HttpPeer(lambda _request: Reply(204), tls=context) as peer:
        names.places[host] = [(HOST, peer.port)]
        attempt = send(webhook_to(f"https://{host}/hook"))

    assert attempt == Attempt(204, "HTTP 204")
    assert names.asked == [host]
    assert asked_for == ["app.example.test"]
    assert peer.received[0].headers["host"] == host


@pytest.mark.parametrize(
    ("name", "fault"),
    [("other.example.test", "Hostname mismatch"), ("localhost", "unable to get local issuer")],
)
def test_certificate_has_to_be_the_hosts_and_vouched_for(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, name: str, fault: str
) -> None:
    """A certificate that is somebody else's, or that nobody vouches for, is no proof: nothing is sent.

    What OpenSSL has against it is told.
    """
    if name == "localhost":
        monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    with HttpPeer(lambda _request: Reply(204), tls=server_side(authority, name)) as peer:
        attempt = send(webhook_to(f"https://localhost:{peer.port}"))

    assert attempt.status == 0
    assert attempt.problem.startswith(f"no answer (SSLCertVerificationError: {fault}")
    assert peer.received == []
