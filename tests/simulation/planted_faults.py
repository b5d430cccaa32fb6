"""The kinds of fault that were found once, planted again one at a time: each has to be found by some seed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from local.repository import REPOSITORY

MOST_SEEDS = 50
DAYS = 0.4
"""Each seed of a search is short: another seed costs less than another day."""


class Change(NamedTuple):
    """A text in a file, which stands there once, and what takes its place."""

    file: str
    old: str
    new: str


PLANTED: dict[str, tuple[Change, ...]] = {
    "1 the journal's reader unwraps": (
        Change(
            "shared/vod/notification.py",
            "return _notification(read_event_object(raw), event_handle=None)",
            "body = read_event_object(raw)\n"
            '    inner = body.get("eventContent")\n'
            "    return _notification(inner if isinstance(inner, dict) else body, event_handle=None)",
        ),
        Change(
            "shared/flows/ingest_event.py",
            "return named is None or named == uploader",
            "return uploader == uploader",
        ),
    ),
    "1 another's file is believed": (
        Change("shared/flows/ingest_event.py", "return named is None or named == uploader", "return True"),
        Change(
            "shared/flows/verify_event.py",
            'return media if as_text(source.get("SourceContext")) == claim.context_token else None',
            "return media if source else None",
        ),
    ),
    "1 a push is trusted": (
        Change(
            "shared/flows/ingest_event.py",
            'trusted = source.authenticated or self.settings.read_back == "off"',
            "trusted = True",
        ),
    ),
    "2 an upload has no expiry": (
        Change("shared/store/lua/begin_upload.lua", "redis.call('EXPIRE', KEYS[1], terms.record_ttl)\n", ""),
    ),
    "4 what cannot be read is refused": (
        Change(
            "functions/event_notification.py",
            "return None, error.detail if isinstance(error, ServiceError) else type(error).__name__",
            "raise",
        ),
    ),
    "4 a failure is answered at once": (
        Change(
            "functions/event_notification.py",
            "bootstrap.wait(started + bootstrap.callback_hold_seconds() - bootstrap.now())",
            "pass",
        ),
    ),
    "4 only a silent store is held": (
        Change(
            "functions/event_notification.py",
            "    except Exception:\n        kept",
            "    except __import__('shared.errors').errors.StoreUnavailableError:\n        kept",
        ),
    ),
    "4 what failed is confirmed": (
        Change(
            "shared/flows/pull_events.py",
            "handles = [handle for handle in handles if handle]",
            'handles = [as_text(item.get("EventHandle")) for item in items]',
        ),
    ),
    "5 a quarantined lie stands in the way": (
        Change("shared/store/lua/journal_event.lua", "if disbelieved or given_up or", "if given_up or"),
    ),
    "6 the demoted primary is kept": (
        Change(
            "shared/store/resp.py",
            "if any(isinstance(reply, RespError) and is_about_the_server(reply) for reply in replies):",
            "if not replies:",
        ),
    ),
    "8 an interim answer is final": (
        Change(
            "shared/http/outbound.py",
            "if self.status >= _FINAL_STATUS or self.status == http.client.SWITCHING_PROTOCOLS:",
            "if self.status:",
        ),
    ),
    "8 what failed is not sent again": (
        Change(
            "shared/store/lua/finish_attempt.lua",
            "redis.call('ZADD', KEYS[2], ARGV[5], KEYS[1])",
            "redis.call('ZREM', KEYS[2], KEYS[1])",
        ),
    ),
    "9 an aborted flow does not end": (
        Change(
            "shared/vod/notification_types.py", '{"FINISH", "ABORTED", FORGOTTEN}', '{"FINISH", FORGOTTEN}'
        ),
    ),
    "9 any end of a flow is believed": (
        Change(
            "shared/flows/verify_event.py",
            "if state.finished and status != state.status:",
            "if state.finished and not has_ended:",
        ),
    ),
    "10 VOD is asked for ever": (
        Change("shared/flows/verify_event.py", "MAX_ATTEMPTS = 3", "MAX_ATTEMPTS = 1_000_000"),
    ),
    "S14 others' uploads are shown": (
        Change("shared/store/uploads.py", 'if fields.get("user_id") != user_id:', "if not fields:"),
    ),
}
"""Each name begins with the number of the kind of fault, or of the item in docs/security.md."""


def plant(name: str, folder: Path) -> None:
    """Copy the repository's code into a folder, with one fault in it.

    Raises:
        ValueError: a text to change does not stand in its file once.

    """
    for part in ("shared", "functions"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("local", "tests"):
        (folder / part).symlink_to(REPOSITORY / part)
    for change in PLANTED[name]:
        path = folder / change.file
        source = path.read_text("utf-8")
        if source.count(change.old) != 1:
            raise ValueError(f"{change.file} does not have this text once: {change.old}")
        path.write_text(source.replace(change.old, change.new), "utf-8")


def search(wanted: str, *, first_seed: int, jobs: int) -> int:
    """Run seeds against each planted fault until one finds it; return 1 if one is missed."""
    names = [name for name in PLANTED if wanted in ("", "1", name)]
    missed = 0
    with ThreadPoolExecutor(jobs) as pool:
        searches = {pool.submit(_search, name, first_seed): name for name in names}
        for finished in as_completed(searches):
            found = finished.result()
            missed += not found
            print(f"{searches[finished]:40} {found or 'NOT FOUND'}", flush=True)  # noqa: T201 -- a command speaks
    return 1 if missed else 0


def _search(name: str, first_seed: int) -> str:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        plant(name, Path(folder))
        for number in range(MOST_SEEDS):
            rule = _rule_broken(first_seed + number, folder)
            if rule and not _rule_broken(first_seed + number, str(REPOSITORY)):
                return f"seed {number + 1:2}, {time.monotonic() - begun:4.0f} s: {rule}"
    return ""


def _rule_broken(seed: int, folder: str) -> str:
    """Run a seed with the code of a folder; return the rule that it broke, or nothing."""
    program = (
        "from tests.simulation.world import simulate\n"
        f"found = simulate({seed}, days={DAYS}).violation\n"
        "print(found.rule if found else '')"
    )
    environment = {**os.environ, "PYTHONPATH": folder}
    command = [sys.executable, "-c", program]
    run = subprocess.run(  # noqa: S603 -- our own program
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return run.stdout.strip() if run.returncode == 0 else f"the run failed: {run.stderr[-300:]}"
