"""A deployment whose answers are compared with the document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

import pytest

from functions import event_notification, upload_signature, upload_status
from tests.functions.deployment import VARIABLES, environment, start_anew, user_token
from tests.functions.scf import REQUEST_ID, Answer, event_of, read_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HANDLERS = {
    "issueSignature": upload_signature.main_handler,
    "listUploads": upload_status.main_handler,
    "showUpload": upload_status.main_handler,
    "cancelUpload": upload_status.main_handler,
    "takeCallback": event_notification.main_handler,
    "showHealth": upload_status.main_handler,
}
METHODS = {
    "issueSignature": "POST",
    "listUploads": "GET",
    "showUpload": "GET",
    "cancelUpload": "DELETE",
    "takeCallback": "POST",
    "showHealth": "GET",
}


class Ask(Protocol):
    """Sends one request to the function of an operation."""

    def __call__(
        self, operation: str, path: str, body: object = "", *, method: str = "", **headers: str | None
    ) -> Answer:
        """Send it as alice; a body that is no text is sent as JSON, header names have underscores.

        A header that is None is not sent.
        """


@pytest.fixture
def deploy(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Deploy with an empty store; a test may deploy again with other settings."""

    def deploy(**changes: str) -> None:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment(valkey_url, **changes).items():
            monkeypatch.setenv(name, value)
        start_anew()

    deploy()
    yield deploy
    start_anew()


@pytest.fixture
def ask(deploy: Callable[..., None]) -> Ask:  # noqa: ARG001 -- there has to be a deployment to ask
    """Call the function of an operation, as the platform would."""

    def ask(
        operation: str, path: str, body: object = "", *, method: str = "", **headers: str | None
    ) -> Answer:
        given: dict[str, str | None] = {
            "authorization": f"Bearer {user_token()}",
            "content-type": "application/json",
        }
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in given.items() if value is not None}
        text = body if isinstance(body, str) else json.dumps(body)
        method = method or METHODS[operation]
        path, _, query = path.partition("?")
        event = event_of(method, path, headers=sent, body=text, query=dict(parse_qsl(query)))
        return read_answer(HANDLERS[operation](event, {"request_id": REQUEST_ID}))

    return ask
