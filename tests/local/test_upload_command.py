"""`python -m local upload` as a process, against the running stack and without one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.repository import REPOSITORY
from local.stack import Stack
from local.storage_transfer import PART_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = "http://127.0.0.1:9"
"""Nothing listens on the discard port."""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a file of two and a half parts; VOD takes it by its extension."""
    file = tmp_path_factory.mktemp("media") / "A lecture, part 1.mp4"
    file.write_bytes(os.urandom(PART_BYTES * 5 // 2))
    return file


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a file of a few bytes."""
    file = tmp_path_factory.mktemp("small") / "small.mp4"
    file.write_bytes(os.urandom(1000))
    return file


def test_json_output_is_one_object_and_nothing_else(stack: Stack, media: Path) -> None:
    """A program can rely on --json: one object with the file's hash and the app's event."""
    outcome = _upload(stack.url, str(media), "--user", "json", "--context", "lesson 7", "--json")
    assert outcome.returncode == 0, outcome.stderr
    result = json.loads(outcome.stdout)

    assert list(result) == ["uploadId", "fileId", "mediaUrl", "sha256", "event"]
    assert hashlib.sha256(media.read_bytes()).hexdigest() == result["sha256"]
    assert result["event"]["type"] == "upload.completed"
    assert result["event"]["data"]["uploader"] == "json"
    assert result["event"]["data"]["context"] == "lesson 7"
    assert result["fileId"] == result["event"]["data"]["fileId"]
    assert result["uploadId"] == result["event"]["data"]["uploadId"]


def test_file_over_one_part_is_sent_in_parts(stack: Stack, media: Path) -> None:
    """20 MB go to the storage as three parts, and progress is told on the way."""
    before = _counters(stack)
    outcome = _upload(stack.url, str(media), "--user", "parts")
    after = _counters(stack)

    assert outcome.returncode == 0, outcome.stderr
    assert [3] == [after[name] - before.get(name, 0) for name in after if name == "UploadPart"]
    assert ["25 %", "50 %", "75 %", "100 %"] == re.findall(r"\d+ %", outcome.stderr)


def test_cover_is_stored_with_the_file(stack: Stack, small: Path, tmp_path: Path) -> None:
    """An image given as cover comes back in the event, byte for byte."""
    cover = tmp_path / "cover.png"
    cover.write_bytes(os.urandom(500))
    outcome = _upload(stack.url, str(small), "--cover", str(cover), "--user", "cover", "--json")
    assert outcome.returncode == 0, outcome.stderr
    cover_url = json.loads(outcome.stdout)["event"]["data"]["coverUrl"]

    assert cover.read_bytes() == requests.get(cover_url, timeout=10).content


def test_text_output_says_what_was_stored(stack: Stack, small: Path) -> None:
    """A person gets the ids, the address and the event."""
    outcome = _upload(stack.url, str(small), "--user", "text")

    assert outcome.returncode == 0, outcome.stderr
    assert "small.mp4 is stored, and the app has heard of it." in outcome.stdout
    assert hashlib.sha256(small.read_bytes()).hexdigest() in outcome.stdout


@pytest.mark.parametrize("policy", ["default", "course", "reusable", "strict"])
def test_every_demo_policy_takes_an_upload(stack: Stack, small: Path, policy: str) -> None:
    """Each policy of the demo can be tried from the command line."""
    outcome = _upload(stack.url, str(small), "--policy", policy, "--user", f"policy-{policy}", "--json")

    assert outcome.returncode == 0, outcome.stderr


def test_without_a_running_stack_one_is_started(small: Path, tmp_path: Path) -> None:
    """The command alone is enough to see the whole chain; nothing of its stack stays."""
    outcome = _upload(NOBODY, str(small), "--json", temporary_folder=tmp_path)

    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["event"]["data"]["verdict"] == "attributed"
    assert f"No stack runs at {NOBODY}: starting one for this upload." in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_reliable_callback_delivers_as_well(small: Path, tmp_path: Path) -> None:
    """With events pulled instead of pushed, the app hears of the upload too."""
    with Stack(folder=tmp_path, simulator={"mode": "PULL"}, timer_seconds=0.3) as pulling:
        outcome = _upload(pulling.url, str(small), "--json")

    assert outcome.returncode == 0, outcome.stderr


def test_gateway_dialect_of_the_api_gateway_works_as_well(small: Path, tmp_path: Path) -> None:
    """Behind the older entry the functions do the same."""
    with Stack(folder=tmp_path, dialect="api-gateway") as stack:
        outcome = _upload(stack.url, str(small), "--json")

    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.mp4", None, "There is no file"),
        ("empty.mp4", b"", "is empty"),
        ("nosuffix", b"x", "has no extension"),
    ],
)
def test_file_that_cannot_be_uploaded_is_one_sentence(
    stack: Stack, tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    """Before anything is sent, the file is looked at."""
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    outcome = _upload(stack.url, str(file), "--json")

    assert sentence in _only_sentence(outcome)


def test_directory_and_pipe_are_refused(stack: Stack, tmp_path: Path) -> None:
    """What is no regular file is refused at once instead of being waited for."""
    os.mkfifo(tmp_path / "pipe.mp4")

    assert "is a directory" in _only_sentence(_upload(stack.url, str(tmp_path)))
    assert "no regular file" in _only_sentence(_upload(stack.url, str(tmp_path / "pipe.mp4")))


def test_empty_cover_is_refused(stack: Stack, small: Path, tmp_path: Path) -> None:
    """The cover is looked at like the file."""
    cover = tmp_path / "cover.png"
    cover.touch()

    assert "is empty" in _only_sentence(_upload(stack.url, str(small), "--cover", str(cover)))


def test_refusal_by_the_policy_names_the_field(stack: Stack, media: Path, tmp_path: Path) -> None:
    """What the policy does not allow is told with the field's pointer."""
    wrong_type = tmp_path / "clip.mov"
    wrong_type.write_bytes(b"x")

    assert "/fileType" in _only_sentence(_upload(stack.url, str(wrong_type), "--policy", "strict"))
    assert "/fileSize" in _only_sentence(_upload(stack.url, str(media), "--policy", "strict"))
    assert "policy" in _only_sentence(_upload(stack.url, str(media), "--policy", "nonsense"))
    assert "/context" in _only_sentence(_upload(stack.url, str(media), "--context", "x" * 300))


def test_user_that_no_token_is_made_for_is_refused(stack: Stack, small: Path) -> None:
    """A bad user name is the token's refusal, told as it is."""
    assert "user:" in _only_sentence(_upload(stack.url, str(small), "--user", "A B"))


@pytest.mark.parametrize("url", ["https://localhost:1", "localhost:8000", "file:///etc/passwd", ""])
def test_address_that_is_no_plain_http_is_refused(small: Path, url: str) -> None:
    """Only a plain HTTP address is a stack's."""
    assert "no plain HTTP address" in _only_sentence(_upload(url, str(small)))


def test_something_else_at_the_address_is_told(small: Path) -> None:
    """Another server on the port is recognised, and no second stack is started."""
    with _other_server() as url:
        assert "something else than the local stack" in _only_sentence(_upload(url, str(small)))


def test_stack_that_goes_away_is_told(media: Path, tmp_path: Path) -> None:
    """When the stack ends in the middle of an upload, that is one sentence as well."""
    with Stack(folder=tmp_path) as stack:
        sending = _start(stack.url, str(media), "--user", "away")
        while _counters(stack).get("UploadPart", 0) == 0 and sending.poll() is None:
            pass
    _, complaint = sending.communicate(timeout=60)
    lines = [line for line in complaint.splitlines() if " % " not in line]

    assert sending.returncode == 1
    assert len(lines) == 1, complaint


def test_interrupt_ends_with_130(media: Path, tmp_path: Path) -> None:
    """Ctrl-C stops the upload, with the exit code a shell expects and no traceback."""
    with Stack(folder=tmp_path) as stack:
        sending = _start(stack.url, str(media), "--user", "interrupt")
        while _counters(stack).get("CreateMultipartUpload", 0) == 0 and sending.poll() is None:
            pass
        sending.send_signal(signal.SIGINT)
        _, complaint = sending.communicate(timeout=60)

    assert sending.returncode == 130
    assert "Traceback" not in complaint


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local", "upload", *arguments]


def _environment(url: str, temporary_folder: Path | None = None) -> dict[str, str]:
    folder = {"TMPDIR": str(temporary_folder)} if temporary_folder else {}
    # A proxy that must not be used: nothing answers there.
    return {**os.environ, "LOCAL_URL": url, "http_proxy": NOBODY, **folder}


def _upload(
    url: str, *arguments: str, temporary_folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own words
        _command(*arguments),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=REPOSITORY,
        env=_environment(url, temporary_folder),
    )


def _start(url: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # our own words
        _command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=_environment(url),
    )


def _only_sentence(outcome: subprocess.CompletedProcess[str]) -> str:
    assert outcome.returncode == 1, outcome.stderr
    assert outcome.stdout == ""
    lines = outcome.stderr.splitlines()
    assert len(lines) == 1, outcome.stderr
    return lines[0]


def _counters(stack: Stack) -> dict[str, Any]:
    counters: dict[str, Any] = requests.get(f"{stack.url}/local/simulator/counters", timeout=10).json()
    return counters


@contextlib.contextmanager
def _other_server() -> Iterator[str]:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
