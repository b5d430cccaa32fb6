"""The simulator's state: one SQLite file, so that a restart of the process loses nothing.

The tables are declared here; each belongs to the module of that name.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Value = str | int | float | bytes | None

_SCHEMA = """
CREATE TABLE IF NOT EXISTS configuration (
    name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used_signatures (
    digest TEXT PRIMARY KEY, vod_session_key TEXT NOT NULL, used_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    vod_session_key TEXT PRIMARY KEY, document TEXT NOT NULL,
    opened_at REAL NOT NULL, committed_at REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credentials (
    secret_id TEXT PRIMARY KEY, secret_key TEXT NOT NULL, token TEXT NOT NULL,
    vod_session_key TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS multipart_uploads (
    upload_id TEXT PRIMARY KEY, object_key TEXT NOT NULL,
    content_type TEXT NOT NULL, initiated_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    upload_id TEXT NOT NULL, part_number INTEGER NOT NULL, file_name TEXT NOT NULL,
    etag TEXT NOT NULL, size INTEGER NOT NULL, received_at REAL NOT NULL,
    PRIMARY KEY (upload_id, part_number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    object_key TEXT PRIMARY KEY, file_name TEXT NOT NULL, etag TEXT NOT NULL,
    size INTEGER NOT NULL, content_type TEXT NOT NULL, stored_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS published (
    path TEXT PRIMARY KEY, file_name TEXT NOT NULL, content_type TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS media (
    file_id TEXT PRIMARY KEY, application INTEGER NOT NULL,
    created_at REAL NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS task_flows (
    task_id TEXT PRIMARY KEY, file_id TEXT NOT NULL, finished INTEGER NOT NULL,
    document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS emitted_tasks (
    task_id TEXT PRIMARY KEY, application INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS other_tasks (
    task_id TEXT PRIMARY KEY, application INTEGER NOT NULL, session_id TEXT NOT NULL,
    created_at REAL NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pull_uploads (
    task_id TEXT PRIMARY KEY, vod_session_key TEXT NOT NULL, media_url TEXT NOT NULL,
    cover_url TEXT NOT NULL, session_context TEXT NOT NULL, session_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pushes (
    push_id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL,
    sends_left INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS pull_queue (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, application INTEGER,
    raised_at REAL NOT NULL, handle TEXT UNIQUE, handle_expires_at REAL);
CREATE TABLE IF NOT EXISTS counters (
    action TEXT NOT NULL, vod_session_key TEXT NOT NULL, object_key TEXT NOT NULL,
    requests INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (action, vod_session_key, object_key)) WITHOUT ROWID;
"""


class Database:
    """One connection, shared by all threads of the process behind a lock.

    Every statement is short enough to run on the event loop.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        # Autocommit: a transaction is always one that `transaction` opened.
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def change(self, statement: str, *values: Value) -> int:
        """Run one statement that writes; return the number of rows it changed."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def row(self, statement: str, *values: Value) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        with self._lock:
            row: sqlite3.Row | None = self._connection.execute(statement, values).fetchone()
            return row

    def rows(self, statement: str, *values: Value) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is written inside, or roll it back on an exception; other threads wait. Do not nest."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection, writing everything to the file."""
        with self._lock:
            self._connection.close()
