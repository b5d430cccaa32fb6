"""What commands write into a terminal of 60 and of 80 columns, and where there is none."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.repository import REPOSITORY
from local.terminal_text import printable, shortened, table_of, width_of, wrapped
from tests.functions.deployment import environment
from tests.local.pseudo_terminal import in_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCAL = (sys.executable, "-m", "local")
REASON = "업로드가 너무 많아서 막았습니다: " + "同一用户上传太多" * 5
NARROW = pytest.mark.parametrize("columns", [60, 80])

TABLE = """
from local.terminal_text import table_of
rows = [{"id": "evt_" + "0" * 26, "kind": "user", "reason": "한국어 " * 30},
        {"id": "evt_1", "kind": None, "reason": "short"}]
print(table_of(rows, ("id", "kind", "reason"), shorten=("kind", "reason")), end="")
"""
BETWEEN = "-- the next command --"
EACH = f"""
import sys
from local.__main__ import main
for words in sys.argv[1:]:
    print("{BETWEEN}", flush=True)
    main(words.split())
"""
PRINTING = (
    "",
    "capacity",
    "events endpoint",
    "conformance --list",
    "policy --user alice",
    "token explain a.b.c",
)
FINDINGS = """
from local.doctor.findings import ok
from local.doctor.report import Report
print(Report({"here": [ok("clock", "시계가 " * 30)]}).text())
"""


@pytest.fixture
def deployed(valkey_url: str) -> dict[str, str]:
    """Return the variables of a deployment whose deny list has an entry with a long reason."""
    variables = environment(valkey_url)
    denied = [*LOCAL, "deny", "add", "--user", "u" * 24, "--reason", REASON]
    subprocess.run(denied, cwd=REPOSITORY, env=variables, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # ours
    return variables


def widest(lines: Sequence[str]) -> int:
    """Return the columns of the widest line."""
    return max(map(width_of, lines))


@NARROW
def test_widest_text_ends_with_an_ellipsis_and_ids_stay_whole(columns: int) -> None:
    """A Korean character takes two columns, so the line is full but for one of them at most."""
    head, long, short = in_terminal([sys.executable, "-c", TABLE], columns)

    assert head.split() == ["id", "kind", "reason"]
    assert long.startswith(f"evt_{'0' * 26}  user  한국어 ")
    assert long.endswith("…")
    assert width_of(long) in (columns - 1, columns)
    assert short.split() == ["evt_1", "-", "short"]


def test_rows_too_wide_for_a_line_are_blocks_of_lines(deployed: dict[str, str]) -> None:
    """What has to be typed again is there in full, and a text goes on below itself."""
    lines = in_terminal([*LOCAL, "deny", "list"], 60, deployed)

    assert lines[:2] == ["kind     user", f"subject  {'u' * 24}"]
    assert lines[-1].startswith("         ")
    assert " ".join(line[9:] for line in lines[4:]) == REASON


def test_wide_terminal_has_the_row_on_one_line(deployed: dict[str, str]) -> None:
    """COLUMNS overrides the size of the terminal."""
    wide = in_terminal([*LOCAL, "deny", "list"], 60, {**deployed, "COLUMNS": "100"})

    assert wide[0].split() == ["kind", "subject", "since", "until", "state", "reason"]
    assert wide[1].endswith("…")
    assert width_of(wide[1]) in (99, 100)


def test_without_a_terminal_nothing_is_cut(deployed: dict[str, str]) -> None:
    """Neither by COLUMNS: what reads a pipe gets everything."""
    outcome = subprocess.run(  # noqa: S603  # our own words
        [*LOCAL, "deny", "list"],
        cwd=REPOSITORY,
        env={**deployed, "COLUMNS": "40"},
        capture_output=True,
        check=True,
    )

    assert outcome.stdout.decode().endswith(f"denied  {REASON}\n")


@NARROW
def test_what_a_command_prints_fits(valkey_url: str, columns: int) -> None:
    """Each as it is; `capacity` names its options in full."""
    variables = {**environment(valkey_url), "APP_WEBHOOK_URL": "https://app.example/hook"}
    lines = in_terminal([sys.executable, "-c", EACH, *PRINTING], columns, variables)
    printed = "\n".join(lines).split(BETWEEN)[1:]

    assert len(printed) == len(PRINTING)
    assert [words for words, text in zip(PRINTING, printed, strict=True) if len(text.splitlines()) <= 3] == []
    assert widest(lines) <= columns
    assert any(line.endswith("… | 1 | assumed, `--delivered-days` |") for line in lines)


@NARROW
def test_findings_of_the_doctor_fit(columns: int) -> None:
    """A finding goes on below its own text."""
    lines = in_terminal([sys.executable, "-c", FINDINGS], columns)

    assert lines[1].startswith("  ok       clock: 시계가 ")
    assert lines[2].startswith("           시계가 ")
    assert width_of(lines[1]) in range(columns - 6, columns + 1)


def test_word_wider_than_a_line_stays_whole() -> None:
    """So that it can be copied; the words after it go on below."""
    assert wrapped("see https://app.example/hook now", first="-> ", most=12) == [
        "-> see",
        "   https://app.example/hook",
        "   now",
    ]


def test_shortened_text_never_ends_in_half_a_character() -> None:
    """Two columns that do not fit are left out; what fits stays as it is."""
    assert shortened("한국어", 6) == "한국어"
    assert shortened("한국어", 5) == "한국…"
    assert shortened("한국어", 4) == "한…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("한국어 中文 é 😀", "한국어 中文 é 😀"),
        ("\x1b[2J\n", "\\x1b[2J\\n"),
        ("\u202e\u200b\u05d0\u0301", "\\u202e\\u200b\\u05d0\\u0301"),
        ("\udc80", "\\udc80"),
    ],
    ids=["letters", "control", "direction", "surrogate"],
)
def test_only_what_disturbs_a_terminal_is_escaped(text: str, shown: str) -> None:
    """Letters of the operator's language are readable; what moves, turns or hides text is a code."""
    assert printable(text) == shown


def test_encoding_without_the_letters_shows_codes(capfd: pytest.CaptureFixture[str]) -> None:
    """A table is written whatever the terminal can encode."""
    subprocess.run(
        [sys.executable, "-c", "from local.terminal_text import printable\nprint(printable('한'))"],
        cwd=REPOSITORY,
        env={"PYTHONIOENCODING": "ascii"},
        check=True,
    )

    assert capfd.readouterr().out == "\\ud55c\n"


def test_table_without_rows_has_its_titles() -> None:
    """Titles replace names where there are some."""
    assert table_of([], ("id", "at"), titles={"id": "event id"}) == "event id  at\n"
