"""The Lua scripts as files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.store.scripts import FOLDER, read_script

if TYPE_CHECKING:
    import redis

SCRIPTS = sorted(path.stem for path in Path(FOLDER).glob("*.lua"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_server_compiles_every_script_with_the_steps_it_includes(name: str, server: redis.Redis) -> None:
    """The server compiles the script, in which each step stands once."""
    source = read_script(name)
    steps = re.findall(r"^local function (\w+)", source, re.MULTILINE)

    assert server.script_load(source)
    assert "-- include" not in source
    assert len(steps) == len(set(steps))
