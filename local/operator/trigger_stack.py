"""Requests of `python -m local trigger` to the running stack: get a token, emit an event, await a result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from local.operator.event_store import OperatorStore
from local.operator.signature_inspection import iso_time
from local.operator.trigger_event import StackError, UploadSubject
from shared.config.settings import EventDeliverySettings, load_settings
from shared.domain.app_event import event_id_for
from shared.domain.event_status import EventStatus
from shared.domain.ingested_event import classify, journal_name
from shared.domain.upload_id import made_at
from shared.store.connection import StoreScope
from shared.vod.context_token import UploadContext, seal, unseal
from shared.vod.lenient_json import as_object, as_text
from shared.vod.notification import notification_from_pull
from shared.vod.signature import decode
from shared.vod_api import VodApi

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.operator.event_store import KeptEvent
    from local.operator.trigger_scenario import Scenario

_TIMEOUT_SECONDS = 30
_API_SECONDS = 5.0
_CLOCK_SKEW_SECONDS = 60
_POLL_SECONDS = 0.1
_NOT_FOUND = 404
_NO_FURTHER = (EventStatus.QUARANTINED, EventStatus.KEPT, EventStatus.DEAD, EventStatus.PARKED)


@dataclass(frozen=True)
class Outcome:
    """The result of an event: what the app received, if anything, and the journal's record of it."""

    event_id: str
    received: Mapping[str, Any] | None
    kept: KeptEvent | None
    was_known: bool


class TriggerStack:
    """Client of one running stack, configured from its functions' environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._settings = settings = load_settings(EventDeliverySettings, environment)
        self._url = settings.vod_api_url
        self._store = OperatorStore(
            settings.redis_url, StoreScope(settings.stage, settings.retention_seconds)
        )
        self._session = requests.Session()
        # Proxies of the environment must not see what is meant for this machine.
        self._session.trust_env = False

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def new_upload(self, user: str, context: str | None) -> UploadSubject:
        """Begin an upload of this user and read its token from the signature.

        Raises:
            StackError: the service issued none.

        """
        wish = {} if context is None else {"context": context}
        issued = self._request("POST", "/signature", json=wish, headers=self._bearer(user)).json()
        token = decode(issued["signature"]).values["sourceContext"]
        return UploadSubject(upload_id=issued["uploadId"], token=token)

    def upload(self, upload_id: str, user: str) -> UploadSubject:
        """Find an upload: by its file in VOD, or by its owner while it has none.

        Raises:
            StackError: the user has no such upload.
            VodApiError: VOD did not answer.

        """
        for media in self._media_since(min(made_at(upload_id), int(time.time())) - _CLOCK_SKEW_SECONDS):
            source = as_object(as_object(media.get("BasicInfo")).get("SourceInfo"))
            token = as_text(source.get("SourceContext"))
            context = unseal(token, keys=self._settings.context_keys, stage=self._settings.stage)
            if isinstance(context, UploadContext) and context.upload_id == upload_id:
                return UploadSubject(upload_id, token, media)
        try:
            known = self._request("GET", f"/uploads/{upload_id}", headers=self._bearer(user)).json()
        except StackError as error:
            if error.status != _NOT_FOUND:
                raise
            raise StackError(f"{user} has no upload {upload_id}: name its owner with --user.") from None
        context = UploadContext(upload_id, user, known["context"])
        return UploadSubject(
            upload_id, seal(context, keys=self._settings.context_keys, stage=self._settings.stage)
        )

    def send(self, event: Mapping[str, object], *, wait_seconds: float) -> Outcome:
        """Emit an event from the simulator, and wait for the app's.

        Raises:
            StackError: the simulator did not accept it.
            StoreUnavailableError: the journal cannot be read.

        """
        notification, settings = notification_from_pull(event), self._settings
        context, _ = classify(notification, keys=settings.context_keys, stage=settings.stage)
        event_id = event_id_for(journal_name(notification, context))
        was_known = self._kept(event_id) is not None
        self._request("POST", "/local/simulator/emit", json=event)
        deadline = time.monotonic() + (0 if was_known else wait_seconds)
        while True:
            received = None if was_known else self._received(event_id)
            kept = self._kept(event_id)
            is_over = kept is not None and kept.status in _NO_FURTHER
            if received or is_over or time.monotonic() >= deadline:
                return Outcome(event_id, received, kept, was_known)
            time.sleep(_POLL_SECONDS)

    def run_scenario(self, scenario: Scenario) -> dict[str, Any]:
        """Have the stack run a scenario; return its `event`, `answered` and `withheld`.

        Raises:
            StackError: a step was refused, or the app's event has not come.

        """
        body = {
            "type": scenario.type,
            "user": scenario.user,
            "context": scenario.context,
            "every": scenario.every,
            "waitSeconds": scenario.wait_seconds,
        }
        seconds = scenario.wait_seconds + _TIMEOUT_SECONDS
        outcome: dict[str, Any] = self._request("POST", "/local/trigger", json=body, timeout=seconds).json()
        return outcome

    def _kept(self, event_id: str) -> KeptEvent | None:
        return next(iter(self._store.with_id(event_id, limit=1)), None)

    def _received(self, event_id: str) -> Mapping[str, Any] | None:
        bodies = (event["body"] for event in self._request("GET", "/local/events").json())
        return next((body for body in bodies if body.get("id") == event_id), None)

    def _media_since(self, after: int) -> Iterator[dict[str, object]]:
        vod_api, offset = VodApi(self._settings), 0
        since, before = iso_time(after), iso_time(int(time.time()) + _CLOCK_SKEW_SECONDS)
        while page := vod_api.uploads_created(
            after=since, before=before, offset=offset, timeout_seconds=_API_SECONDS
        ):
            yield from page
            offset += len(page)

    def _bearer(self, user: str) -> dict[str, str]:
        token = self._request("GET", "/local/token", params={"user": user}).text
        return {"Authorization": f"Bearer {token}"}

    def _request(self, method: str, path: str, **parts: Any) -> requests.Response:  # noqa: ANN401  # of requests
        try:
            answer = self._session.request(method, self._url + path, **{"timeout": _TIMEOUT_SECONDS, **parts})
        except requests.RequestException as error:
            raise StackError(
                f"The local stack at {self._url} does not answer: start it with `python -m local serve`."
            ) from error
        if not answer.ok:
            raise StackError(_refusal(answer), status=answer.status_code)
        return answer


def _refusal(answer: requests.Response) -> str:
    try:
        document = answer.json()
        return str(document.get("detail") or document["error"])
    except (ValueError, KeyError, AttributeError):
        return f"The local stack answered with status {answer.status_code}: see its log."
