"""The embedded Valkey as a process: it starts, keeps its data, and ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import redis

from local.stack.embedded_store import EmbeddedStore, StoreStartError
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

# A parent that starts a store, says which process it is, and waits to be killed.
_PARENT = """
import signal, sys
from pathlib import Path
from local.stack.embedded_store import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
store.start()
print(store._process.pid, flush=True)
signal.pause()
"""


def test_store_answers_as_soon_as_it_is_started(tmp_path: Path) -> None:
    """After start() the address works, with its password."""
    with EmbeddedStore(tmp_path) as store, redis.Redis.from_url(store.url) as connection:
        assert connection.ping()


def test_store_refuses_a_stranger_without_the_password(tmp_path: Path) -> None:
    """Another user of this machine cannot read the store."""
    with EmbeddedStore(tmp_path) as store:
        stranger = redis.Redis.from_url(f"redis://127.0.0.1:{store.url.rpartition(':')[2]}")
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


def test_password_is_in_no_command_line_and_no_file(tmp_path: Path) -> None:
    """The password travels through a pipe only."""
    with EmbeddedStore(tmp_path) as store, redis.Redis.from_url(store.url) as connection:
        password = store.url.partition("@")[0].rpartition(":")[2]
        process = int(connection.info()["process_id"])
        with open(f"/proc/{process}/cmdline", "rb") as command_line:  # noqa: PTH123  # no regular file
            assert password.encode() not in command_line.read()
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert [path for path in files if password.encode() in path.read_bytes()] == []


def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    """An orderly stop loses nothing."""
    with EmbeddedStore(tmp_path) as store, redis.Redis.from_url(store.url) as connection:
        connection.set("key", "value")
    with EmbeddedStore(tmp_path) as store, redis.Redis.from_url(store.url) as connection:
        assert connection.get("key") == b"value"


def test_two_stores_run_side_by_side(tmp_path: Path) -> None:
    """Each store has its own port and its own content."""
    with EmbeddedStore(tmp_path / "a") as first, EmbeddedStore(tmp_path / "b") as second:
        with redis.Redis.from_url(first.url) as connection:
            connection.set("key", "value")
        with redis.Redis.from_url(second.url) as connection:
            assert connection.get("key") is None


def test_folder_with_a_quote_and_a_space_works(tmp_path: Path) -> None:
    """No folder name breaks the configuration."""
    with (
        EmbeddedStore(tmp_path / 'it is "quoted" \\') as store,
        redis.Redis.from_url(store.url) as connection,
    ):
        assert connection.ping()


def test_damaged_files_are_reported_with_the_log_to_look_at(tmp_path: Path) -> None:
    """A store that cannot read its files says where the reason is."""
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("nonsense\n")

    with pytest.raises(StoreStartError, match=r"valkey\.log"):
        EmbeddedStore(tmp_path).start()


def test_stop_twice_is_harmless(tmp_path: Path) -> None:
    """A second stop has nothing to do."""
    store = EmbeddedStore(tmp_path)
    store.start()
    store.stop()
    store.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal exists on Linux only")
def test_store_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL for the parent leaves no orphan."""
    command = [sys.executable, "-c", _PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:  # noqa: S603  # our own words
        assert parent.stdout is not None
        store = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()

    wait_until(lambda: not _lives(store), "the store to end")


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
