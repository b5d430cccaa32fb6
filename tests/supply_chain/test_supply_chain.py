from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.supply_chain.known_vulnerabilities import Audited, report
from tests.supply_chain.secret_scan import NO_SECRETS, PLANTED, committed, suspicious

if TYPE_CHECKING:
    from pathlib import Path


def test_audit_that_asked_nobody_says_so() -> None:
    """An audit that checked nothing does not look like one that found nothing (S45)."""
    told = report([Audited("redis", "8.1.0", None)])

    assert told.startswith("NOTHING WAS AUDITED")
    assert "0 are vulnerable" not in told


def test_audit_tells_what_it_asked_and_what_not() -> None:
    """The report has figures, each vulnerable package with its advisories, and each unchecked package."""
    told = report([Audited("a", "1", ()), Audited("b", "2", ("PYSEC-1", "GHSA-2")), Audited("c", "3", None)])

    assert told.splitlines() == [
        "VULNERABLE  b 2: PYSEC-1, GHSA-2",
        "2 of 3 locked packages were asked about, 1 are vulnerable.",
        "Not asked about, because the index does not know this version: c 3.",
    ]


@pytest.mark.parametrize("line", PLANTED, ids=range(len(PLANTED)))
def test_planted_secret_is_found(tmp_path: Path, line: str) -> None:
    """Private keys, passwords in assignments and addresses, tokens by their form, Tencent's ids (S45)."""
    file = tmp_path / "planted.py"
    file.write_text(line + "\n", encoding="utf-8")

    assert {number for number, _ in suspicious(file, strictly=True)} == {1}


def test_every_exception_is_of_a_file_that_is_there() -> None:
    """Every exception of the scan belongs to an existing file."""
    files = set(committed())

    assert {path for path, _ in NO_SECRETS} <= files
