"""The types of the receivers in `clients/`, made from the events in docs/openapi.json: `make client-types`.

Each generated file names the digest of the schemas it was made from, so that a test needs no generator.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from local.openapi import DOCUMENT_FILE
from local.repository import REPOSITORY
from tests.clients.node_program import FOLDER as NODE_FOLDER

TYPESCRIPT = REPOSITORY / "clients/node/app_event.d.ts"
PYTHON = REPOSITORY / "clients/python/vod_upload_events/app_event.py"
_REFERENCE = re.compile(r'"#/components/schemas/(\w+)"')
_CODE_OPTIONS = ("--output-model-type", "typing.TypedDict", "--enum-field-as-literal", "all")
_MORE_OPTIONS = ("--target-python-version", "3.10", "--formatters", "builtin", "--use-field-description")


def event_document() -> str:
    """Return an OpenAPI document with the schemas of an event, and no others."""
    document = json.loads(DOCUMENT_FILE.read_text(encoding="utf-8"))
    schemas: dict[str, Any] = document["components"]["schemas"]
    wanted = ["AppEvent"]
    for name in wanted:
        found = _REFERENCE.findall(json.dumps(schemas[name]))
        wanted += [each for each in dict.fromkeys(found) if each not in wanted]
    kept = {name: schemas[name] for name in sorted(wanted)}
    parts = {"openapi": document["openapi"], "info": document["info"], "paths": {}}
    return json.dumps({**parts, "components": {"schemas": kept}})


def heading() -> str:
    """Return the first line of a generated file, without the sign of a comment."""
    digest = hashlib.sha256(event_document().encode()).hexdigest()
    return f"Made by `make client-types` from the events in docs/openapi.json; SHA-256 {digest}"


def main() -> int:
    """Write both files."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "events.json"
        source.write_text(event_document(), encoding="utf-8")
        typescript, python = source.with_suffix(".d.ts"), source.with_suffix(".py")
        _run(NODE_FOLDER / "node_modules/.bin/openapi-typescript", source, "--output", typescript)
        generator = (sys.executable, "-W", "ignore", Path(sys.executable).with_name("datamodel-codegen"))
        given = ("--input", source, "--input-file-type", "openapi", "--output", python)
        _run(*generator, *given, *_CODE_OPTIONS, *_MORE_OPTIONS)
        text = typescript.read_text(encoding="utf-8").partition(" */\n")[2]
        TYPESCRIPT.write_text(f"// {heading()}\n{text}", encoding="utf-8")
        text = python.read_text(encoding="utf-8").partition("\n\n")[2]
        PYTHON.write_text(f"# {heading()}\n\n{text}", encoding="utf-8")
    return 0


def _run(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # ours


if __name__ == "__main__":
    sys.exit(main())
