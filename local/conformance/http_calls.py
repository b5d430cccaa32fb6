"""HTTP requests to VOD's hosts: each with a time-out, each recorded for the fixture of its question."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element, ParseError

import requests
import urllib3
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from shared.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.conformance.account import Account

CALL_SECONDS = 20.0
"""The longest that one call may take; PullEvents is held for up to 5 s (doc 266/34183)."""
_LARGEST_BODY = 4 * 1024 * 1024
_LISTS = frozenset({"Part", "Upload"})
"""Elements that COS repeats, once for each item of a list."""
_RECORDED_HEADERS = ("content-type", "etag", "location", "access-control-", "x-cos-", "retry-after")

Query = tuple[tuple[str, str | None], ...]


class NoAnswerError(Exception):
    """A call got no answer that can be read; the message names the call and the kind of failure."""


@dataclass(frozen=True)
class Reply:
    """One answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """Return the members of a JSON object; none if the body is not one."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    def xml(self) -> dict[str, Any]:
        """Return the members of an XML document, the root's name under `#`; none if the body is not one."""
        try:
            root = fromstring(self.body)
        except (ParseError, DefusedXmlException, ValueError, RecursionError):
            return {}
        members = _members(root)
        return {"#": _local_name(root), **(members if isinstance(members, dict) else {})}


class HttpCalls:
    """Sends requests to one account's hosts, each for at most `call_seconds`.

    `exchanges` holds what was said since `begin`.
    """

    def __init__(self, account: Account) -> None:
        self._endpoint = account.endpoint
        self._session = requests.Session()
        # Proxies of the environment must not see what is meant for this machine.
        self._session.trust_env = account.endpoint is None
        self._deadline = Deadline(CALL_SECONDS)
        self.call_seconds = CALL_SECONDS
        self.exchanges: list[dict[str, Any]] = []

    def begin(self, seconds: float) -> None:
        """Begin a question: it may take so many seconds in all."""
        self._deadline = Deadline(seconds)
        self.exchanges = []

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(  # noqa: PLR0913  # a request has these parts
        self,
        method: str,
        host: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        """Send one request to one of VOD's hosts; redirects are not followed.

        Raises:
            NoAnswerError: there is no answer in time, or none that is HTTP.

        """
        address = self._endpoint or f"https://{host}"
        target = quote(path, safe="/-_.~") + query_text(query)
        try:
            with self._session.request(
                method,
                address.rstrip("/") + target,
                data=body or None,
                headers={**(headers or {}), "Host": host},
                timeout=min(self.call_seconds, self._deadline.left()),
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = answer.raw.read(_LARGEST_BODY, decode_content=True)
        except TimeoutError:
            raise NoAnswerError(f"the question took too long, before {method} {host}") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise NoAnswerError(f"{method} {host} got no answer ({type(error).__name__})") from None
        names = {name.lower(): value for name, value in answer.headers.items()}
        reply = Reply(answer.status_code, names, content)
        action = (headers or {}).get("X-TC-Action", "")
        sent = {"call": f"{method} {host}{unquote(target)}", "action": action, "bytes": len(body)}
        self.exchanges.append(_recorded(sent, body, reply))
        return reply


def query_text(query: Query) -> str:
    """Return a query string with its question mark; a parameter of None has no value and no `=`."""
    parts = [
        quote(name, safe="") + ("" if value is None else f"={quote(value, safe='-_.~')}")
        for name, value in query
    ]
    return "?" + "&".join(parts) if parts else ""


def _recorded(sent: Mapping[str, Any], body: bytes, reply: Reply) -> dict[str, Any]:
    shown = {name: value for name, value in reply.headers.items() if name.startswith(_RECORDED_HEADERS)}
    return {
        "request": {**sent, "members": Reply(0, {}, body).json()},
        "reply": {"status": reply.status, "headers": shown, "members": reply.json() or reply.xml()},
    }


def _members(element: Element) -> dict[str, Any] | str:
    children = list(element)
    if not children:
        return (element.text or "").strip()
    found: dict[str, Any] = {}
    for child in children:
        name = _local_name(child)
        if name in _LISTS:
            found.setdefault(name, []).append(_members(child))
        else:
            found[name] = _members(child)
    return found


def _local_name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
