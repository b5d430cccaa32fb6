"""Timers with several shards in the running stack, which are started by its own SCF API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.stack.stack import Stack
from shared.config.settings import ReliableNotificationSettings, load_settings
from shared.runtime.shards import starter
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTEXT = {"function_name": "reliable_notification", "tencentcloud_region": "ap-singapore"}
SHARD: dict[str, object] = {"Type": "Shard", "Shard": 0, "Shards": 3}


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Path]]:
    """Start a stack whose queue is pulled by three loops; return it and its folder."""
    folder = tmp_path_factory.mktemp("sharded")
    options: dict[str, Any] = {
        "overrides": {"PULL_SHARDS": "3", "DELIVERY_SHARDS": "2"},
        "timer_seconds": 0.5,
    }
    with Stack(folder=folder, simulator={"mode": "PULL"}, **options) as stack:
        yield stack, folder


def lines_in(folder: Path) -> list[dict[str, Any]]:
    """Return what the functions have logged."""
    log = folder / "functions.log"
    lines = log.read_text("utf-8").splitlines(keepends=True) if log.exists() else []
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]


def test_timer_runs_as_so_many_shards(sharded: tuple[Stack, Path]) -> None:
    """One invocation by the timer starts two others, which pull as well and start none."""
    _, folder = sharded

    def runs() -> list[int | None]:
        done = [line for line in lines_in(folder) if "figures_pulled_pulled" in line]
        return [line.get("figures_shards_started") for line in done]

    wait_until(lambda: runs().count(2) >= 1 and runs().count(None) >= 2, "three loops")


def test_deliveries_run_as_so_many_shards(sharded: tuple[Stack, Path]) -> None:
    """One invocation by the timer starts another, which delivers and does no more."""
    _, folder = sharded

    def runs() -> list[tuple[bool, int | None]]:
        done = [
            line
            for line in lines_in(folder)
            if line["event"] == "timer.done" and "figures_pulled_pulled" not in line
        ]
        return [("figures_backlog_due" in line, line.get("figures_shards_started")) for line in done]

    wait_until(lambda: {(True, 1), (False, None)} <= {*runs()}, "two runs")


@pytest.mark.parametrize(
    ("changes", "context", "code"),
    [
        ({}, {"function_name": "upload_signature"}, "ResourceNotFound.FunctionName"),
        ({"VOD_SECRET_KEY": "not-its-key"}, CONTEXT, "AuthFailure.SignatureFailure"),
    ],
)
def test_stack_starts_nothing_for_others(
    sharded: tuple[Stack, Path], changes: dict[str, str], context: dict[str, str], code: str
) -> None:
    """What has no timer is not invoked asynchronously, and a wrong signature invokes nothing."""
    stack, _ = sharded
    settings = load_settings(ReliableNotificationSettings, {**stack.environment, **changes})

    assert starter(settings, context)(SHARD) == code
