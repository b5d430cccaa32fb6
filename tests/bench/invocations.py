"""Invocations of the functions under measurement: a deployment, its uploads and events."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import time
from typing import TYPE_CHECKING, Any

from shared.config.settings import UploadSignatureSettings, load_settings
from shared.flows.issue_signature import IssuedSignature, Issuer, Randomness
from shared.http.authentication import Caller
from shared.schema.signature_request import read_signature_request
from shared.store.connection import StoreScope
from shared.store.journal import Store
from shared.vod.signature import decode
from tests.functions.deployment import CALLBACK_TOKEN, environment, user_token
from tests.functions.scf import event_of
from tests.shared.loopback_peer import HttpPeer, Received, Reply
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

NO_LIMITS = {
    "NEW_UPLOADS_PER_MINUTE": "100000",
    "NETWORK_UPLOADS_PER_MINUTE": "0",
    "OPEN_UPLOADS": "0",
    "NEW_UPLOADS_PER_DAY": "0",
    "RENEWALS_PER_MINUTE": "100000",
}
"""A bench makes more requests than any user may."""
WEBHOOK_SECRET = "whsec_" + "Y2FuYXJ5" * 4


class Deployment:
    """One deployment with a real store, and real servers on loopback as VOD and as the app."""

    def __init__(self, redis_url: str) -> None:
        """Prepare; the servers are not started yet."""
        self.redis_url = redis_url
        self._parts = contextlib.ExitStack()
        self._numbers = itertools.count(1)
        # The digits of ids change how many instructions they cost, so every run has the same ones.
        self._random = random.Random(6)  # noqa: S311  # of a bench, nobody has to guess them
        self._kept: dict[str, str] = {}
        self._vod = HttpPeer(self._answer)
        self._app = HttpPeer(lambda _request: Reply(204))
        settings = load_settings(UploadSignatureSettings, environment(redis_url, **NO_LIMITS))
        self.store = Store(redis_url, StoreScope(settings.stage, settings.retention_seconds))
        self._issuer = Issuer(settings, self.store)
        self._waiting = self.begin("alice")

    def __enter__(self) -> Self:
        """Start the servers."""
        self._parts.enter_context(self._vod)
        self._parts.enter_context(self._app)
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop the servers."""
        self._parts.close()

    def variables(self, function: str, *, whole: bool = False) -> dict[str, str]:
        """Return the environment of a function: for journaling alone, or with read-back and webhook."""
        changes = {"VOD_API_URL": self._vod.url, **NO_LIMITS}
        if whole:
            changes |= {
                "READ_BACK": "on",
                "APP_WEBHOOK_URL": self._app.url,
                "APP_WEBHOOK_SECRETS": WEBHOOK_SECRET,
                "APP_WEBHOOK_ALLOW_INSECURE": "1",
            }
        return {**environment(self.redis_url, **changes), "FUNCTION": function}

    def begin(self, user: str) -> IssuedSignature:
        """Begin an upload, as its first signature does."""
        random_bits = self._random.getrandbits
        randomness = Randomness(nonces=[random_bits(32)], upload_id=random_bits(80))
        return self._issuer.begin(
            read_signature_request({}), Caller(user), now=time.time(), randomness=randomness
        )

    def event(self, function: str) -> Mapping[str, object]:
        """Return the next invocation of a function; each event is about another file of another upload."""
        if function == "upload_signature":
            return self._request("POST", "/signature", body="{}", user=f"user-{next(self._numbers) % 1000}")
        if function == "upload_status":
            return self._request("GET", f"/uploads/{self._waiting.upload_id}", body="", user="alice")
        if function == "event_notification":
            return self._request("POST", f"/{CALLBACK_TOKEN}", body=json.dumps(self._news()), user=None)
        return {"Type": "Timer", "TriggerName": "bench", "Time": "", "Message": ""}

    def is_right(self, function: str, result: Any) -> bool:  # noqa: ANN401  # whatever a handler returns
        """Return whether a function has succeeded."""
        if function.startswith(("upload", "event_notification")):
            return isinstance(result, dict) and result.get("statusCode") == 200
        return isinstance(result, dict) and "error" not in result

    def is_delivered(self, result: Any) -> bool:  # noqa: ANN401  # as above
        """Return whether an event was answered and its one webhook received since the last call."""
        requests = len(self._app.received)
        self._app.received.clear()
        return requests == 1 and self.is_right("event_notification", result)

    def _news(self) -> dict[str, object]:
        number = next(self._numbers)
        token = decode(self.begin(f"user-{number % 1000}").signature).values["sourceContext"]
        file_id = f"{5_576_678_000_000_000_000 + number}"
        self._kept[file_id] = token
        return uploaded(token, file_id=file_id)

    def _request(self, method: str, path: str, *, body: str, user: str | None) -> dict[str, Any]:
        headers = {"content-type": "application/json"}
        if user is not None:
            headers["authorization"] = f"Bearer {user_token(user)}"
        return event_of(method, path, headers=headers, body=body)

    def _answer(self, request: Received) -> Reply:
        """Answer as the server API: with the known media, or with nothing new."""
        members: dict[str, object] = {"EventSet": [], "TaskSet": []}
        for file_id in json.loads(request.body).get("FileIds", ()):
            event: Any = uploaded(self._kept.get(file_id, ""), file_id=file_id)
            basic = event["FileUploadEvent"]["MediaBasicInfo"]
            members["MediaInfoSet"] = [{"FileId": file_id, "BasicInfo": basic, "MetaData": {"Size": 1000}}]
        body = json.dumps({"Response": {**members, "RequestId": "1"}}).encode()
        return Reply(200, body, {"Content-Type": "application/json"})
