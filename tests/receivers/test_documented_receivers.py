"""The receivers of the documents accept what the functions send, and nothing else.

They verify with the libraries of the specification, so the signature is checked by code we did not write.
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from functions import event_notification
from shared.http.webhook import signed_headers
from shared.vod.signature import decode
from tests.functions.deployment import CALLBACK_TOKEN, VARIABLES, environment, start_anew
from tests.functions.scf import REQUEST_ID, event_of
from tests.functions.vod import begin_upload
from tests.receivers.receiver_process import JAVASCRIPT, PYTHON, Language, ReceiverProcess
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "whsec_" + "bmV3LW9uZS1vZi10aGUtdGVzdHMtMjQtYnl0ZXM="
OTHER_SECRET = "whsec_" + "b3RoZXItb25lLW9mLXRoZS10ZXN0cy0yNC1ieXRlcw=="
BODY = json.dumps({"id": "evt_1", "type": "upload.completed", "data": {"uploader": "mallory"}}).encode()


class Deployment:
    """The functions with a webhook; `push` announces a finished upload."""

    def __init__(
        self, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Keep everything in an empty store."""
        self._redis_url, self._monkeypatch, self._capsys = redis_url, monkeypatch, capsys

    def push(self, url: str, *secrets: str) -> dict[str, Any]:
        """Deploy with this webhook, push, and return the log line about it."""
        changes = {"APP_WEBHOOK_URL": url, "APP_WEBHOOK_SECRETS": ",".join(secrets)}
        variables = environment(self._redis_url, APP_WEBHOOK_ALLOW_INSECURE="1", **changes)
        for name in VARIABLES:
            self._monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)
        start_anew()
        signature = begin_upload(seconds_ago=60, user="alice").signature
        body = json.dumps(uploaded(decode(signature).values["sourceContext"]))
        call = event_of("POST", f"/{CALLBACK_TOKEN}", body=body)
        assert event_notification.main_handler(call, {"request_id": REQUEST_ID})["statusCode"] == 200
        line: dict[str, Any] = json.loads(self._capsys.readouterr().out.splitlines()[-1])
        return line


@pytest.fixture
def deployment(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Deployment]:
    """Deploy with an empty store."""
    yield Deployment(valkey_url, monkeypatch, capsys)
    start_anew()


@pytest.fixture(scope="module", params=[PYTHON, JAVASCRIPT], ids=["python", "javascript"])
def receiver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReceiverProcess]:
    """Run each of the receivers, with one secret."""
    with ReceiverProcess(request.param, tmp_path_factory.mktemp("receiver"), SECRET) as running:
        yield running


@pytest.mark.parametrize("language", [PYTHON, JAVASCRIPT], ids=["python", "javascript"])
def test_receiver_is_short(language: Language) -> None:
    """Who copies it has to read it first: 15 lines at most."""
    assert len([line for line in language.source.splitlines() if line.strip()]) <= 15


@pytest.mark.parametrize(
    "secrets", [(SECRET,), (OTHER_SECRET, SECRET), (SECRET, OTHER_SECRET)], ids=["one", "newer", "older"]
)
def test_real_event_is_taken_and_understood(
    receiver: ReceiverProcess, deployment: Deployment, secrets: tuple[str, ...]
) -> None:
    """The functions' event is delivered at the first attempt, also while two secrets are valid."""
    line = deployment.push(receiver.url, *secrets)

    assert line["outcome"] == "delivered"
    assert receiver.printed[-1] == f"{line['eventId']} upload.completed alice"


def test_event_signed_with_another_secret_is_not_taken(
    receiver: ReceiverProcess, deployment: Deployment
) -> None:
    """A receiver that knows none of our secrets refuses, and the event waits for the next attempt."""
    before = receiver.printed

    assert deployment.push(receiver.url, OTHER_SECRET)["outcome"] == "retrying"
    assert receiver.printed == before


def genuine(**changes: str) -> dict[str, str]:
    """Sign the body as the functions do, and apply the changes; an empty text removes a header."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = signed_headers(BODY, event_id="evt_1", now=int(time.time()), secrets=(key,))
    headers = {**signed, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return {name: value for name, value in headers.items() if value}


def of_another_time(seconds: int) -> dict[str, str]:
    """Sign the body with a time so many seconds from now."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    return signed_headers(BODY, event_id="evt_1", now=int(time.time()) + seconds, secrets=(key,))


FORGERIES: dict[str, tuple[bytes, Callable[[], dict[str, str]]]] = {
    "unsigned": (BODY, dict),
    "another body": (BODY.replace(b"mallory", b"trent"), genuine),
    "another id": (BODY, lambda: genuine(webhook_id="evt_2")),
    "an older signature": (BODY, lambda: of_another_time(-600)),
    "a signature of tomorrow": (BODY, lambda: of_another_time(86_400)),
    "no time": (BODY, lambda: genuine(webhook_timestamp="")),
    "a time that is none": (BODY, lambda: genuine(webhook_timestamp="NaN")),
    "a signature that is none": (BODY, lambda: genuine(webhook_signature="v1")),
    "an empty signature": (BODY, lambda: genuine(webhook_signature="v1,")),
    "another version": (BODY, lambda: genuine(webhook_signature="v1a,AAAA")),
    "no Base64": (BODY, lambda: genuine(webhook_signature="v1,%%%")),
    "no UTF-8": (b"\xff\xfe", genuine),
    "nothing": (b"", genuine),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_event_is_refused(receiver: ReceiverProcess, forgery: str) -> None:
    """Whatever else comes is answered with 401, does no work and ends no receiver (S36)."""
    body, headers = FORGERIES[forgery]
    before = receiver.printed

    assert receiver.post(body, headers()) == 401
    assert receiver.printed == before


def test_genuine_event_is_what_the_forgeries_were_made_of(receiver: ReceiverProcess) -> None:
    """Unchanged, the same request is taken: the refusals above are about what was changed."""
    assert receiver.post(BODY, genuine()) == 204
    assert receiver.printed[-1] == "evt_1 upload.completed mallory"
