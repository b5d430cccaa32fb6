"""`python -m local token explain`: what an operator sees, and what he never does."""

from __future__ import annotations

import io
import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from local.__main__ import main
from shared.config.settings import CallerSettings, variables_of
from tests.functions.deployment import CONTEXT_KEY, JWT_SECRET, user_token
from tests.keys import rsa_key
from tests.shared.jwks_server import KeyServer, rsa_jwk

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = ["form", "signature", "sub", "exp", "nbf", "iat", "jti", "iss", "aud"]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the secret and the audience, and no other setting of callers."""
    for name in variables_of(CallerSettings):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JWT_SECRETS", JWT_SECRET)
    monkeypatch.setenv("JWT_AUDIENCE", "uploads,media")


def explained(capsys: pytest.CaptureFixture[str], token: str, *words: str) -> tuple[int, dict[str, Any]]:
    """Run the command for a program, and return its exit code and document."""
    code = main(["token", "explain", "--json", *words, token])
    printed = capsys.readouterr().out
    assert JWT_SECRET not in printed
    assert not [part for part in token.split(".") if len(part) > 1 and part in printed]
    return code, json.loads(printed)


def problems_in(document: dict[str, Any]) -> dict[str, str]:
    """Return the checks that fail, with their words."""
    return {row["check"]: row["problem"] for row in document["checks"] if row["problem"]}


def test_every_check_is_made_and_every_problem_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A function ends at the first problem; an operator sees them all."""
    code, document = explained(capsys, user_token(aud="media"))
    assert (code, document["status"]) == (0, 0)
    assert [row["check"] for row in document["checks"]] == CHECKS

    code, document = explained(capsys, user_token("", secret=CONTEXT_KEY, aud="mail", exp=7, nbf=10**12))
    assert (code, document["status"]) == (1, 401)
    assert problems_in(document) == {
        "signature": "bad_signature",
        "sub": "sub_invalid",
        "exp": "expired",
        "nbf": "not_yet_valid",
        "aud": "aud_mismatch",
    }


def test_user_is_looked_for_where_the_setting_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check has the claim's name and shows its value; without the claim the word is that of `sub`."""
    monkeypatch.setenv("JWT_USER_CLAIM", "user_id:number")
    code, document = explained(capsys, user_token(aud="media", user_id=7))

    assert (code, document["checks"][2]["check"], document["checks"][2]["said"]) == (0, "user_id", "7")
    assert problems_in(explained(capsys, user_token(aud="media"))[1]) == {"user_id": "sub_missing"}


def test_text_has_a_line_for_each_check_and_one_below_each_problem(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the token says is beside the result, and cannot move the cursor."""
    assert main(["token", "explain", user_token("\x1b[2J", aud="x" * 200, exp=1_800_000_000)]) == 1
    lines = capsys.readouterr().out.splitlines()

    assert lines[1] == "signature  ok                  alg 'HS256'"
    assert lines[2].split()[:2] == ["sub", "sub_invalid"]
    assert "exp        ok                  2027-01-15T08:00:00Z" in lines
    assert f"aud        aud_mismatch        '{'x' * 119}…" in lines
    assert lines[-2:] == ["           -> None of it stands in JWT_AUDIENCE.", "The functions answer 401."]
    assert main(["token", "explain", user_token(aud="media")]) == 0
    assert capsys.readouterr().out.endswith("The functions accept it.\n")


@pytest.mark.parametrize(
    ("token", "word"), [("", "no_token"), ("opaque", "malformed"), ("a" * 9000, "too_long")]
)
def test_what_is_no_token_has_nothing_more_to_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, token: str, word: str
) -> None:
    """Read from standard input, where no list of processes shows it."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(f"{token}\n".encode())))
    code, document = explained(capsys, "-")

    assert (code, document["status"]) == (1, 401)
    assert problems_in(document) == {"form": word}
    assert len(document["checks"]) == 1


def test_key_set_is_fetched_and_its_fault_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without keys the functions answer 503; the claims are checked all the same."""
    token = jwt.encode(
        {"sub": "alice", "exp": int(time.time()) + 60, "aud": "mail"},
        rsa_key("first"),
        algorithm="RS256",
        headers={"kid": "first"},
    )
    monkeypatch.delenv("JWT_SECRETS")
    with KeyServer() as server:
        server.publish(rsa_jwk("first"))
        monkeypatch.setenv("JWT_JWKS_URL", server.keys_url)
        assert problems_in(explained(capsys, token)[1]) == {"aud": "aud_mismatch"}
    with KeyServer() as server:
        server.status = 403
        monkeypatch.setenv("JWT_JWKS_URL", server.keys_url)
        code, document = explained(capsys, token)

    assert (code, document["status"]) == (1, 503)
    assert problems_in(document) == {"signature": "keys_unavailable", "aud": "aud_mismatch"}
    assert document["checks"][1]["meaning"] == "The key set at JWT_JWKS_URL: HTTP 403"


@pytest.mark.parametrize("instant", [1.5, 10**30, "soon"])
def test_instant_that_no_calendar_has_is_shown_as_it_is(
    capsys: pytest.CaptureFixture[str], instant: object
) -> None:
    """Any JSON may stand there."""
    _, document = explained(capsys, user_token(aud="media", iat=instant))

    assert next(row["said"] for row in document["checks"] if row["check"] == "iat") == repr(instant)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("JWT_SECRETS=short", "JWT_SECRETS.0: String should have at least 32 characters"),
        (f"AUTH_MODE=anonymous\nANONYMOUS_KEY={JWT_SECRET}", "AUTH_MODE is anonymous"),
    ],
)
def test_settings_without_a_way_to_check_are_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, lines: str, told: str
) -> None:
    """On standard error, with exit code 2 and without a value."""
    file = tmp_path / "deployment.env"
    file.write_text(lines, encoding="utf-8")

    assert main(["token", "explain", "--env-file", str(file), "a.b.c"]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.out == ""
    assert main(["token", "explain", "--env-file", str(tmp_path / "none"), "a.b.c"]) == 2
