"""The Lua scripts as files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis

from shared.store.scripts import FOLDER, read_script

SCRIPTS = sorted(path.stem for path in Path(FOLDER).glob("*.lua"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_server_compiles_every_script_with_the_steps_it_includes(name: str, valkey_url: str) -> None:
    """The server compiles the script, in which each step stands once."""
    source = read_script(name)
    steps = re.findall(r"^local function (\w+)", source, re.MULTILINE)

    with redis.Redis.from_url(valkey_url, decode_responses=True) as server:
        assert server.script_load(source)
    assert "-- include" not in source
    assert len(steps) == len(set(steps))
