"""An event of the doctor's own, posted as VOD posts, and looked for in the store.

It is about no file: with READ_BACK=on the function asks nobody about it, and the app does not hear of it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.doctor.findings import CheckSkippedError, fault, needed, ok
from local.doctor.function_checks import unknown_upload_id
from local.doctor.store_probe import StoreProbe
from shared.config.settings import ContextSettings, StoreSettings
from shared.domain.app_event import event_id_for
from shared.domain.ingested_event import journal_name
from shared.errors import StoreUnavailableError
from shared.store.connection import StoreScope
from shared.vod.context_token import UploadContext, seal
from shared.vod.notification import parse_notification

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.doctor.findings import Finding

EVENT_TYPE = "DoctorPing"
_SIGNED_SECONDS = 600
_AGAIN = "event found again"


@dataclass(frozen=True)
class ProbeEvent:
    """One event; `body` is unsigned JSON and holds a token that is sealed as by `upload_signature`."""

    body: dict[str, object] = field(repr=False)
    upload_id: str
    stage: str

    @classmethod
    def sealed(cls, environment: Mapping[str, str], *, now: float) -> ProbeEvent:
        """Build an event for a deployment's own settings.

        Raises:
            CheckSkippedError: the settings that it needs are invalid.

        """
        keys = needed(ContextSettings, environment).context_keys
        stage = needed(StoreSettings, environment).stage
        context = UploadContext(unknown_upload_id(now), "doctor")
        token = seal(context, keys=keys, stage=stage)
        body: dict[str, object] = {"EventType": EVENT_TYPE, f"{EVENT_TYPE}Event": {"SessionContext": token}}
        return cls(body, context.upload_id, stage)

    @property
    def event_id(self) -> str:
        """The id under which a function journals it, however it is signed."""
        return event_id_for(journal_name(parse_notification(json.dumps(self.body).encode())))

    def signed(self, sign_key: str | None, *, now: float) -> bytes:
        """Encode it as VOD sends it: signed with MD5 (doc 266/57589), or without a key not at all."""
        if sign_key is None:
            return json.dumps(self.body).encode()
        expires_at = int(now) + _SIGNED_SECONDS
        sign = hashlib.md5(f"{sign_key}{expires_at}".encode(), usedforsecurity=False).hexdigest()
        return json.dumps({**self.body, "Sign": sign, "T": expires_at}).encode()

    def found_again(self, environment: Mapping[str, str]) -> Iterator[Finding]:
        """Look for it in the store of the settings, and remove it from there."""
        settings = needed(StoreSettings, environment)
        store = StoreProbe(settings.redis_url, StoreScope(settings.stage, settings.retention_seconds))
        try:
            found = store.with_id(self.event_id, limit=1)
            for event in found:
                store.forget(event)
        except StoreUnavailableError:
            raise CheckSkippedError("the store cannot be read: its own checks say why") from None
        if not found:
            advice = "Compare REDIS_URL, with the number of the database, and STAGE with the function's own."
            told = f"it was taken in, and not into this store, stage {self.stage}: the function has another"
            yield fault(_AGAIN, told, advice)
        elif found[0].record.get("upload_id") != self.upload_id:
            advice = "Deploy CONTEXT_KEYS as they are here: events of uploads are quarantined until then."
            yield fault(_AGAIN, "the function could not open its seal: its CONTEXT_KEYS are others", advice)
        else:
            yield ok(_AGAIN, "it is in this store, its seal was opened, and it is removed")
