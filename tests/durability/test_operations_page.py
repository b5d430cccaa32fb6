"""The recovery after a lost store, as described in docs/operations.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import requests

from local.repository import REPOSITORY
from tests.local.upload.upload_process import upload

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.stack import Stack


def run(stack: Stack, *command: str, given: str = "") -> str:
    """Run a Python command with the functions' environment, and return its output."""
    environment = {**os.environ, **stack.environment, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, *command],
        env=environment,
        cwd=REPOSITORY,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def test_events_made_of_vods_own_list_have_the_ids_that_the_app_knows(
    stack: Stack, small_media: Path, tmp_path: Path
) -> None:
    """What the page's program finds in VOD is known already where nothing was lost, under the same id."""
    assert upload(stack.url, str(small_media), "--context", "before the loss").returncode == 0
    page = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "missed.py").write_text(program, encoding="utf-8")

    missed = run(stack, str(tmp_path / "missed.py"))
    told = run(stack, "-m", "local", "events", "replay", "-", given=missed)

    heard = [event["body"] for event in requests.get(f"{stack.url}/local/events", timeout=10).json()]
    (known,) = [event["id"] for event in heard if event["data"]["context"] == "before the loss"]
    assert f"{known}  NewFileUpload: would be known already" in told
