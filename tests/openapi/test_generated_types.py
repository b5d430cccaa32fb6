"""Linters and generators of other makers take the committed document; what they generate is used here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.openapi import DOCUMENT_FILE
from tests.clients import event_types
from tests.clients.node_program import FOLDER as NODE_FOLDER
from tests.clients.node_program import needs_node
from tests.openapi.schemas import document

TOOLS = Path(sys.executable).parent

TYPESCRIPT = """\
import type { components } from "./types";
type Schemas = components["schemas"];

export function told(event: Schemas["AppEvent"]): string {
  // @ts-expect-error: not every event has a file
  event.data.mediaUrl;
  switch (event.type) {
    case "upload.completed":
      return `${event.data.uploader} ${event.data.mediaUrl} ${event.specversion}`;
    case "procedure.finished":
      return event.data.procedure.subtasks.map((subtask) => subtask.status).join();
    case "upload.expired": {
      const none: null = event.data.fileId;
      return String(none);
    }
    case "upload.integrity":
      return `${event.data.outcome} ${event.data.digests[0]?.algorithm}`;
    case "vod.FileDeleted":
      return String(event.raw?.FileDeleteEvent);
    // @ts-expect-error: there is no such type
    case "upload.done":
      return "";
    default:
      return event.type;
  }
}
"""

PYTHON = '''\
import json
import sys
from typing import TYPE_CHECKING

from app_types import AppEvent, UnlistedVodEvent


def told(event: AppEvent) -> str:
    """Use what is known of each type."""
    it = event.root
    if it.type == "upload.completed":
        return f"{it.data.uploader} {it.data.mediaType}"
    if it.type == "procedure.finished":
        return ",".join(subtask.status for subtask in it.data.procedure.subtasks)
    if it.type == "upload.expired":
        none: None = it.data.fileId
        return f"expired {none}"
    if it.type == "upload.integrity":
        return f"{it.data.outcome} {it.data.digests[0].algorithm}"
    if TYPE_CHECKING:
        it.data.mediaType  # type: ignore[union-attr]  # not every event has a file
    return it.type


for line in sys.stdin:
    body = json.loads(line)
    is_listed = body["type"] != "vod.OfNextYear"
    print(told(AppEvent.model_validate(body)) if is_listed else UnlistedVodEvent.model_validate(body).type)
'''


def run(*words: str | Path, cwd: Path, given: str = "") -> str:
    """Run a tool in a folder and return what it prints; fail with that if the tool does."""
    ended = subprocess.run(  # noqa: S603  # tools that the locks name
        [str(word) for word in words], cwd=cwd, input=given, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def examples() -> list[dict[str, Any]]:
    """Return the document's example of each type of event."""
    bodies = [hook["post"]["requestBody"]["content"] for hook in document()["webhooks"].values()]
    return [body["application/json"]["example"] for body in bodies]


@pytest.mark.proof
@needs_node
def test_redocly_finds_no_error() -> None:
    """One warning is left: an event of any type is for readers, and no operation takes it."""
    found = run("node", "lint_openapi.mjs", DOCUMENT_FILE, cwd=NODE_FOLDER).splitlines()

    assert [line.split(" ")[:3] for line in found] == [
        ["warn", "no-unused-components", "#/components/schemas/AppEvent:"]
    ]


@pytest.mark.proof
@needs_node
def test_generated_typescript_narrows_an_event_by_its_type(tmp_path: Path) -> None:
    """Under `strict`, each `case` knows the members of its type, and an unknown type is an error."""
    (tmp_path / "app.ts").write_text(TYPESCRIPT, encoding="utf-8")
    tools = NODE_FOLDER / "node_modules" / ".bin"
    run(tools / "openapi-typescript", DOCUMENT_FILE, "--output", tmp_path / "types.d.ts", cwd=tmp_path)

    run(
        tools / "tsc",
        "--strict",
        "--noEmit",
        "--skipDefaultLibCheck",
        "--lib",
        "es2022",
        "app.ts",
        cwd=tmp_path,
    )


@pytest.mark.proof
def test_generated_python_narrows_an_event_by_its_type(tmp_path: Path) -> None:
    """Under mypy's `strict`; and it reads every example, one of a later version, and a type of next year."""
    (tmp_path / "app.py").write_text(PYTHON, encoding="utf-8")
    options = ["--output-model-type", "pydantic_v2.BaseModel", "--enum-field-as-literal", "all"]
    options += ["--use-annotated", "--target-python-version", "3.10", "--formatters", "builtin"]
    generator: list[str | Path] = [
        sys.executable,
        "-W",
        "ignore",
        TOOLS / "datamodel-codegen",
        "--input",
        DOCUMENT_FILE,
    ]
    generator += ["--input-file-type", "openapi", "--output", tmp_path / "app_types.py"]
    run(*generator, *options, cwd=tmp_path)
    run(TOOLS / "mypy", "--strict", "--config-file=", "app.py", cwd=tmp_path)
    completed, *others = examples()
    later = {**completed, "specversion": "1.7", "more": 1, "data": {**completed["data"], "more": 1}}
    unlisted = {**others[-1], "type": "vod.OfNextYear"}
    given = "".join(json.dumps(event) + "\n" for event in (later, *others, unlisted))

    printed = run(sys.executable, "app.py", cwd=tmp_path, given=given).splitlines()

    assert printed[0] == "alice mp4"
    of_uploads = ["upload.replayed", "upload.cover_changed", "expired None", "match sha1"]
    assert printed[1:5] == of_uploads
    assert printed[5:] == [
        "upload.rejected",
        "procedure.changed",
        "SUCCESS",
        "vod.FileDeleted",
        "vod.OfNextYear",
    ]


@pytest.mark.parametrize("file", [event_types.PYTHON, event_types.TYPESCRIPT], ids=lambda file: file.suffix)
def test_types_of_the_receivers_are_those_of_the_document(file: Path) -> None:
    """After a change to an event: `make client-types`."""
    first_line = file.read_text(encoding="utf-8").partition("\n")[0]

    assert first_line.lstrip("#/ ") == event_types.heading()


@pytest.mark.parametrize("member", ["specversion", "occurredAt", "raw"])
def test_every_example_shows_what_an_event_has(member: str) -> None:
    """A reader of the document sees the version of the schema and both times."""
    assert all(member in event for event in examples())
