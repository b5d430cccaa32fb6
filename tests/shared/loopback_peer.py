"""Real servers on loopback whose behaviour a test defines: over HTTP, or byte by byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import trustme
    from typing_extensions import Self

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Received:
    """One request as received; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """A reply, sent after a delay."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0


class HttpPeer:
    """An HTTP server; `answer` decides each reply and may be replaced, `received` keeps every request."""

    def __init__(self, answer: Callable[[Received], Reply], *, tls: ssl.SSLContext | None = None) -> None:
        """Serve TLS with the certificate in `tls`, or plain HTTP without one."""
        self.answer = answer
        self.received: list[Received] = []
        self._closing = threading.Event()
        self._server = _Server((HOST, 0), self._handler())
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        """The port the system chose."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"{self._scheme}://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        """Start the server."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop the server; delayed replies are sent at once."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.do_POST()

            def do_OPTIONS(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                body = self.rfile.read(length)
                if len(body) < length:
                    # Its sender was killed in the middle.
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Received(self.path, headers, body)
                peer.received.append(request)
                reply = peer.answer(request)
                peer._closing.wait(reply.delay_seconds)
                self._send(reply)

            def _send(self, reply: Reply) -> None:
                with contextlib.suppress(OSError):
                    self.send_response(reply.status)
                    for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body)
                    self.wfile.flush()

            def handle(self) -> None:
                # A client may leave in the middle, or refuse our certificate: that is part of the tests.
                with contextlib.suppress(OSError):
                    super().handle()

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()

            def log_message(self, *_arguments: object) -> None:
                """Log nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as the base has it
        """Answer nothing: a client that is killed resets its connection."""


class RawPeer:
    """A TCP server; `speak` handles each connection in a thread, until either side closes it."""

    def __init__(self, speak: Callable[[socket.socket], None], *, port: int = 0) -> None:
        """Listen on `port`, 0 for a free one."""
        self._speak = speak
        self._listener = socket.create_server((HOST, port))
        self.port = int(self._listener.getsockname()[1])
        self.connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        """Start the server."""
        self._threads[0].start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop listening, and cut every connection."""
        cut(self._listener)
        self.cut()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def cut(self) -> None:
        """Cut every connection; new ones are taken."""
        for connection in self.connections:
            cut(connection)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._speak(connection)


def say_nothing(connection: socket.socket) -> None:
    """Read everything and never answer."""
    while connection.recv(65536):
        pass


def drip(connection: socket.socket, *, beginning: bytes = b"HTTP/1.1 ") -> None:
    """Take a request, and answer one byte at a time until the client closes."""
    connection.recv(65536)
    connection.sendall(beginning)
    pause = threading.Event()
    while not pause.wait(0.005):
        connection.sendall(b"0")


def answer_once(content: bytes) -> Callable[[socket.socket], None]:
    """Return a `speak` that sends these bytes and no more, and waits until the client closes."""

    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        say_nothing(connection)

    return speak


def relay_to(port: int, heard: list[bytes] | None = None) -> Callable[[socket.socket], None]:
    """Create a `speak` that passes everything on to another port of this machine, and back.

    What comes from the client is added to `heard`, piece by piece.
    """

    def relay(connection: socket.socket) -> None:
        with socket.create_connection((HOST, port)) as upstream:
            back = threading.Thread(target=_pump, args=(upstream, connection, []))
            back.start()
            _pump(connection, upstream, [] if heard is None else heard)
            back.join()

    return relay


def server_side(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Return the TLS context of a server with a certificate for this name."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def behind_tls(
    authority: trustme.CA, name: str, speak: Callable[[socket.socket], None]
) -> Callable[[socket.socket], None]:
    """Return a `speak` that terminates TLS, with a certificate for the name, in front of another one."""
    context = server_side(authority, name)

    def speak_encrypted(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            speak(encrypted)

    return speak_encrypted


def refused_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def swallowing_port() -> Iterator[int]:
    """Yield a port whose connections are neither accepted nor refused, like a host behind a firewall."""
    with socket.socket() as listener, socket.socket() as first:
        listener.bind((HOST, 0))
        listener.listen(0)
        # It fills the queue, as nothing accepts it.
        first.connect(listener.getsockname())
        yield int(listener.getsockname()[1])


def _pump(source: socket.socket, target: socket.socket, heard: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            heard.append(content)
            target.sendall(content)
    cut(source)
    cut(target)


def cut(connection: socket.socket) -> None:
    """Shut a connection down, whether or not the other side still listens."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
