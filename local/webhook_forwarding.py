"""Post a signed webhook to an app of one's own, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import requests
import urllib3

from shared.schema.values import check_http_url

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_ANSWER = 502
_SECONDS = 15
"""The longest that an attempt of the functions takes, too."""


class Forwarded(NamedTuple):
    """The app's answer: its HTTP status, 502 without one; `problem` says why there is none."""

    status: int
    problem: str = ""
    retry_after: str | None = None

    @property
    def accepted(self) -> bool:
        """True for any 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004  # the class of HTTP status codes


def check_address(url: str) -> str:
    """Return the address of an app.

    Raises:
        ValueError: it is none; the message is a sentence.

    """
    try:
        return check_http_url(url)
    except ValueError as error:
        raise ValueError(f"--forward-to {error}, as in http://localhost:3000/webhook.") from None


def forward(url: str, body: bytes, headers: Mapping[str, str]) -> Forwarded:
    """Post once, without following redirects or reading the body; whatever goes wrong is an answer of 502."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment must not see it
            answer = session.post(
                url,
                data=body,
                headers=dict(headers),
                timeout=_SECONDS,
                allow_redirects=False,
                stream=True,  # an app may never end its body
            )
    # requests lets through what urllib3 says of a host name with an empty label.
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        return Forwarded(NO_ANSWER, f"The app does not answer ({type(error).__name__}).")
    return Forwarded(answer.status_code, "", answer.headers.get("Retry-After"))
