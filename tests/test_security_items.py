"""Compare docs/security.md with the code: every item once, every test it names, every right it grants."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = [*(f"S{number:02}" for number in range(1, 24)), "S23b", *(f"S{number}" for number in range(24, 47))]
STATES = {"covered", "in part", "cannot arise", "not yet"}
DEPLOYED = sorted([*(REPOSITORY / "shared").rglob("*.py"), *(REPOSITORY / "functions").rglob("*.py")])

SECRET_NAME = re.compile(r"(^|_)(digest|mac|password|secrets?|sign|signature|tokens?)$|secret_key$|sign_key$")
NO_SECRETS: dict[str, str] = {
    "hs256.py: mark in secret": "looks for the marks of key files; nothing of a caller's is in it",
    "verify_event.py: as_text(source.get('SourceContext')) == claim.context_token": "its seal is whole",
    "verify_event.py: as_text(task.get('SessionContext')) != claim.context_token": "as above",
    "verify_event.py: as_text(task.get('SessionContext')) == token": "as above",
}
"""Comparisons that need not take constant time, each with its reason."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    item: str
    state: str
    tests: tuple[str, ...]
    remark: str


def page() -> str:
    """Read docs/security.md."""
    return (REPOSITORY / "docs/security.md").read_text("utf-8")


@cache
def table() -> tuple[Row, ...]:
    """Parse the table of the items."""
    lines = [line for line in page().splitlines() if re.match(r"\| S\d", line)]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return tuple(
        Row(item, state, tuple(re.findall(r"`([^`]+)`", tests)), remark)
        for item, _what, state, tests, remark in cells
    )


@cache
def sentences_of_tests(path: Path) -> dict[str, str]:
    """Return the docstrings of a file's tests by their names, those of classes as `Class::test`."""
    names = dict[str, str]()
    for node in ast.parse(path.read_text("utf-8")).body if path.is_file() else ():
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        functions = [each for each in inner if isinstance(each, ast.FunctionDef)]
        names |= {prefix + each.name: ast.get_docstring(each) or "" for each in functions}
    return {name: text for name, text in names.items() if name.rpartition("::")[2].startswith("test_")}


def sentence_of(name: str) -> str | None:
    """Return the docstring of a test, or None if there is no such test."""
    path, _, test = name.partition("::")
    return sentences_of_tests(REPOSITORY / "tests" / path).get(test)


def comparisons_of_secrets(source: str) -> list[str]:
    """Return comparisons by `==`, `!=` or `in` of names that denote secrets."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        by_value = any(isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for operator in node.ops)
        operands = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
        names = [getattr(part, "id", getattr(part, "attr", "")) for part in operands]
        if by_value and any(SECRET_NAME.search(name) for name in names):
            found.append(ast.unparse(node))
    return found


def test_every_item_is_in_the_table_once() -> None:
    """No item of the checklist is forgotten, and none is told twice."""
    assert [row.item for row in table()] == ITEMS


@pytest.mark.parametrize("row", table(), ids=lambda row: row.item)
def test_row_names_tests_that_exist_and_says_what_is_missing(row: Row) -> None:
    """What is covered names its tests, one of which names the item; all else says what is missing, or why."""
    sentences = {name: sentence_of(name) for name in row.tests}

    assert [name for name, sentence in sentences.items() if sentence is None] == []
    assert not row.tests or any(re.search(rf"\b{row.item}\b", text or "") for text in sentences.values())
    assert row.state in STATES
    assert row.tests or row.state in {"cannot arise", "not yet"}
    assert row.remark or row.state == "covered"


def test_policies_allow_what_the_code_calls_and_nothing_else() -> None:
    """The policies name each action of the VOD API that `shared/vod_api.py` calls, and SCF's Invoke (S43)."""
    policies = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page(), re.DOTALL)]
    statements = [statement for policy in policies for statement in policy["statement"]]
    calls = re.findall(r'_call\(\s*"(\w+)"', (REPOSITORY / "shared/vod_api.py").read_text("utf-8"))

    assert {action for statement in statements for action in statement["action"]} == {
        *(f"vod:{call}" for call in calls),
        "scf:InvokeFunction",
    }
    assert {policy["version"] for policy in policies} == {"2.0"}
    assert {statement["effect"] for statement in statements} == {"allow"}


def test_secrets_are_compared_in_constant_time() -> None:
    """What is named like a secret is never compared by `==`, `!=` or `in` in what is deployed (S41)."""
    found = [
        f"{path.name}: {comparison}"
        for path in DEPLOYED
        for comparison in comparisons_of_secrets(path.read_text("utf-8"))
    ]

    assert sorted(found) == sorted(NO_SECRETS)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("given == settings.callback_token", 1),
        ("signature.sign != expected", 1),
        ("given in settings.callback_tokens", 1),
        ("digest == other", 1),
        ("hmac.compare_digest(digest, other)", 0),
        ("secret is None", 0),
        ("status == 200", 0),
    ],
)
def test_comparison_of_a_secret_is_found(source: str, found: int) -> None:
    """The rule finds comparisons of secrets, and no others."""
    assert len(comparisons_of_secrets(source)) == found
