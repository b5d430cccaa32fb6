"""What a question asks with: calls of one account that count for nothing else, and what they leave."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.conformance.called import Called
from local.conformance.events import Events
from local.conformance.http_calls import HttpCalls
from local.conformance.ledger import Ledger
from local.simulator.tc3_authorization import tc3_signature
from shared.vod.signature import sign_original
from shared.vod_api import SERVICE, VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.conformance.account import Account, Pace, Permissions
    from local.conformance.push_receiver import PushReceiver

CONTROL_HOST = "vod2.qcloud.com"
_LIFE_SECONDS = 600
_TC3_HEADERS = ["content-type", "host"]


class Subject:
    """One account under examination; each run has names of its own (`run`)."""

    def __init__(
        self,
        account: Account,
        pace: Pace,
        permissions: Permissions,
        *,
        receiver: PushReceiver | None = None,
    ) -> None:
        self.account, self.pace, self.permissions = account, pace, permissions
        self.http = HttpCalls(account)
        self.ledger = Ledger()
        self.events = Events(self.api, pace, receiver, sign_key=account.sign_key)
        self.run = f"vod-conformance-{secrets.token_hex(4)}"
        self._numbers = itertools.count(1)

    def name(self) -> str:
        """Return a new name for a media of this run; a context may be one too."""
        return f"{self.run}-{next(self._numbers)}"

    def now(self) -> int:
        """Return the present in Unix seconds."""
        return int(self.pace.clock())

    def signature(
        self,
        *,
        ago: int = 0,
        lives: int = _LIFE_SECONDS,
        secret_key: str = "",
        **terms: Any,  # noqa: ANN401  # any value, right or wrong
    ) -> str:
        """Sign an upload with these parameters by wire name, whatever they are; None leaves one out.

        `ago` is how many seconds ago it was issued, `lives` how long it is valid.
        """
        issued = self.now() - ago
        values = {
            "secretId": self.account.secret_id,
            "currentTimeStamp": issued,
            "expireTime": issued + lives,
            "random": secrets.randbelow(2**32),
            "vodSubAppId": self.account.sub_app_id,
            **terms,
        }
        pairs = [
            f"{name}={quote(str(value), safe='')}" for name, value in values.items() if value is not None
        ]
        return sign_original("&".join(pairs), secret_key=secret_key or self.account.secret_key)

    def control(self, action: str, **members: object) -> Called:
        """Send one call of the upload protocol.

        Raises:
            NoAnswerError: there is no answer.

        """
        reply = self.http.send(
            "POST",
            CONTROL_HOST,
            "/v3/index.php",
            query=(("Action", action),),
            headers={"Content-Type": "application/json"},
            body=json.dumps(members).encode(),
        )
        document = reply.json()
        data = document.get("data")
        word = f"{reply.status} {document.get('code', 'no code')}"
        return Called(word, data if isinstance(data, dict) else {}, document)

    def api(self, action: str, **parameters: object) -> Called:
        """Send one call of the server API, about the account's own application unless it names another.

        Raises:
            NoAnswerError: there is no answer.

        """
        application = {} if self.account.sub_app_id is None else {"SubAppId": self.account.sub_app_id}
        return self.api_as(self.account.api_credentials, self.now(), action, {**application, **parameters})

    def api_as(
        self, credentials: tuple[str, str, str], now: int, action: str, parameters: Mapping[str, object]
    ) -> Called:
        """Send one call of the server API, signed with any credentials (id, key, token) at any time."""
        secret_id, secret_key, token = credentials
        body = json.dumps(parameters).encode()
        headers = {
            "Content-Type": "application/json",
            "X-TC-Action": action,
            "X-TC-Version": VERSION,
            "X-TC-Timestamp": str(now),
            **({"X-TC-Token": token} if token else {}),
        }
        host = self.account.api_host
        date = time.strftime("%Y-%m-%d", time.gmtime(now))
        signed = {**{name.lower(): value for name, value in headers.items()}, "host": host}
        signature = tc3_signature(signed, body, _TC3_HEADERS, secret_key=secret_key, scope=(date, SERVICE))
        headers["Authorization"] = (
            f"TC3-HMAC-SHA256 Credential={secret_id}/{date}/{SERVICE}/tc3_request,"
            f" SignedHeaders={';'.join(_TC3_HEADERS)}, Signature={signature}"
        )
        reply = self.http.send("POST", host, "/", headers=headers, body=body)
        response = reply.json().get("Response")
        members = response if isinstance(response, dict) else {}
        error = members.get("Error")
        code = error.get("Code") if isinstance(error, dict) else ("ok" if members else "no Response")
        return Called(f"{reply.status} {code}", members, members)
