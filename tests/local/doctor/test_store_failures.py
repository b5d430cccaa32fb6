"""Why a store fails, in the doctor's words: the client's real errors, of peers that answer as stores do."""

from __future__ import annotations

import ssl

import pytest
import trustme

from local.doctor.store_failures import failure_of
from local.doctor.store_probe import StoreProbe
from shared.errors import StoreUnavailableError
from shared.store.connection import StoreScope
from tests.shared.loopback_peer import HOST, HttpPeer, RawPeer, Reply, answer_once


def failure(url: str) -> tuple[str, str]:
    """Return reason and advice of the first command."""
    with pytest.raises(StoreUnavailableError) as refused:
        StoreProbe(url, StoreScope("test", 7200)).ping()
    return failure_of(refused.value)


@pytest.mark.parametrize(
    ("reply", "reason", "advice"),
    [
        (b"-MISCONF it is configured to save RDB snapshots", "cannot write to its disk", "disk and log"),
        (b"-MASTERDOWN Link with MASTER is down", "lost its primary", "Name the primary"),
        (b"-LOADING Redis is loading the dataset", "reads its data", "Wait"),
        (b"-BUSY Redis is busy running a script", "a script keeps it busy", "SCRIPT KILL"),
        (b"-CLUSTERDOWN Hash slot not served", "part of the cluster is down", "start them"),
        (b"-DENIED Redis is running in protected mode", "protected mode", "Give the store a password"),
        (b"-MOVED 1 10.0.0.1:6379", "a part of the keys only", "redis+cluster://"),
        (b"-ODD something new", "it fails (ODD)", "the right kind of store"),
        (b"HTTP/1.1 400 Bad Request", "does not speak Redis's protocol", "host and port"),
    ],
)
def test_refusal_is_named_as_what_it_is(reply: bytes, reason: str, advice: str) -> None:
    """Each word of a server has its meaning and what to do about it."""
    with RawPeer(answer_once(reply + b"\r\n")) as peer:
        told = failure(f"redis://{HOST}:{peer.port}/0")

    assert [reason in told[0], advice in told[1]] == [True, True]


def test_certificate_that_nobody_vouches_for_is_named_as_such() -> None:
    """A store with a certificate of an authority that is not trusted gets nothing sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with HttpPeer(lambda _request: Reply(), tls=context) as peer:
        reason, advice = failure(f"rediss://localhost:{peer.port}/0")

    assert (reason, "authority" in advice) == ("its certificate is not accepted", True)
