"""The local stack with a canary for every secret: `python -m tests.security.canary_stack FOLDER`.

It prints its address, stops its store when it is sent a line, and ends with its standard input.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import redis

from local.simulator.settings import RoleCredential
from local.stack.embedded_store import EmbeddedStore
from local.stack.stack import Stack
from tests.security.canaries import CANARIES, STORE_PASSWORD, canary_environment


def main(folder: Path) -> None:
    """Serve until standard input ends."""
    with EmbeddedStore(folder / "store") as store:
        with redis.Redis.from_url(store.url) as connection:
            connection.config_set("requirepass", STORE_PASSWORD)
        url = f"redis://:{STORE_PASSWORD}@{store.url.rpartition('@')[2]}"
        variables = {**canary_environment(url), "CALLBACK_HOLD_SECONDS": "0.2"}
        role = (CANARIES[f"TENCENTCLOUD_{name}"][0] for name in ("SECRETID", "SECRETKEY", "SESSIONTOKEN"))
        vod = {"role_credentials": (RoleCredential(*role),)}
        with Stack(
            folder=folder, redis_url=url, overrides=variables, simulator=vod, timer_seconds=0.5
        ) as stack:
            sys.stdout.write(json.dumps({"url": stack.url}) + "\n")
            sys.stdout.flush()
            for _order in sys.stdin:
                store.stop()
                sys.stdout.write("The store is gone.\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
