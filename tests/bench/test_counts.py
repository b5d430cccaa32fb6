from __future__ import annotations

from tests.bench.counts import MOST_TIMES_THE_DEMO, faults_in
from tests.bench.layouts import DEMO


def test_case_fails_when_its_multiple_rounds_to_more_than_its_limit() -> None:
    """The limits hold to two decimals, and the sentence names the case, its multiple and its limit."""
    demo = 100_000_000
    counts = {DEMO: demo} | {name: round(most * demo) for name, most in MOST_TIMES_THE_DEMO.items()}
    assert faults_in(counts) == []

    counts["upload_status, packaged"] += 400_000
    assert faults_in(counts) == []

    counts["upload_status, packaged"] += 200_000
    assert faults_in(counts) == [
        "upload_status, packaged takes 1.8960 times the demo's instructions, not 1.89."
    ]
