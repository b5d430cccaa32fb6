"""A deployment per test, and requests as function-URL events.

tests/shared/http/test_request.py shows that the gateway's events lead to the same requests.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions import upload_signature, upload_status
from shared.store import connection
from shared.store.connection import CALL_SECONDS, TIMEOUT_SECONDS
from tests.functions.deployment import deploy_here, environment, services_of, start_anew, user_token
from tests.functions.scf import REQUEST_ID, Answer, event_of, read_answer
from tests.shared.conftest import no_authority  # noqa: F401  # a fixture
from tests.waiting import wait_long_for_the_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.local.simulator.account import Account
    from tests.shared.loopback_peer import HttpPeer

    Handler = Callable[[object, object], dict[str, object]]
    Deploy = Callable[..., dict[str, str]]
    """Deploys with some variables changed, by keyword; an empty text removes one."""
    Call = Callable[..., Answer]
    """Sends a request to a handler; see `call`."""
    Sign = Callable[..., Answer]
    """Posts a body to /signature; header names are given with underscores."""
    ReadStatus = Callable[..., Answer]
    """Gets, or deletes, /uploads/{id}; header names are given with underscores."""
    Logged = Callable[[], list[dict[str, Any]]]
    """Returns the lines that were logged since the last time."""


@pytest.fixture
def deploy(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """Deploy with an empty store; a test may deploy again with other settings."""

    def deploy(**changes: str) -> dict[str, str]:
        variables = environment(valkey_url, **changes)
        # The tests' own store answers in the end, however busy the machine is; another one may be silent.
        if variables.get("REDIS_URL") == valkey_url:
            wait_long_for_the_store(monkeypatch)
        else:
            monkeypatch.setattr(connection, "TIMEOUT_SECONDS", TIMEOUT_SECONDS)
            monkeypatch.setattr(connection, "CALL_SECONDS", CALL_SECONDS)
        deploy_here(variables, monkeypatch)
        return variables

    deploy()
    yield deploy
    start_anew()


@pytest.fixture
def call(deploy: Deploy) -> Call:
    """Call a handler as the platform would; a body that is no text is sent as JSON."""
    assert deploy is not None

    def call(  # noqa: PLR0913  # a request has that many parts
        handler: Handler,
        method: str,
        path: str,
        *,
        body: object = "",
        user: str | None = "alice",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if user is not None:
            sent.setdefault("authorization", f"Bearer {user_token(user)}")
        if body != "":
            sent.setdefault("content-type", "application/json")
        text = body if isinstance(body, str) else json.dumps(body)
        event = event_of(method, path, headers=sent, body=text)
        answer = read_answer(handler(event, {"request_id": REQUEST_ID, "time_limit_in_ms": 3000}))
        assert answer.headers["x-request-id"] == REQUEST_ID
        return answer

    return call


@pytest.fixture
def sign(call: Call) -> Sign:
    """Request an upload signature."""

    def sign(body: object = None, *, user: str | None = "alice", **headers: str) -> Answer:
        handler, sent = upload_signature.main_handler, {} if body is None else body
        return call(handler, "POST", "/signature", body=sent, user=user, headers=_hyphens(headers))

    return sign


@pytest.fixture
def read_status(call: Call) -> ReadStatus:
    """Request the status of one upload."""

    def read_status(upload_id: str, *, method: str = "GET", user: str = "alice", **headers: str) -> Answer:
        handler, path = upload_status.main_handler, f"/uploads/{upload_id}"
        return call(handler, method, path, user=user, headers=_hyphens(headers))

    return read_status


@pytest.fixture
def services(deploy: Deploy, vod: Account, app: HttpPeer) -> Iterator[dict[str, str]]:
    """Deploy for the simulated VOD, which is asked about what is pushed, and for the app."""
    yield deploy(**services_of(vod.url, app.url), READ_BACK="on")
    # What keeps a connection is let go while its server's port is still nobody else's.
    start_anew()


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Logged:
    """Read what was logged since the last time."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def _hyphens(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
