"""The import rule by folder, and the size limits of the folders."""

from __future__ import annotations

import ast
import graphlib
import io
import tokenize
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pytest

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = (
    ("errors", "addresses", "deadline", "invocation_log", "package_file"),
    ("tcp",),
    ("vod",),
    ("domain", "tencent_api"),
    ("schema",),
    ("config", "redis"),
    ("store", "http", "vod_api"),
    ("flows",),
    ("runtime",),
    ("functions",),
)
"""Packages of `shared/`, and `functions/`, from the bottom up: each may import those below it."""
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
ADAPTERS = frozenset({*LEVELS[LEVEL["store"]], "redis", "tencent_api"})
PURE = frozenset({"vod", "domain", "config", "flows"})
PURE_LIBRARIES = {"__future__", "binascii", "collections", "datetime", "enum", "functools"}
PURE_LIBRARIES |= {"hashlib", "hmac", "itertools", "json", "math", "operator", "re", "types", "typing"}
PURE_LIBRARIES |= {"base64", "contextlib", "cryptography", "importlib", "urllib", "zlib"}
MAX_LOOSE_SHARED, MAX_LOOSE_LOCAL, MAX_PACKAGE, MAX_FUNCTION_LINES, MAX_VOD_LINES = 8, 10, 14, 60, 1250
FILES = sorted(path for folder in ("shared", "functions") for path in (REPOSITORY / folder).rglob("*.py"))


class Import(NamedTuple):
    """One imported module; `for_types` alone if it stands under TYPE_CHECKING."""

    module: str
    for_types: bool


@cache
def imports_in(source: str) -> tuple[Import, ...]:
    """Return what a source imports, wherever the import is; `from a import b` counts as `a.b`."""
    tree = ast.parse(source)
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and _is_type_checking(node.test)]
    for_types = {id(node) for block in blocks for part in block.body for node in ast.walk(part)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            start = f"{'.' * node.level}{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""
            found += [Import(f"{start}{alias.name}", id(node) in for_types) for alias in node.names]
    return tuple(found)


def _is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def violations(room: str, source: str) -> list[str]:
    """Return each import that a file of this room may not have."""
    return [it.module for it in imports_in(source) if not _is_allowed(room, it)]


def _is_allowed(room: str, it: Import) -> bool:
    top, *below = it.module.split(".")
    if top != "shared":
        return top not in ("", "local", "tests", "functions") and (room not in PURE or top in PURE_LIBRARIES)
    target = below[0]
    if target == room:
        return room not in ADAPTERS or len(below) > 1
    if room == "vod":
        return target == "errors"
    if room == "flows" and target in ADAPTERS:
        return it.for_types
    return LEVEL[target] < LEVEL[room]


def room_of(path: Path) -> str:
    """Return a file's room: its package in `shared/`, its own name if it is loose there, or `functions`."""
    folder, *rest = path.relative_to(REPOSITORY).with_suffix("").parts
    return folder if folder == "functions" else rest[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_imports_point_down(path: Path) -> None:
    """Each room imports what CONTRIBUTING.md shows below it, and no other (S29)."""
    if path.parent == REPOSITORY / "shared" and path.stem == "__init__":
        return

    assert violations(room_of(path), path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_models_and_pydantic_are_for_one_another_and_for_what_is_not_deployed(path: Path) -> None:
    """A function that imported pydantic would start three times as long, and find none in its package."""
    modules = {it.module for it in imports_in(path.read_text("utf-8")) if not it.for_types}
    found = [name for name in modules if name.startswith(("pydantic", "shared.schema.models"))]

    assert found == [] or path.is_relative_to(REPOSITORY / "shared/schema/models")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_function_imports_dataclasses(path: Path) -> None:
    """They bring `inspect`: together more than half of a start of the vendor's demo."""
    assert "dataclasses" not in {it.module.partition(".")[0] for it in imports_in(path.read_text("utf-8"))}


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("vod", "import os"),
        ("vod", "import pydantic_core"),
        ("vod", "from shared.domain.session import state_of"),
        ("vod", "from shared.addresses import networks_of"),
        ("domain", "import time"),
        ("domain", "from shared import vod_api"),
        ("domain", "if TYPE_CHECKING:\n    from shared.store.journal import Store"),
        ("domain", "def late():\n    from shared.config.settings import load_settings"),
        ("store", "from shared.http.webhook import AppWebhook"),
        ("store", "from shared.flows.ingest_event import Ingester"),
        ("http", "import shared.runtime.log"),
        ("flows", "from shared.store.journal import Store"),
        ("config", "from local.repository import REPOSITORY"),
        ("runtime", "from functions.upload_status import main_handler"),
        ("functions", "import local"),
        ("functions", "from . import upload_status"),
    ],
)
def test_upward_import_is_found(room: str, source: str) -> None:
    """The rule turns red for each way around it: late, for types, by a package's name."""
    assert len(violations(room, source)) == 1


def test_no_modules_import_each_other_in_a_circle() -> None:
    """There is no import circle, type-only imports included."""
    folders = ("shared", "functions", "local")
    paths = [path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")]
    names = {".".join(path.relative_to(REPOSITORY).with_suffix("").parts): path for path in paths}
    graph = {
        name: {
            module
            for it in imports_in(path.read_text("utf-8"))
            for module in (it.module, it.module.rpartition(".")[0])
            if module in names and module != name
        }
        for name, path in names.items()
    }

    order = list(graphlib.TopologicalSorter(graph).static_order())

    assert len(order) == len(names)


def test_rooms_stay_small() -> None:
    """No package exceeds its number of files, and the signing and parsing module its number of lines."""
    shared, local = REPOSITORY / "shared", REPOSITORY / "local"
    packages = [path.parent for path in shared.glob("*/__init__.py")]

    assert len([path for path in shared.glob("*.py") if path.stem != "__init__"]) <= MAX_LOOSE_SHARED
    assert len(list(local.glob("*.py"))) <= MAX_LOOSE_LOCAL
    assert max(len(list(package.glob("*.py"))) - 1 for package in packages) <= MAX_PACKAGE
    assert sum(path.read_text("utf-8").count("\n") for path in (shared / "vod").glob("*.py")) < MAX_VOD_LINES


@pytest.mark.parametrize("path", sorted((REPOSITORY / "functions").glob("*.py")), ids=lambda path: path.stem)
def test_function_is_a_thin_edge(path: Path) -> None:
    """A function file is short, and has the handler that SCF calls."""
    source = path.read_text("utf-8")
    handlers = [
        [argument.arg.lstrip("_") for argument in node.args.args]
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "main_handler"
    ]

    assert handlers == [["event", "context"]]
    assert code_lines(source) <= MAX_FUNCTION_LINES


def code_lines(source: str) -> int:
    """Count lines with code: no blank ones, comments or docstrings."""
    docstrings = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {
        line
        for token in tokens
        if token.type not in layout and token.type != tokenize.ENDMARKER
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(lines - docstrings)
