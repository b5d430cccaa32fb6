"""A real Redis Cluster on this machine: three primaries, one of them with a replica.

It is formed with the commands of the cluster specification.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.cluster.valkey_server import PASSWORD, ValkeyServer
from tests.shared.loopback_peer import HOST, refused_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import redis
    from typing_extensions import Self

PRIMARIES = 3
SLOTS = 16_384
NODE_TIMEOUT_MS = 1000
"""How long a node may be silent before an election lets its replica take over."""


class RedisCluster:
    """Three primaries with a third of the slots each, and a replica of the first one."""

    def __init__(self, folder: Path, *, full_coverage: bool = True) -> None:
        """Keep each node's files below `folder`.

        `full_coverage` is the server's default: while slots have no primary, the others serve nothing.
        """
        self._bus_ports = [refused_port() for _ in range(PRIMARIES + 1)]
        options = {
            "cluster-enabled": "yes",
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
            "cluster-require-full-coverage": "yes" if full_coverage else "no",
            "save": '""',
            "maxmemory-policy": "noeviction",
            # Synced from memory and at once: a test should not wait for somebody else's disk.
            "repl-diskless-sync-delay": "0",
        }
        self.nodes = [
            ValkeyServer(folder / str(port), {**options, "cluster-port": str(port)})
            for port in self._bus_ports
        ]
        self._running = ExitStack()

    @property
    def primaries(self) -> list[ValkeyServer]:
        """The nodes that began as primaries."""
        return self.nodes[:PRIMARIES]

    @property
    def replica(self) -> ValkeyServer:
        """The node that began as the replica of the first primary."""
        return self.nodes[PRIMARIES]

    def url(self, node: int = 1) -> str:
        """Return the address of one node, from which a client discovers the others."""
        return f"redis+cluster://:{PASSWORD}@{HOST}:{self.nodes[node].port}"

    def __enter__(self) -> Self:
        """Start the nodes and form the cluster."""
        for node in self.nodes:
            self._running.enter_context(node)
        self._form()
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill every node."""
        self._running.close()

    def _form(self) -> None:
        bounds = [SLOTS * number // PRIMARIES for number in range(PRIMARIES + 1)]
        for number, node in enumerate(self.nodes):
            with node.client as client:
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                if number < PRIMARIES:
                    client.execute_command("CLUSTER ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
                if number > 0:
                    client.execute_command("CLUSTER MEET", HOST, self.nodes[0].port, self._bus_ports[0])
        with self.primaries[0].client as first, self.replica.client as client:
            name = first.execute_command("CLUSTER MYID")
            wait_until(lambda: name in str(client.execute_command("CLUSTER NODES")), "the nodes to meet")
            client.execute_command("CLUSTER REPLICATE", name)
            wait_until(lambda: client.info("replication").get("master_link_status") == "up", "the replica")
        for node in self.nodes:
            with node.client as client:
                wait_until(lambda: self._is_well(client), "the cluster to form")

    def _is_well(self, client: redis.Redis) -> bool:
        info = client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]  # it has no types
        return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == len(self.nodes)
