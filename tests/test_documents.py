"""The documents of this repository, and what each must contain."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from local.documents.page import heading_anchor
from local.openapi import DOCUMENT_FILE
from local.repository import REPOSITORY, project_field
from local.simulator.replies.server_api import SERVER_API
from local.simulator.replies.storage import HEADERS
from local.simulator.switches import POSITIONS
from tests.test_layout import LEVELS

if TYPE_CHECKING:
    from pathlib import Path

DECISIONS = REPOSITORY / "docs" / "decisions"
RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))
DOCUMENTS = [
    *(
        REPOSITORY / name
        for name in ("README.md", "llms.txt", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
    ),
    *sorted((REPOSITORY / "docs").glob("*.md")),
    DECISIONS / "README.md",
    *RECORDS,
]
PAGE_PACKAGE = REPOSITORY / "local" / "page" / "package.json"
_ADDRESS = r"\]\([^)]+\)|https?://[^\s)]+[^\s).:]"
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
"""A link to another file of the repository; an address has a colon."""


def text_of(path: Path) -> str:
    """Read a document; a missing one fails the test."""
    return path.read_text(encoding="utf-8")


def facts(line: str) -> tuple[str, list[str], list[str], list[str]]:
    """Return what a line says in any language: its markup, code, links and numbers."""
    code, links = re.findall(r"`[^`]+`", line), re.findall(_ADDRESS, line)
    words = re.sub(rf"`[^`]+`|{_ADDRESS}", "", line)
    markup = re.match(r"(?:#+ |- |\||```\w*)?", line)
    return (
        markup[0] if markup else "",
        sorted(code),
        sorted(links),
        sorted(re.findall(r"\d[\d,.]*\d|\d", words)),
    )


def outside_code(lines: list[str]) -> set[str]:
    """Return the lines that are text, which is all but blank lines, rules and code."""
    parts = "\n".join(lines).split("```")[::2]
    return {line for part in parts for line in part.splitlines() if re.search(r"[a-z]{3}", line)}


def titles(text: str) -> list[str]:
    """Return the headings of the second level."""
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_document_leads_to_files_that_exist(path: Path) -> None:
    """No link of a document is broken."""
    targets = LINK.findall(text_of(path))

    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("language", ["ko", "zh"])
def test_translated_readme_says_the_same(language: str) -> None:
    """Line by line it has the code, links, settings and figures of README.md, in words of its own."""
    lines, translated = (
        text_of(REPOSITORY / name).splitlines() for name in ("README.md", f"README.{language}.md")
    )
    languages = lines[2]

    assert len(translated) == len(lines)
    assert [pair for pair in zip(lines, translated, strict=True) if facts(pair[0]) != facts(pair[1])] == [
        (languages, translated[2])
    ]
    assert outside_code(lines).isdisjoint(
        outside_code(translated) - {"# vod-upload-functions", "|---|---|---|"}
    )


@pytest.mark.parametrize("name", ["README.md", "llms.txt"])
def test_every_document_can_be_found(name: str) -> None:
    """README leads people, and llms.txt programs that read, to each page of `docs/`."""
    pages = {f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md")}

    assert pages - set(LINK.findall(text_of(REPOSITORY / name))) == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_link_to_a_heading_finds_it(path: Path) -> None:
    """The part of a link behind `#` is a heading of the document that it names, as GitHub spells it."""
    broken = []
    for name, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text_of(path)):
        target = path.parent / name if name else path
        headings = re.findall(r"^#+ (.+)$", text_of(target), re.MULTILINE)
        anchors = set(map(heading_anchor, headings))
        if anchor not in anchors:
            broken.append(f"{name}#{anchor}")

    assert broken == []


def test_licence_is_named_alike_everywhere() -> None:
    """pyproject, package.json and the OpenAPI document name the licence whose text is in LICENSE."""
    package = json.loads(text_of(PAGE_PACKAGE))
    document = json.loads(text_of(DOCUMENT_FILE))

    assert text_of(REPOSITORY / "LICENSE").startswith("MIT License\n")
    assert (
        project_field("license") == package["license"] == document["info"]["license"]["identifier"] == "MIT"
    )


def test_field_that_the_project_does_not_have_is_an_error() -> None:
    """A field of another table of pyproject.toml is none of the project's."""
    with pytest.raises(KeyError, match="target-version"):
        project_field("target-version")


def test_changelog_has_what_is_not_released() -> None:
    """The newest part comes first, and its entries are sorted by the kinds of Keep a Changelog."""
    newest = text_of(REPOSITORY / "CHANGELOG.md").partition("\n## ")[2].partition("\n## ")[0]
    kinds = re.findall(r"^### (.+)$", newest, re.MULTILINE)

    assert newest.startswith("[Unreleased]\n")
    assert kinds == [
        kind for kind in ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security") if kind in kinds
    ]
    assert re.search(r"^- \S", newest, re.MULTILINE)


def test_contributing_names_every_package() -> None:
    """Whoever looks for the place of a change finds each folder of shared/ and local/."""
    text = text_of(REPOSITORY / "CONTRIBUTING.md")
    folders = {
        f"{path.parent.parent.name}/{path.parent.name}/"
        for part in ("shared", "local")
        for path in (REPOSITORY / part).glob("*/__init__.py")
    }

    assert {folder for folder in folders if f"`{folder}`" not in text} == set()


def test_contributing_shows_the_import_rule() -> None:
    """The line that is shown to people is the rule that the test of the layout holds."""
    levels = LEVELS[LEVELS.index(("vod",)) :]
    rule = " <- ".join(rooms[0] if len(rooms) == 1 else "{" + ", ".join(rooms) + "}" for rooms in levels)

    assert f"In one line: `{rule}`." in text_of(REPOSITORY / "CONTRIBUTING.md")


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_decision_has_its_four_parts(path: Path) -> None:
    """A record gives the context, the decision, the numbers and what would end it, on half a page or so."""
    text = text_of(path)

    assert titles(text) == ["Context", "Decision", "Numbers", "What would end it"]
    assert text.startswith(f"# {path.name[:4]}: ")
    assert len(text.splitlines()) <= 50


def test_decisions_are_numbered_and_listed() -> None:
    """The numbers have no gap, and the index names every record once."""
    listed = re.findall(r"^\| \[\d+\]\((.+?)\) \|", text_of(DECISIONS / "README.md"), re.MULTILINE)

    assert [path.name[:5] for path in RECORDS] == [f"{number:04}-" for number in range(1, len(RECORDS) + 1)]
    assert listed == [path.name for path in RECORDS]


def test_glossary_explains_twenty_words() -> None:
    """The words are in the order of the alphabet, each with one or two sentences."""
    entries = re.findall(
        r"^- \*\*(.+?)\*\*: (.+)$", text_of(REPOSITORY / "docs" / "glossary.md"), re.MULTILINE
    )
    words = [word for word, _ in entries]

    assert len(words) == 20
    assert words == sorted(words, key=str.casefold)
    assert {word: text for word, text in entries if not 1 <= len(re.findall(r"\.(?: |$)", text)) <= 2} == {}


def test_simulator_page_lists_what_the_simulator_has() -> None:
    """Its switches with their positions, its hosts, and every operation and action are on the page."""
    text = text_of(REPOSITORY / "docs" / "simulator.md")
    switches = re.findall(r"^\| `(\w+)` \| (`\w+`(?:, `\w+`)+) \|", text, re.MULTILINE)
    lists = re.findall(r"^(Server API|Storage): (.+)\.$", text, re.MULTILINE)

    assert {name: tuple(positions.strip("`").split("`, `")) for name, positions in switches} == POSITIONS
    assert {kind: set(re.findall(r"`(\w+)`", names)) for kind, names in lists} == {
        "Server API": set(SERVER_API),
        "Storage": set(HEADERS),
    }


def test_workflow_runs_what_a_laptop_can_run() -> None:
    """CI fetches the code, Python and Node, and calls .ci/run; it has no step of its own."""
    (job,) = yaml.safe_load(text_of(REPOSITORY / ".github" / "workflows" / "ci.yml"))["jobs"].values()
    actions = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]

    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    assert actions == ["actions/checkout", "actions/setup-python", "actions/setup-node"]
