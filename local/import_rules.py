"""Which files may import what: reads a source text and names each line that its rule does not allow.

The rules themselves, and which file obeys which, are left to `tests/test_repository.py`.
"""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_IMPURE_BUILTINS = frozenset({"__import__", "breakpoint", "eval", "exec", "input", "open", "print"})
_CLOCK_METHODS = frozenset({"now", "today", "utcnow"})
_CLOCK_OWNERS = frozenset({"date", "datetime"})
_OUR_FOLDERS = frozenset({"functions", "local", "shared", "tests"})
_LAYOUT_TOKENS = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)


@dataclass(frozen=True)
class Rule:
    """What one kind of file may import.

    `libraries` are modules outside the repository, each with what lies below it. `ours` are full
    names of our modules; from those in `types_of` only types may be taken, so that who builds them
    stays somebody else's decision. None means that anything goes.
    """

    libraries: frozenset[str] | None
    ours: frozenset[str]
    types_of: frozenset[str] = frozenset()

    def breaches(self, source: str) -> list[str]:
        """List what this rule forbids in a source text, each with its line."""
        found: list[tuple[int, str]] = []
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found += [(node.lineno, breach) for breach in self._of_import(node)]
            elif isinstance(node, ast.Call) and self.libraries is not None:
                found += [(node.lineno, breach) for breach in _of_call(node.func)]
        return [f"line {line}: {breach}" for line, breach in sorted(found)]

    def _of_import(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.ImportFrom) and node.level:
            yield "a relative import fails in the deployed package"
            return
        origin = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            if not self._allows(origin + alias.name):
                yield f"may not import {origin}{alias.name}"

    def _allows(self, name: str) -> bool:
        places = {name, *(name[:end] for end, character in enumerate(name) if character == ".")}
        if not places.isdisjoint(_OUR_FOLDERS):
            is_type = name.rpartition(".")[2][:1].isupper()
            return not places.isdisjoint(self.ours | self.types_of if is_type else self.ours)
        return self.libraries is None or not places.isdisjoint(self.libraries)


def _of_call(called: ast.expr) -> Iterator[str]:
    """Name what reaches the outside without any import, or by way of a permitted one."""
    if isinstance(called, ast.Name) and called.id in _IMPURE_BUILTINS:
        yield f"may not call {called.id}()"
    elif isinstance(called, ast.Attribute) and called.attr in _CLOCK_METHODS:
        owner = called.value
        owner_name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if owner_name in _CLOCK_OWNERS:
            yield f"may not read the clock ({owner_name}.{called.attr})"


def code_lines(source: str) -> int:
    """Count the lines that hold code: no blank line, no comment, no docstring."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _LAYOUT_TOKENS:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)
