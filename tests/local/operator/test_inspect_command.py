from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from local.__main__ import main
from local.operator import inspect_command
from local.operator.inspect_command import Keys, run
from local.stack.demo_settings import LocalAddresses, demo_environment
from shared.vod.context_token import UploadContext, seal
from shared.vod.signature import SignatureParameters, sign, sign_original

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.stack.stack import Stack

REPOSITORY = Path(__file__).parents[2].parent
KEY = "EXAMPLEKEYEXAMPLEKEY"
ISSUED_AT = 1793318400
CONTEXT_KEY = "a key that seals contexts in tests"


def signature(secret_key: str = KEY, **changes: str) -> str:
    """Return a signature of ten minutes."""
    parameters = SignatureParameters("AKIDEXAMPLE", ISSUED_AT, ISSUED_AT + 600, 7, **changes)  # type: ignore[arg-type]  # texts only
    return sign(parameters, secret_key=secret_key)


def explain(text: str, *, now: int = ISSUED_AT + 30, secret_key: str | None = KEY) -> tuple[int, str]:
    """Run the command's core with text output."""
    return run(text, Keys(secret_key), now=now, as_json=False)


def in_a_shell(
    *words: str, environment: Mapping[str, str] | None = None, stdin: bytes = b""
) -> tuple[int, str, str]:
    """Run `python -m local inspect` and return exit code, output and errors."""
    inherited = {name: value for name, value in os.environ.items() if name != "VOD_SECRET_KEY"}
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "local", "inspect", *words],
        cwd=REPOSITORY,
        env={**inherited, "PYTHONUTF8": "1", **(environment or {})},
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_valid_signature_is_laid_out_for_a_reader() -> None:
    """Names and values stand in columns, times are dates, and the rest of its life is in plain words."""
    code, text = explain(signature(source_context="안녕 & hi"))

    assert code == 0
    assert text == (
        "digest            signed with the given key\n"
        "secretId          AKIDEXAMPLE\n"
        "currentTimeStamp  1793318400  2026-10-30T00:00:00Z\n"
        "expireTime        1793319000  2026-10-30T00:10:00Z, expires in 9 min\n"
        "random            7\n"
        "sourceContext     안녕 & hi\n"
        "\n"
        "no problems"
    )


def test_signature_of_another_key_is_invalid() -> None:
    """A digest that does not fit ends with 1 and a sentence."""
    code, text = explain(signature("another key"))

    assert code == 1
    assert text.startswith("digest            NOT signed with the given key\n")
    assert "\nproblems:\n- The digest is not that of this SecretKey" in text


def test_expired_signature_is_not_acceptable_although_its_digest_fits() -> None:
    """The exit code says whether an upload would work, not whether the arithmetic is right."""
    code, text = explain(signature(), now=ISSUED_AT + 600 + 2 * 86_400)

    assert code == 1
    assert "signed with the given key" in text
    assert "expired 2 d ago" in text


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (ISSUED_AT + 599, "expires in 1 s"),
        (ISSUED_AT + 600, "expired 0 s ago"),
        (ISSUED_AT + 660, "expired 1 min ago"),
        (ISSUED_AT + 600 + 7199, "expired 1 h ago"),
    ],
)
def test_rest_of_its_life_is_told_in_the_largest_unit(now: int, words: str) -> None:
    """The remaining time is shown in one unit, rounded down."""
    assert words in explain(signature(), now=now)[1]


def test_without_a_key_nothing_is_claimed() -> None:
    """An unchecked digest is not acceptable, and the reader learns how to have it checked."""
    code, text = explain(signature(), secret_key=None)

    assert code == 1
    assert "not checked: set VOD_SECRET_KEY" in text
    assert text.endswith("no problems")


def test_json_is_for_programs() -> None:
    """The same facts as an object, in plain ASCII."""
    keys = Keys(KEY, "VOD_SECRET_KEY", (CONTEXT_KEY,), "dev")
    code, text = run(signature(source_context="한"), keys, now=ISSUED_AT, as_json=True)

    assert code == 0
    assert text.isascii()
    assert json.loads(text) == {
        "verdict": "valid",
        "key": "VOD_SECRET_KEY",
        "issuedAt": "2026-10-30T00:00:00Z",
        "expiresAt": "2026-10-30T00:10:00Z",
        "parameters": {
            "secretId": "AKIDEXAMPLE",
            "currentTimeStamp": "1793318400",
            "expireTime": "1793319000",
            "random": "7",
            "sourceContext": "한",
        },
        "problems": [],
    }


def test_sealed_context_is_opened_with_its_key(capsys: pytest.CaptureFixture[str], stack: Stack) -> None:
    """The upload, its user and the app's own text, of a signature that the stack has issued."""
    issued = _issued_by(stack, context="lesson 3")
    codes = [
        main(["inspect", issued["signature"], "--url", stack.url, *words]) for words in ((), ("--json",))
    ]
    table, _, document = capsys.readouterr().out.partition("no problems\n")

    assert codes == [0, 0]
    assert f"context           upload {issued['uploadId']}, user alice, 'lesson 3'\n" in table
    assert json.loads(document)["sealed"] == {
        "uploadId": issued["uploadId"],
        "user": "alice",
        "context": "lesson 3",
        "vodSubAppId": None,
    }


def test_context_of_another_stage_is_not_opened() -> None:
    """The same key seals differently for each stage."""
    token = seal(UploadContext("0" * 26, "alice"), keys=(CONTEXT_KEY,), stage="prod")
    keys = Keys(KEY, context_keys=(CONTEXT_KEY,), stage="dev")
    text, document = (
        run(signature(source_context=token), keys, now=ISSUED_AT, as_json=as_json)[1]
        for as_json in (False, True)
    )

    assert "context           sealed with another key, or for another stage\n" in text
    assert json.loads(document)["sealed"] is None


def test_unreadable_text_ends_with_two() -> None:
    """What is no signature is told apart from a bad one, in both forms of output."""
    code, text = explain("no signature")
    json_code, json_text = run("no signature", Keys(), now=0, as_json=True)

    assert (code, json_code) == (2, 2)
    assert text.startswith("unreadable  A signature is standard Base64")
    assert json.loads(json_text)["verdict"] == "unreadable"


def test_values_cannot_write_to_the_terminal() -> None:
    """Escape sequences and characters that turn the text around are shown as codes."""
    _, text = explain(sign_original("secretId=%1B%5B2J%E2%80%AE&random=%0A%0D", secret_key=KEY))

    assert "secretId          \\x1b[2J\\u202e\n" in text
    assert "random            \\n\\r\n" in text


def test_times_that_are_none_are_left_without_a_date() -> None:
    """Broken times are explained, not computed with."""
    text = sign_original("currentTimeStamp=soon&expireTime=99999999999999", secret_key=KEY)

    code, table = explain(text)
    told = json.loads(run(text, Keys(KEY), now=ISSUED_AT, as_json=True)[1])

    assert code == 1
    assert "currentTimeStamp  soon\n" in table
    assert (told["issuedAt"], told["expiresAt"]) == (None, None)


def test_key_is_never_printed() -> None:
    """Neither form of output repeats the key, even where the signature contains it."""
    leaking = sign_original(f"secretId={KEY}&{KEY}={KEY}", secret_key=KEY)

    outputs = [run(leaking, Keys(KEY), now=ISSUED_AT, as_json=as_json)[1] for as_json in (True, False)]

    assert [KEY in text for text in outputs] == [False, False]
    assert "replace that key at once" in outputs[1]


def test_command_reads_the_key_from_the_environment() -> None:
    """VOD_SECRET_KEY checks the signature; a fresh process tells the verdict by its exit code."""
    code, text, errors = in_a_shell(signature(), environment={"VOD_SECRET_KEY": KEY})

    assert (code, errors) == (1, "")
    assert text.startswith("digest            signed with VOD_SECRET_KEY\n")
    assert "- It expired at 2026-10-30T00:10:00Z.\n" in text


def test_command_falls_back_to_the_key_of_the_local_stack(tmp_path: Path) -> None:
    """A signature of the local stack is verified without any setting, by the key that stack keeps."""
    demo_key = demo_environment(tmp_path, LocalAddresses("", "", ""))["VOD_SECRET_KEY"]

    _, text, _ = in_a_shell("--folder", str(tmp_path), signature(demo_key))

    assert text.startswith("digest            signed with the local stack's key\n")


@pytest.mark.parametrize("kept", ["", "[]", "{}", "\\", '{"VOD_SECRET_KEY": ""}', '{"VOD_SECRET_KEY": 1}'])
def test_broken_key_file_is_no_key(tmp_path: Path, kept: str) -> None:
    """A file that cannot be read as keys leaves the digest unchecked, and is not written to."""
    (tmp_path / "demo-secrets.json").write_text(kept)

    code, text, errors = in_a_shell("--folder", str(tmp_path), signature())

    assert (code, errors) == (1, "")
    assert "not checked" in text
    assert (tmp_path / "demo-secrets.json").read_text() == kept


def test_command_makes_no_key_where_there_is_none(tmp_path: Path) -> None:
    """Looking at a signature leaves no files behind."""
    in_a_shell("--folder", str(tmp_path), signature())

    assert list(tmp_path.iterdir()) == []


def test_command_reads_the_signature_from_stdin(tmp_path: Path) -> None:
    """A dash reads standard input, so that a signature can be piped and stays out of the shell's history."""
    code, text, _ = in_a_shell("-", "--json", "--folder", str(tmp_path), stdin=signature().encode() + b"\r\n")

    assert code == 1
    assert json.loads(text)["parameters"]["secretId"] == "AKIDEXAMPLE"


@pytest.mark.parametrize("stdin", [b"", b"\xff\xfe\x00", b"A" * 3_000_000])
def test_hostile_stdin_is_unreadable_and_no_traceback(stdin: bytes) -> None:
    """Nothing, bytes that are no text, and megabytes all end with 2 and a sentence."""
    code, text, errors = in_a_shell("-", stdin=stdin)

    assert (code, errors) == (2, "")
    assert text.startswith("unreadable  ")


def test_terminal_without_unicode_still_shows_everything() -> None:
    """What the terminal's encoding cannot show appears as codes instead of an error."""
    code, text, errors = in_a_shell(
        signature(source_context="한"), environment={"PYTHONIOENCODING": "ascii", "VOD_SECRET_KEY": KEY}
    )

    assert (code, errors) == (1, "")
    assert "sourceContext     \\ud55c\n" in text


def test_signature_alive_now_ends_with_zero(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command reads the clock: a signature of its last minute is acceptable."""
    monkeypatch.setenv("VOD_SECRET_KEY", KEY)
    monkeypatch.setattr("time.time", lambda: ISSUED_AT + 599.9)
    parser = argparse.ArgumentParser()
    inspect_command.add_arguments(parser)

    code = inspect_command.main(parser.parse_args([signature()]))

    assert code == 0
    assert "expires in 1 s\n" in capsys.readouterr().out


def _issued_by(stack: Stack, **wish: str) -> dict[str, str]:
    token = requests.get(f"{stack.url}/local/token?user=alice", timeout=10).text
    headers = {"Authorization": f"Bearer {token}"}
    issued: dict[str, str] = requests.post(
        f"{stack.url}/signature", json=wish, headers=headers, timeout=10
    ).json()
    return issued
