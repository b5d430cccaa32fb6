"""`clients/python` and `clients/node` verify what the functions send, in the frameworks of back ends."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, cast

import pytest
from vod_upload_events import EventVerifier, RawBodyError, VerificationError

from shared.http.webhook import signed_headers
from tests.clients.packed_client import EXAMPLES, needs_bundler
from tests.openapi.schemas import document
from tests.receivers.example_receivers import EVERY, ExampleReceiver, install_beside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "whsec_" + "bmV3LW9uZS1vZi10aGUtdGVzdHMtMjQtYnl0ZXM="
OTHER_SECRET = "whsec_" + "b3RoZXItb25lLW9mLXRoZS10ZXN0cy0yNC1ieXRlcw=="
EVENT = document()["webhooks"]["upload.completed"]["post"]["requestBody"]["content"]["application/json"][
    "example"
]
LARGE = json.dumps({**EVENT, "raw": {"MetaData": "ß" * 400_000}}, ensure_ascii=False).encode()
NO_SECRET = "The secret must be whsec_ and Base64, as in APP_WEBHOOK_SECRETS."
TRAPS = """\
import express from "express";
import { EventVerifier } from "vod-upload-events";
const events = new EventVerifier(process.argv[2]);
for (const secret of ["", "no secret", "whsec_AA==,whsec_AA=="]) {
  try {
    new EventVerifier(secret);
  } catch (error) {
    console.error(error.message);
  }
}
for (const parsers of [[express.json()], []]) {
  const app = express().use(...parsers, (request, response) => {
    try {
      events.verify(request.body, request.headers);
    } catch (error) {
      response.send(`${error.name}: ${error.message}`);
    }
  });
  const server = app.listen(0, async () => {
    const url = `http://127.0.0.1:${server.address().port}`;
    const headers = { "Content-Type": "application/json" };
    console.log(await (await fetch(url, { method: "POST", body: "{}", headers })).text());
    server.close();
  });
}
"""


def signed(body: bytes, *, secret: str = SECRET, seconds_ago: int = 0) -> dict[str, str]:
    """Return the headers with which the functions send this body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    headers = signed_headers(body, event_id="evt_1", secrets=(key,), now=int(time.time()) - seconds_ago)
    return {**headers, "Content-Type": "application/json"}


@pytest.fixture(scope="module", params=EVERY)
def receiver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExampleReceiver]:
    """Run each receiver of clients/examples."""
    with ExampleReceiver(request.param, tmp_path_factory.mktemp("receiver"), SECRET) as running:
        yield running


def test_receiver_does_the_work_once_and_refuses_what_is_not_signed(receiver: ExampleReceiver) -> None:
    """A body of almost 1 MB is taken, twice under one id; one of another secret, age or content is 401."""
    answers = [receiver.post(LARGE, signed(LARGE)) for _ in range(2)]
    refused = [
        receiver.post(LARGE, signed(LARGE, secret=OTHER_SECRET)),
        receiver.post(LARGE, signed(LARGE, seconds_ago=301)),
        receiver.post(LARGE + b" ", signed(LARGE)),
        receiver.post(LARGE, {"Content-Type": "application/json"}),
    ]

    assert (answers, refused) == ([204, 204], [401] * 4)
    assert len(receiver.printed("upload.completed alice")) == 1


def test_examples_are_short() -> None:
    """Who copies one has to read it first: fewer than 60 lines, pages included."""
    files = [path for path in EXAMPLES.glob("*/*.*") if path.parent.name != "node_modules" and path.is_file()]
    lines = {
        path: len([line for line in path.read_text("utf-8").splitlines() if line.strip()]) for path in files
    }

    assert {path.parent.name for path in files} >= {"react", "vue", "html", "express", "fastapi", "django"}
    assert {str(path): count for path, count in lines.items() if count >= 60} == {}


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (b"\xff", None),
        (b"[]", None),
        (b'{"type": 1}', None),
        (b"no JSON", None),
        (b"{}", {"webhook-signature": "v1"}),
        (b"{}", {"webhook-signature": "v1,ä"}),
        (b"{}", {"webhook-timestamp": "NaN"}),
    ],
)
def test_what_is_no_event_is_one_error(body: bytes, change: dict[str, str] | None) -> None:
    """Whatever a stranger sends, a receiver has one error to catch."""
    headers = {name.title(): value for name, value in {**signed(body), **(change or {})}.items()}

    with pytest.raises(VerificationError):
        EventVerifier(SECRET).verify(body, headers)


@pytest.mark.parametrize("body", [{"id": "evt_1"}, "text", None])
def test_body_that_a_framework_has_taken_is_a_mistake_of_the_receiver(body: object) -> None:
    """The error names what to pass instead, and is none that means 401."""
    with pytest.raises(RawBodyError, match=r"await request\.body\(\)"):
        EventVerifier(SECRET).verify(body, {})  # type: ignore[arg-type]  # the mistake


@needs_bundler
def test_express_that_has_parsed_the_body_is_told_what_to_do(tmp_path: Path) -> None:
    """With express.json() the body is an object, with no parser undefined: the error names express.raw."""
    install_beside(tmp_path)
    (tmp_path / "traps.mjs").write_text(TRAPS, encoding="utf-8")
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(  # noqa: S603  # ours
        [node, "traps.mjs", SECRET], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )

    assert sorted(line.partition(", and")[2].split(".")[0] for line in done.stdout.splitlines()) == [
        " this body is Object",
        " this body is undefined",
    ]
    assert done.stdout.count("RawBodyError") == done.stdout.count("express.raw(") == 2
    assert done.stderr.splitlines() == [NO_SECRET] * 3


@pytest.mark.parametrize("secret", ["", "none!", "whsec_", "whsec_AA==,whsec_AA==", None])
def test_what_is_no_secret_is_refused_when_the_receiver_starts(secret: str | None) -> None:
    """The sentence names the setting, and shows nothing of it; None is a variable that is not set."""
    with pytest.raises(ValueError, match=f"^{re.escape(NO_SECRET)}$"):
        EventVerifier(cast("str", secret))
