"""The names, docstrings and references of all Python files use the field's terms."""

from __future__ import annotations

import io
import re
import tokenize

from local.repository import REPOSITORY

FOLDERS = ("shared", "functions", "local", "tests")
FILES = sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py"))
SOURCES = {str(path): path.read_text("utf-8") for path in FILES if "node_modules" not in path.parts}
NAMES = re.compile(
    r"(?i:arrival|intake|courier|delivery_?round|make_sure|chance|breach|allowance|shelf|moments|truth)"
    r"|Look(?!up)|Asker"
)
OPENINGS = re.compile(
    r'^\s*r?"""(Say|Tell|Spell|Look at|Hang up|Whether|Give|Make|Play|Put|Find out)\b.*', re.MULTILINE
)


WIRE_NAME = "breaches"


def test_no_name_is_of_our_own_coinage() -> None:
    """A name is the standard term for what it names; the wire name `breaches` stays."""
    texts = ((path, text) for path, text in SOURCES.items() if NAMES.search(text))
    tokens = ((p, t) for p, text in texts for t in tokenize.generate_tokens(io.StringIO(text).readline))
    names = ((p, t.string) for p, t in tokens if t.type == tokenize.NAME and t.string != WIRE_NAME)
    assert [(path, name) for path, name in names if NAMES.search(name)] == []


def test_docstrings_begin_with_what_a_function_does() -> None:
    """A docstring is imperative and technical: `Return whether …`, not `Whether …`."""
    assert [(path, found[0]) for path, text in SOURCES.items() for found in OPENINGS.finditer(text)] == []


def test_docstrings_say_what_a_module_is() -> None:
    """What is elsewhere is named where a reader would search here first, and not as a rule."""
    assert sum(len(re.findall(r"\b(?:is|are) left to\b", text)) for text in SOURCES.values()) < 40
