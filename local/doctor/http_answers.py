"""Call a deployed function over HTTP, and tell its own answers from those of whatever else answers there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import requests
import urllib3

from shared.http.response import PROBLEM_TYPE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

VOD_PATIENCE_SECONDS = 5.0
"""How long VOD waits for an answer (doc 266/33931)."""
PATIENCE_SECONDS = 15.0
"""A cold start may take so long (`initTimeout`)."""
_MOST_BYTES = 16_384
_DEPLOYED = "See that the function is deployed and its URL is open to the Internet."
_PLATFORM: Mapping[int, tuple[str, str]] = {
    405: ("the function ended its process", "Its log says why; memorySize may be too small."),
    410: ("the account is in arrears", "Settle it in Tencent's console: until then no function runs."),
    429: ("instances are started no faster", "Wait, and see what calls so often."),
    430: ("the function raised an exception", "Its log has the traceback: a package may be incomplete."),
    432: ("no instance is free", "Raise the function's share of the account's concurrency."),
    433: ("the function ran into its time-out", "See what its log waits for: the store, or the key set."),
    443: ("the function cannot be loaded", "Its log names the module: package for the runtime's Python."),
}
"""The platform's codes (doc 583/42611, 583/35311; 443 is from a field report): meaning and advice."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; without one `status` is 0, and `error` the name of the error.

    `problem` is the last word of a problem document's type, empty if it is none. `platform_code` is the code
    of SCF's own error document, None if it is none.
    """

    status: int
    problem: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    platform_code: int | None = None
    error: str = ""


def ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Answer:
    """Send one request, without following a redirect."""
    try:
        with requests.request(
            method,
            url,
            data=body,
            headers=dict(headers),
            timeout=patience_seconds,
            allow_redirects=False,
            stream=True,
        ) as answer:
            content = answer.raw.read(_MOST_BYTES, decode_content=True)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return Answer(0, error=type(error).__name__)
    document = _object_in(content)
    kind = str(document.get("type", ""))
    problem = kind.removeprefix(PROBLEM_TYPE_PREFIX) if kind.startswith(PROBLEM_TYPE_PREFIX) else ""
    code = document.get("statusCode", answer.status_code) if "errorCode" in document else None
    return Answer(answer.status_code, problem, answer.headers, code if isinstance(code, int) else None)


def trouble_of(answer: Answer) -> tuple[str, str] | None:
    """Return reason and advice if there is no answer, or none of a configured function; else None."""
    if answer.error == "SSLError":
        return "TLS failed (SSLError)", "See that its certificate is valid and the host's."
    if answer.error:
        return f"gives no answer ({answer.error})", _DEPLOYED
    if answer.platform_code is not None:
        code = answer.platform_code
        meaning, advice = _PLATFORM.get(code, ("it does not say more", "See the function's log."))
        return f"is answered for by the platform: {meaning} ({code})", advice
    if answer.problem == "configuration":
        return (
            "the function is not configured",
            "Its log names the settings that are missing or invalid where it runs.",
        )
    return None


def _object_in(content: bytes) -> dict[str, object]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
