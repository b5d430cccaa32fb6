"""Faults of the store and of the timers, each seeded into a sound deployment."""

from __future__ import annotations

from tests.local.doctor.seeded import Seeded
from tests.shared.loopback_peer import HOST

NOBODY = 1
"""A port on which nothing listens."""
EVERYTHING = ("~*", "+@all")


STORE = {
    "store that is down": Seeded(
        "reachable", "Does the store run", settings={"REDIS_URL": f"redis://{HOST}:{NOBODY}/0"}
    ),
    "host that nobody knows": Seeded(
        "reachable", "Does the name service", settings={"REDIS_URL": "redis://nobody.invalid"}
    ),
    "wrong password": Seeded(
        "reachable",
        "Compare the password in REDIS_URL",
        settings={"REDIS_URL": "redis://:not-the-password@{place}/0"},
    ),
    "no password": Seeded(
        "reachable", "Put the store's password into REDIS_URL", settings={"REDIS_URL": "redis://{place}/0"}
    ),
    "database that is not there": Seeded(
        "reachable", "Correct the number at the end", settings={"REDIS_URL": "{store}/99"}
    ),
    "TLS where none is spoken": Seeded(
        "reachable", "write redis:// in REDIS_URL", settings={"REDIS_URL": "rediss://:password@{place}/0"}
    ),
    "all connections taken": Seeded(
        "reachable", "Set maxclients above the number of instances", server={"maxclients": "1"}
    ),
    "replica": Seeded("commands", "Name the primary in REDIS_URL.", server={"replicaof": f"{HOST} {NOBODY}"}),
    "full store": Seeded("commands", "shorten RETENTION_SECONDS", store={"maxmemory": "1mb"}),
    "no replicas": Seeded(
        "commands", "min-replicas-to-write says how many", store={"min-replicas-to-write": 1}
    ),
    "user without a command": Seeded(
        "commands", "the whole rule of docs/security.md", user=(*EVERYTHING, "-zadd")
    ),
    "user of another stage": Seeded(
        "commands", "the whole rule of docs/security.md", user=("~vuf:{other.*", "+@all")
    ),
    "user without scripts": Seeded("atomicity", "need EVALSHA", user=(*EVERYTHING, "-@scripting")),
    "store that may evict": Seeded(
        "eviction", "Set maxmemory-policy to noeviction", store={"maxmemory-policy": "allkeys-lru"}
    ),
    "store that keeps nothing": Seeded(
        "durability", "Set appendonly to yes", store={"appendonly": "no", "save": ""}
    ),
    "fewer connections than instances": Seeded(
        "connections", "Set maxclients higher", store={"maxclients": 200}
    ),
    "store that closes idle connections": Seeded(
        "idle time-out", "Set timeout to 0, or higher", store={"timeout": 30}, level="warning"
    ),
}
TIMERS = {
    "timer that never ran": Seeded(
        "timer of reliable_notification", "its trigger is enabled", words=("--stage", "silent")
    ),
    "timer that has stopped": Seeded(
        "timer of event_delivery",
        "what its log says",
        keys={"vuf:{stopped.13}:timer:event_delivery": 4000},
        words=("--stage", "stopped"),
    ),
}
