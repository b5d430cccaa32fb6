from __future__ import annotations

from typing import TYPE_CHECKING

from local.stack.stack import Stack
from tests.openapi.schemas import operations
from tests.openapi.whole_api import SETTINGS, answers_in, run_share, shares

if TYPE_CHECKING:
    from pathlib import Path


def test_stack_keeps_to_the_document(tmp_path: Path) -> None:
    """What the document allows is taken, anything else is refused as it says (S21); see `make fuzz-api`."""
    with Stack(folder=tmp_path / "stack", overrides=SETTINGS) as stack:
        found = [run_share(share, stack, tmp_path, examples=5, seed=1) for share in shares(stack)]

    answers = answers_in(tmp_path)
    assert found == ["", "", ""]
    assert {operation for operation, _ in answers} == operations().keys()
    assert answers["issueSignature", 200] > 5
    assert [key for key in answers if key[1] >= 500] == []
