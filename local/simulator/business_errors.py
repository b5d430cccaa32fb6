"""The refusals of the upload calls: `{"code": n, "message": "..."}`, always with HTTP 200.

The SDKs read `code` from a 2xx reply and take any other status for a transport failure.
"""

from __future__ import annotations

import logging

_log = logging.getLogger("local.simulator")


class BusinessError(Exception):
    """A refusal; `reason` is for the developer and only logged.

    Raise one of the three documented codes, or the one-time code from the settings.
    """

    def __init__(self, code: int, message: str, *, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.message = f"ugc upload | {message}"
        self.reason = reason

    def as_json(self) -> dict[str, object]:
        """Log the reason and return the reply's body."""
        _log.warning("upload call refused with %d: %s", self.code, self.reason)
        return {"code": self.code, "message": self.message}


def invalid_request(reason: str) -> BusinessError:
    """Return error 10001, the generic refusal (vod-js-sdk-v6 issue #5).

    The numbers that VOD uses for unknown sessions, sub-applications and incomplete objects are UNVERIFIED;
    all of them get this one.
    """
    return BusinessError(10001, "invalid request", reason=reason)


def invalid_signature(reason: str) -> BusinessError:
    """Return error 10004: the signature can be read and is not acceptable."""
    return BusinessError(10004, "invalid signature", reason=reason)


def expired_signature(reason: str) -> BusinessError:
    """Return error 10010: the signature has expired."""
    return BusinessError(10010, "signature expired", reason=reason)


def repeat_signature(code: int, *, reason: str) -> BusinessError:
    """Return the error for a one-time signature used twice (doc 266/33922); its code is UNVERIFIED."""
    return BusinessError(code, "repeat signature", reason=reason)
