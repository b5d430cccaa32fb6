"""A login service's key endpoint: a real HTTP server on a loopback port, with TLS on request."""

from __future__ import annotations

import json
import secrets
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.keys import ec_key, rsa_key

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator


class KeyServer:
    """The endpoint's answer, which a test may change, and the number of its requests."""

    def __init__(self, port: int, scheme: str = "http") -> None:
        self.url = f"{scheme}://127.0.0.1:{port}/{secrets.token_hex(8)}/keys.json"
        self.delay_seconds = 0.0
        self.status = 200
        self.headers = {"Content-Type": "application/json"}
        self.body = b""
        self.fetches = 0

    def publish(self, *keys: dict[str, object]) -> None:
        """Answer with this key set from now on."""
        self.body = json.dumps({"keys": keys}).encode()


def rsa_jwk(name: str) -> dict[str, object]:
    """Return the public half of the RSA key of this name, which is also its `kid`."""
    return {**RSAAlgorithm.to_jwk(rsa_key(name).public_key(), as_dict=True), "kid": name, "use": "sig"}


def ec_jwk(name: str) -> dict[str, object]:
    """Return the public half of the elliptic curve key of this name, which is also its `kid`."""
    return {**ECAlgorithm.to_jwk(ec_key(name).public_key(), as_dict=True), "kid": name, "use": "sig"}


@contextmanager
def serving_keys(tls: ssl.SSLContext | None = None) -> Iterator[KeyServer]:
    """Run the endpoint until the block ends, over TLS with the certificate in `tls`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.fetches += 1
            time.sleep(keys.delay_seconds)
            self.send_response(keys.status)
            for name, value in keys.headers.items():
                self.send_header(name, value)
            self.end_headers()
            # Who has read enough, or waited long enough, is gone.
            with suppress(OSError):
                self.wfile.write(keys.body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        keys = KeyServer(server.server_address[1], "http" if tls is None else "https")
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield keys
        finally:
            server.shutdown()
            thread.join()
