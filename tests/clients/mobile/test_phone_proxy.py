"""A phone that is pointed at the local stack by an HTTP proxy, as docs/clients.md says."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import requests

from local.stack.stack import Stack
from tests.clients.mobile.client import MobileClient
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clients.mobile.platforms import Platform

APP = "upload.test"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack with a proxy for phones."""
    with Stack(folder=tmp_path_factory.mktemp("proxied"), proxy=("127.0.0.1", 0)) as stack:
        yield stack


@pytest.fixture
def network(proxied: Stack) -> Iterator[requests.Session]:
    """Return what a phone has: a proxy for everything, and trust in the stack's authority."""
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = dict.fromkeys(("http", "https"), f"http://{proxied.proxy}")
        session.verify = str(proxied.ca_file)
        yield session


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_phone_uploads_through_the_proxy(
    network: requests.Session, platform: Platform, three_parts: Path, cover: Path, scheme: str
) -> None:
    """Signature, control calls over TLS, storage over plain http, event: all through one proxy."""
    address, user = f"{scheme}://{APP}", f"{platform.name}-{scheme}"
    token = network.get(f"{address}/local/token", params={"user": user}, timeout=10).text
    caller = {"Authorization": f"Bearer {token}"}
    wish = {"policy": "mobile", "context": "lesson 3"}
    issued = network.post(f"{address}/signature", json=wish, headers=caller, timeout=10).json()

    phone = MobileClient(platform, network, has_proxy=True)
    published = phone.publish(issued["signature"], three_parts, cover=cover)

    where = f"{address}/uploads/{issued['uploadId']}"
    wait_until(lambda: network.get(where, headers=caller, timeout=10).json()["fileId"], "the event")
    assert network.get(where, headers=caller, timeout=10).json()["fileId"] == published.video_id


@pytest.mark.parametrize("url", ["http://example.com/", "http://119.29.29.99/d?dn=vod2.qcloud.com"])
def test_no_other_host_is_reached(network: requests.Session, url: str) -> None:
    """A proxy that listens in a network must be no way into another; HTTPDNS neither."""
    answer = network.get(url, timeout=10)

    assert (answer.status_code, answer.text) == (
        403,
        "Only hosts of VOD and upload.test are behind this proxy.\n",
    )
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        network.get(url.replace("http:", "https:"), timeout=10)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1", b"400"),
        (b"GET /signature HTTP/1.1", b"400"),
        (b"CONNECT upload.test:many HTTP/1.1", b"400"),
        (b"GET http://[x/ HTTP/1.1", b"400"),
        (b"nonsense", b"400"),
        (b"GET http://upload.test HTTP/1.1", b"200"),
    ],
)
def test_request_line_is_one_for_a_proxy(proxied: Stack, request_line: bytes, status: bytes) -> None:
    """Whoever takes the proxy for the server is told so."""
    host, port = proxied.proxy.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        headers = b"Host: upload.test\r\nProxy-Connection: keep-alive\r\nConnection: x\r\n"
        connection.sendall(request_line + b"\r\n" + headers + b"\r\n")
        answer = connection.recv(4096)

    assert answer.split(b" ")[1] == status


def test_connection_that_is_open_does_not_keep_the_stack_from_its_end(tmp_path: Path) -> None:
    """A phone that is still connected is cut off."""
    with Stack(folder=tmp_path, proxy=("127.0.0.1", 0)) as stack:
        host, port = stack.proxy.split(":")
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.sendall(b"CONNECT upload.test:443 HTTP/1.1\r\n\r\n")
        connection.recv(4096)

    assert connection.recv(4096) == b""
    connection.close()
