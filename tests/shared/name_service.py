"""A name service in place of the system's: a test decides what it answers and when."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any
from unittest import mock

_system: Any = socket.getaddrinfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    Place = tuple[str, int]
    """IP address and port: one name can lead to several servers of this machine."""


class NameService:
    """Answers the names in `places` while `is_answering` is set, and keeps what was `asked`."""

    def __init__(self) -> None:
        self.places: dict[str, list[Place]] = {}
        self.asked: list[str] = []
        self.is_answering = threading.Event()
        self.is_answering.set()

    def look_up(self, host: bytes | str, *port_and_kind: int, **options: int) -> list[tuple[Any, ...]]:
        """Answer as `getaddrinfo` does, blocking; an IP address is returned as it is."""
        with contextlib.suppress(socket.gaierror):
            return list(_system(host, *port_and_kind, **{**options, "flags": socket.AI_NUMERICHOST}))
        name = host if isinstance(host, str) else host.decode("ascii")
        self.asked.append(name)
        self.is_answering.wait()
        if name not in self.places:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            entry
            for address, port in self.places[name]
            for entry in _system(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        ]


@contextlib.contextmanager
def serving_names() -> Iterator[NameService]:
    """Replace the system's name service within the block; waiting lookups end with it."""
    names = NameService()
    with mock.patch("socket.getaddrinfo", names.look_up):
        try:
            yield names
        finally:
            names.is_answering.set()
