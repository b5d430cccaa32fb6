from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from local.stack.stack import Stack
from tests.openapi.schemas import operations
from tests.openapi.whole_api import SETTINGS, answers_in, count_faults, run_shares

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.proof
def test_stack_keeps_to_the_document(tmp_path: Path) -> None:
    """What the document allows is taken, anything else is refused as it says (S21); see `make fuzz-api`."""
    with Stack(folder=tmp_path / "stack", overrides=SETTINGS) as stack:
        found = run_shares(stack, tmp_path, examples=5, seed=1)

    answers = answers_in(tmp_path)
    assert found == ""
    assert {operation for operation, _ in answers} == operations().keys()
    assert answers["issueSignature", 200] > 5
    assert min(answers["takeCallback", status] for status in (200, 404)) > 5
    assert count_faults(answers) == 0


@pytest.mark.parametrize(
    ("status", "count", "faults"), [(200, 100, 0), (503, 1, 0), (503, 100, 90), (500, 1, 1), (502, 2, 2)]
)
def test_only_a_few_503_are_no_fault(status: int, count: int, faults: int) -> None:
    """A busy machine may keep the store waiting now and then; any other 5xx is a fault."""
    answers = Counter({("issueSignature", 200): 100, ("issueSignature", status): count})

    assert count_faults(answers) == faults
