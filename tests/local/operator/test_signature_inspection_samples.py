"""The encodings of the six official samples: recorded, and computed anew where the language is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.operator.signature_inspection import explain
from shared.vod.signature import decode, sign_original

SAMPLES = Path(__file__).parents[2] / "samples" / "signatures"
WIRE = json.loads((SAMPLES / "recorded.json").read_text(encoding="utf-8"))
RECORDED = [pytest.param(entry, id=f"{entry['language']}-{entry['inputs']}") for entry in WIRE["recorded"]]
SETS = list(WIRE["inputs"])
LIVE = {
    "sign.php": ["php"],
    "Sign.java": ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
    "sign.mjs": ["node"],
    "sign.py": [sys.executable],
    "sign.go": ["go", "run"],
}
UNENCODED = {"Python", "Go"}


@pytest.mark.parametrize("entry", RECORDED)
def test_signature_of_every_official_sample_is_verified(entry: dict[str, Any]) -> None:
    """Each language's way to encode is read, and verified with its key."""
    inputs = WIRE["inputs"][entry["inputs"]]
    now = int(inputs["currentTimeStamp"])

    inspection = explain(entry["signature"], now=now, secret_key=inputs["secretKey"])

    assert inspection.verdict == "valid"
    assert decode(entry["signature"]).original == entry["original"]
    assert list(inspection.parameters) == ["secretId", "currentTimeStamp", "expireTime", "random"]


@pytest.mark.parametrize("entry", [p for p in RECORDED if "awkward" in str(p.id)])
def test_values_of_every_sample_that_encodes_are_read_as_they_were_meant(entry: dict[str, Any]) -> None:
    """Six spellings of one secretId are one; only an unencoded plus sign cannot be told from a space."""
    meant = {name: text for name, text in WIRE["inputs"]["awkward"].items() if name != "secretKey"}
    unencoded = entry["language"] in UNENCODED
    if unencoded:
        meant["secretId"] = meant["secretId"].replace("+", " ")

    inspection = explain(entry["signature"], now=int(meant["currentTimeStamp"]))

    assert meant == inspection.parameters
    assert (("secretId is not percent-encoded.",) if unencoded else ()) == inspection.problems


@pytest.mark.parametrize("entry", [p for p in RECORDED if "plain" in str(p.id)])
def test_ten_years_of_the_official_sample_are_named_as_the_problem(entry: dict[str, Any]) -> None:
    """The Python and Go samples' own dates are over the limit of 90 days, and inspect says so."""
    inspection = explain(entry["signature"], now=1571215095, secret_key="IamSecretKey")

    assert inspection.problems == (
        "expireTime must lie 1 to 7776000 seconds (90 days) after currentTimeStamp.",
    )


@pytest.mark.parametrize("entry", RECORDED)
def test_our_signature_of_the_same_text_is_theirs(entry: dict[str, Any]) -> None:
    """Signing the very text of another language gives the very signature of that language."""
    assert entry["signature"] == sign_original(
        entry["original"], secret_key=WIRE["inputs"][entry["inputs"]]["secretKey"]
    )


@pytest.mark.parametrize("inputs", SETS)
@pytest.mark.parametrize("program", LIVE)
def test_recorded_signature_is_what_the_program_prints(program: str, inputs: str) -> None:
    """A recording is no more than what its program prints today, wherever the language is installed."""
    runner, *words = LIVE[program]
    if (path := shutil.which(runner)) is None:
        pytest.skip(f"{runner} is not installed; its signatures are recorded")
    expected = next(
        entry["signature"]
        for entry in WIRE["recorded"]
        if entry["program"] == program and entry["inputs"] == inputs
    )

    printed = subprocess.run(  # noqa: S603  # programs and inputs of this folder
        [path, *words, str(SAMPLES / program), *WIRE["inputs"][inputs].values()],
        env={**os.environ, "LC_ALL": "C.UTF-8"},  # Java reads its arguments in the encoding of the locale
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=120,
    )

    assert expected == printed.stdout
