"""A TCP proxy in front of the store: it drops replies, delays them, or never answers.

Requests go through unless it is silent, so what a client does not hear of may well have happened.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

from tests.shared.loopback_peer import HOST, RawPeer, cut

_BLOCK = 65_536


class TcpProxy(RawPeer):
    """A port that leads to the store; `with` opens and closes it. Its faults can be changed at any time.

    `lost_share`: the share of replies that are cut off together with the connection. `swallowed_share`: the
    share of replies that never come while the connection stays. `delay_seconds`: the delay of each reply.
    `is_silent`: every byte is read, in both directions, and none forwarded. `only_after`: replies are lost or
    swallowed only if the request contains this.
    """

    def __init__(self, store_url: str) -> None:
        super().__init__(self._relay)
        self._store = urlsplit(store_url)
        self._random = random.Random(1)  # noqa: S311  # which replies are lost is to be repeatable
        self.only_after = b""
        self.replies_lost = 0
        self.heal()

    @property
    def url(self) -> str:
        """The store's address by way of this proxy."""
        return f"redis://:{self._store.password}@{HOST}:{self.port}{self._store.path}"

    def heal(self) -> None:
        """Remove all faults."""
        self.lost_share = self.swallowed_share = self.delay_seconds = 0.0
        self.is_silent = False

    def _relay(self, client: socket.socket) -> None:
        in_danger = threading.Event()

        def forward_requests() -> None:
            with suppress(OSError):
                while block := client.recv(_BLOCK):
                    (in_danger.set if self.only_after in block else in_danger.clear)()
                    if not self.is_silent:
                        store.sendall(block)
            cut(store)

        def forward_replies() -> None:
            while block := store.recv(_BLOCK):
                drawn = self._random.random() if in_danger.is_set() else 1.0
                is_swallowed = self.is_silent or drawn < self.swallowed_share
                if is_swallowed or drawn < self.swallowed_share + self.lost_share:
                    self.replies_lost += 1
                    if not is_swallowed:
                        return
                else:
                    time.sleep(self.delay_seconds)
                    client.sendall(block)

        with socket.create_connection((HOST, int(self._store.port or 0))) as store:
            for side in (client, store):
                # Small answers must not wait for larger ones.
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            requests = threading.Thread(target=forward_requests)
            requests.start()
            with suppress(OSError):
                forward_replies()
            cut(client)
            cut(store)
            requests.join()
