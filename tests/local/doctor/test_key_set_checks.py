"""The doctor's check of the login service's key set, which is fetched from a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.shared.jwks_server import KeyServer, rsa_jwk
from tests.shared.loopback_peer import refused_port

if TYPE_CHECKING:
    from tests.local.doctor.patient import Patient


def test_key_set_is_fetched_as_the_functions_do(patient: Patient) -> None:
    """One request with their User-Agent; without JWT_JWKS_URL there is nothing to fetch."""
    with KeyServer() as server:
        server.publish(rsa_jwk("first"))
        outcome = patient.examine(JWT_SECRETS=None, JWT_JWKS_URL=server.keys_url)

    assert outcome.level_of("key set") == patient.examine().level_of("key set") == "ok"
    assert [request.headers["user-agent"] for request in server.received] == ["vod-upload-functions"]


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (403, "", "HTTP 403"),
        (302, "", "HTTP 302, and redirects are not followed"),
        (200, "<html>", "the answer is no JSON object"),
        (200, '{"keys": []}', "the key set was fetched, and of its 0 keys none is usable"),
    ],
)
def test_key_set_that_cannot_be_used_is_a_fault_with_its_cause(
    patient: Patient, status: int, body: str, problem: str
) -> None:
    """The finding has the very words of the functions' log."""
    with KeyServer() as server:
        server.status, server.body = status, body.encode()
        (found,) = patient.examine(JWT_SECRETS=None, JWT_JWKS_URL=server.keys_url).named("key set")

    assert found["level"] == "fault"
    assert found["detail"].startswith(f"it cannot be used: {problem}")
    assert "jwks_uri" in found["advice"]


def test_key_set_that_cannot_be_reached_is_a_fault(patient: Patient) -> None:
    """No connection is a cause like the others."""
    url = f"http://127.0.0.1:{refused_port()}/keys"
    (found,) = patient.examine(JWT_SECRETS=None, JWT_JWKS_URL=url).named("key set")

    assert found["detail"] == "it cannot be used: no answer (ConnectionRefusedError)"
