"""Every way an upload can fail ends with one sentence and the right exit code."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from local.stack.stack import Stack
from tests.local.upload.upload_process import (
    only_sentence,
    other_server,
    set_fault,
    start,
    upload,
    wait_until_parts_are_sent,
)

if TYPE_CHECKING:
    from pathlib import Path


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
    outcome = upload(stack.url, str(file), "--json")

    assert sentence in only_sentence(outcome)


def test_directory_and_pipe_are_refused(stack: Stack, tmp_path: Path) -> None:
    """What is no regular file is refused at once instead of being waited for."""
    os.mkfifo(tmp_path / "pipe.mp4")

    assert "is a directory" in only_sentence(upload(stack.url, str(tmp_path)))
    assert "no regular file" in only_sentence(upload(stack.url, str(tmp_path / "pipe.mp4")))


def test_empty_cover_is_refused(stack: Stack, small_media: Path, tmp_path: Path) -> None:
    """The cover is looked at like the file."""
    cover = tmp_path / "cover.png"
    cover.touch()

    assert "is empty" in only_sentence(upload(stack.url, str(small_media), "--cover", str(cover)))


def test_refusal_by_the_policy_names_the_field(
    stack: Stack, media_of_three_parts: Path, tmp_path: Path
) -> None:
    """What the policy does not allow is told with the field's pointer."""
    wrong_type = tmp_path / "clip.mov"
    wrong_type.write_bytes(b"x")

    assert (
        only_sentence(upload(stack.url, str(wrong_type), "--policy", "strict"))
        .rstrip()
        .endswith(" /fileType: The type must be one of mp4. /fileName: The type must be one of mp4.")
    )
    assert "/fileSize" in only_sentence(upload(stack.url, str(media_of_three_parts), "--policy", "strict"))
    assert "policy" in only_sentence(upload(stack.url, str(media_of_three_parts), "--policy", "nonsense"))
    assert "/context" in only_sentence(
        upload(stack.url, str(media_of_three_parts), "--context", os.urandom(200).hex())
    )


def test_user_that_no_token_is_made_for_is_refused(stack: Stack, small_media: Path) -> None:
    """A bad user name is the token's refusal, told as it is."""
    assert "user:" in only_sentence(upload(stack.url, str(small_media), "--user", "A B"))


@pytest.mark.parametrize("url", ["https://localhost:1", "localhost:8000", "file:///etc/passwd"])
def test_address_that_is_no_plain_http_is_refused(small_media: Path, url: str) -> None:
    """Only a plain HTTP address is a stack's."""
    assert "no plain HTTP address" in only_sentence(upload(url, str(small_media)), code=2)


def test_something_else_at_the_address_is_told(small_media: Path) -> None:
    """Another server on the port is recognised, and no second stack is started."""
    with other_server() as url:
        assert "something else than the local stack" in only_sentence(upload(url, str(small_media)))


def test_stack_that_goes_away_is_told(media_of_three_parts: Path, tmp_path: Path) -> None:
    """When the stack ends in the middle of an upload, that is one sentence as well."""
    with Stack(folder=tmp_path) as stack:
        set_fault(stack, action="UploadPart", kind="slow", times=3, seconds=20)
        sending = start(stack.url, str(media_of_three_parts), "--user", "away")
        wait_until_parts_are_sent(stack)
    _, complaint = sending.communicate(timeout=60)
    lines = [line for line in complaint.splitlines() if " % " not in line]

    assert sending.returncode == 1
    assert len(lines) == 1, complaint


def test_expired_credential_is_told(media_of_three_parts: Path, tmp_path: Path) -> None:
    """What the storage says of a credential is told in one sentence."""
    with Stack(folder=tmp_path) as stack:
        set_fault(stack, action="InitiateMultipartUpload", kind="expire")
        outcome = upload(stack.url, str(media_of_three_parts), "--json")

    assert "The storage did not take the file" in only_sentence(outcome)


def test_interrupt_ends_with_130(media_of_three_parts: Path, tmp_path: Path) -> None:
    """Ctrl-C stops the upload, with the exit code a shell expects and no traceback."""
    with Stack(folder=tmp_path) as stack:
        set_fault(stack, action="UploadPart", kind="slow", times=3, seconds=2)
        sending = start(stack.url, str(media_of_three_parts), "--user", "interrupt")
        wait_until_parts_are_sent(stack)
        sending.send_signal(signal.SIGINT)
        _, complaint = sending.communicate(timeout=60)

    assert sending.returncode == 130
    assert "Traceback" not in complaint
