"""The local stack with a canary for every secret, as a process whose output goes to files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import redis

from local.simulator.settings import RoleCredential
from local.stack.embedded_store import EmbeddedStore
from local.stack.stack import Stack
from tests.security.canaries import CANARIES, STORE_PASSWORD, canary_environment

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path


def serve(folder: Path, output: Path, orders: Connection) -> None:
    """Serve until the other end closes; send the address, and stop the store when something is received."""
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    with EmbeddedStore(folder / "store") as store:
        with redis.Redis.from_url(store.url) as connection:
            connection.config_set("requirepass", STORE_PASSWORD)
        url = f"redis://:{STORE_PASSWORD}@{store.url.rpartition('@')[2]}"
        variables = {**canary_environment(url), "CALLBACK_HOLD_SECONDS": "0.2", "SIGNATURES_PER_UPLOAD": "9"}
        role = (CANARIES[f"TENCENTCLOUD_{name}"][0] for name in ("SECRETID", "SECRETKEY", "SESSIONTOKEN"))
        vod = {"role_credentials": (RoleCredential(*role),)}
        with Stack(
            folder=folder, redis_url=url, overrides=variables, simulator=vod, timer_seconds=0.5
        ) as stack:
            orders.send(stack.url)
            orders.recv()
            store.stop()
            orders.send("The store is gone.")
            orders.recv()
