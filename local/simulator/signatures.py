"""Validate upload signatures by VOD's rules, including one-time use.

`shared.vod.signature` decodes them and verifies the HMAC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator.business_errors import (
    expired_signature,
    invalid_request,
    invalid_signature,
    repeat_signature,
)
from shared.errors import InvalidRequestError
from shared.vod.signature import decode, is_signed_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.simulator.database import Database
    from local.simulator.settings import SimulatorSettings

_INTEGER = re.compile(r"-?[0-9]{1,19}")
# doc 266/33922: at most 90 days; random is an unsigned 32-bit number.
_LONGEST_LIFE = 7_776_000
_LARGEST_RANDOM = 2**32 - 1
_LONGEST_SOURCE_CONTEXT = 250
_LONGEST_SESSION_CONTEXT = 1000
_HIGHEST_PRIORITY = 10
_NOTIFY_MODES = ("Finish", "Change", "None")


@dataclass(frozen=True)
class SignedTerms:
    """What a valid signature allows; absent texts are empty, absent numbers 0."""

    digest: str
    application: int
    one_time: bool
    class_id: int
    procedure: str
    task_priority: int
    task_notify_mode: str
    source_context: str
    session_context: str
    storage_region: str


def read_signature(
    signature: object, *, settings: SimulatorSettings, now: float, may_be_expired: bool = False
) -> SignedTerms:
    """Verify an upload signature and return its terms; an empty value counts as absent.

    Raises:
        BusinessError: 10001 unreadable or beyond a limit, 10004 invalid, 10010 expired.

    """
    if not isinstance(signature, str) or not signature:
        raise invalid_request("there is no signature in the body")
    try:
        decoded = decode(signature)
    except InvalidRequestError as error:
        raise invalid_request(f"the signature cannot be read: {error.detail}") from error
    values = decoded.values
    secret_key = settings.key_pairs.get(values.get("secretId", ""))
    if secret_key is None:
        raise invalid_signature("the secretId is not the account's")
    if not is_signed_with(decoded, secret_key):
        raise invalid_signature("the HMAC does not fit")
    expires = _check_times(values, now=now, skew=settings.clock_skew_seconds)
    if expires < now and not may_be_expired:
        raise expired_signature(f"expired {now - expires:.0f} s ago")
    terms = _terms(values, settings=settings, digest=decoded.digest.hex())
    _check_limits(terms, settings)
    return terms


def _check_times(values: Mapping[str, str], *, now: float, skew: int) -> int:
    """Check what holds whatever the time is, and return `expireTime`."""
    # Floats and milliseconds are refused (vod-js-sdk-v6 issue #13).
    issued, expires = _integer(values, "currentTimeStamp"), _integer(values, "expireTime")
    if not 0 <= _integer(values, "random") <= _LARGEST_RANDOM:
        raise invalid_signature("random is no unsigned 32-bit number")
    if not 0 < expires - issued <= _LONGEST_LIFE:
        raise invalid_signature("expireTime must be at most 90 days after currentTimeStamp")
    if issued > now + skew:
        raise invalid_signature("currentTimeStamp lies in the future")
    return expires


def _terms(values: Mapping[str, str], *, settings: SimulatorSettings, digest: str) -> SignedTerms:
    return SignedTerms(
        digest=digest,
        application=settings.application(_integer(values, "vodSubAppId", 0)),
        one_time=_integer(values, "oneTimeValid", 0) == 1,
        class_id=_integer(values, "classId", 0),
        procedure=values.get("procedure", ""),
        task_priority=_integer(values, "taskPriority", 0),
        task_notify_mode=values.get("taskNotifyMode", "") or "Finish",
        source_context=values.get("sourceContext", ""),
        session_context=values.get("sessionContext", ""),
        storage_region=values.get("storageRegion", ""),
    )


def _check_limits(terms: SignedTerms, settings: SimulatorSettings) -> None:
    """Check the limits of doc 266/33922; the code with which VOD refuses them is UNVERIFIED."""
    objections = {
        "vodSubAppId is not one of the account's applications": not settings.owns_application(
            terms.application
        ),
        "sourceContext is longer than 250": len(terms.source_context) > _LONGEST_SOURCE_CONTEXT,
        "sessionContext is longer than 1000": len(terms.session_context) > _LONGEST_SESSION_CONTEXT,
        "taskPriority is not within -10 to 10": abs(terms.task_priority) > _HIGHEST_PRIORITY,
        "taskNotifyMode is unknown": terms.task_notify_mode not in _NOTIFY_MODES,
        "storageRegion is not enabled": bool(terms.storage_region)
        and terms.storage_region not in settings.storage_regions,
    }
    for reason, broken in objections.items():
        if broken:
            raise invalid_request(reason)


def _integer(values: Mapping[str, str], name: str, default: int | None = None) -> int:
    text = values.get(name, "")
    if not text and default is not None:
        return default
    if not _INTEGER.fullmatch(text):
        raise invalid_signature(f"{name} is no integer")
    return int(text)


class UsedSignatures:
    """One-time signatures that were used, each with the upload session it was used for.

    Which call uses one up is UNVERIFIED. The rule here suits every SDK: Prepare uses up nothing, Apply uses
    the signature up, and Commit accepts an unused one or one that this session's Apply used, because the
    mobile and mini program SDKs send the same string to both.
    """

    def __init__(self, database: Database, *, repeat_code: int) -> None:
        self._database = database
        self._repeat_code = repeat_code

    def use_for_apply(
        self, terms: SignedTerms, *, vod_session_key: str, now: float, may_repeat: bool = False
    ) -> None:
        """Use a signature up for opening or resuming a session; `may_repeat` allows its own session again.

        Raises:
            BusinessError: it is a one-time signature and was used before.

        """
        if not terms.one_time or self._claim(terms, vod_session_key, now):
            return
        if not may_repeat or self.session_of(terms) != vod_session_key:
            raise repeat_signature(self._repeat_code, reason="Apply came with a used one-time signature")

    def use_for_commit(self, terms: SignedTerms, *, vod_session_key: str, now: float) -> None:
        """Use a signature up for closing a session.

        Raises:
            BusinessError: it is a one-time signature and was used for another session.

        """
        if not terms.one_time or self._claim(terms, vod_session_key, now):
            return
        if self.session_of(terms) != vod_session_key:
            raise repeat_signature(
                self._repeat_code, reason="Commit came with another session's one-time signature"
            )

    def session_of(self, terms: SignedTerms) -> str:
        """Return the vodSessionKey that a one-time signature was used for; empty for an unused one."""
        row = self._database.row("SELECT vod_session_key FROM used_signatures WHERE digest = ?", terms.digest)
        return "" if row is None else str(row["vod_session_key"])

    def _claim(self, terms: SignedTerms, vod_session_key: str, now: float) -> bool:
        claimed = self._database.change(
            "INSERT OR IGNORE INTO used_signatures VALUES (?, ?, ?)", terms.digest, vod_session_key, now
        )
        return claimed == 1
