"""GET /health, for who watches a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions import upload_status
from shared.runtime import bootstrap
from tests.functions.vod import push
from tests.shared.loopback_peer import refused_port
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from tests.functions.conftest import Call, Deploy
    from tests.functions.scf import Answer

TOKEN = "a token of who watches the deployment"


def health(call: Call, authorization: str | None = None) -> Answer:
    """Ask for the health of the deployment."""
    headers = {} if authorization is None else {"authorization": authorization}
    return call(upload_status.main_handler, "GET", "/health", user=None, headers=headers)


def test_function_is_alive_without_a_store(call: Call, deploy: Deploy) -> None:
    """Nobody has to be asked, so that the question costs nothing; with the token the store must answer."""
    deploy(REDIS_URL=f"redis://127.0.0.1:{refused_port()}/0", HEALTH_TOKEN=TOKEN)

    assert (health(call).status, health(call).json) == (200, {"status": "alive"})
    assert call(upload_status.main_handler, "HEAD", "/health", user=None).status == 405
    assert health(call, f"Bearer {TOKEN}").status == 503


def test_operator_learns_of_store_clock_and_backlog(
    call: Call, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures are those of the timer's log; a clock that is wrong degrades."""
    deploy(HEALTH_TOKEN=TOKEN, APP_WEBHOOK_URL="off", APP_WEBHOOK_SECRETS="")
    push("no event")
    push(uploaded("console"))
    answer = health(call, f"bearer {TOKEN}").json
    now = bootstrap.now
    monkeypatch.setattr(bootstrap, "now", lambda: now() + 90)
    later = health(call, f"Bearer {TOKEN}").json

    assert (answer["status"], later["status"]) == ("ok", "degraded")
    assert abs(answer["clockAheadSeconds"]) < 60 < later["clockAheadSeconds"]
    assert answer["backlog"].keys() == {"due", "overdueSeconds", "dead", "parked", "quarantined"}
    assert answer["backlog"]["parked"] == 1


@pytest.mark.parametrize("token", [TOKEN, ""])
@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer x", f"Basic {TOKEN}", TOKEN, "Bearer None"])
def test_nobody_else_learns_of_it(call: Call, deploy: Deploy, token: str, authorization: str) -> None:
    """Not with another token, and with none where the deployment has none."""
    deploy(HEALTH_TOKEN=token)
    answer = health(call, authorization)

    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
