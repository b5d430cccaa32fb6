"""Redact what was said: no key, signature or token is left, and the same id has the same placeholder."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HIDDEN = "secret"
_KINDS = {
    **dict.fromkeys(("signature", "secretid", "secretkey", "token", "sign", "signkey"), _HIDDEN),
    **dict.fromkeys(("storagesignature", "verify_content", "notificationurl"), _HIDDEN),
    "vodsessionkey": "session",
    **dict.fromkeys(("fileid", "vid", "fileids"), "file"),
    **dict.fromkeys(("taskid", "proceduretaskid"), "task"),
    **dict.fromkeys(("uploadid", "uploadidmarker", "nextuploadidmarker"), "upload"),
    **dict.fromkeys(("eventhandle", "eventhandles"), "handle"),
    **dict.fromkeys(("storagebucket", "bucket"), "bucket"),
    **dict.fromkeys(("appid", "storageappid", "subappid"), "application"),
    **dict.fromkeys(("requestid", "traceid", "x-cos-request-id"), "request"),
}
"""Members whose whole value is replaced, by their names in lower case; and by which word."""
_RUN = re.compile(r"[A-Za-z0-9_+=-]{16,}|[0-9]{8,}|(?<![A-Za-z0-9])[0-9a-f]{8,}(?![A-Za-z0-9])")
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_NEVER = "9999-12-31T23:59:59Z"
_LARGEST_FACT = 10_000_000
"""Whole numbers above it are ids or times."""
_NEAR_SECONDS = 100 * 86_400
_SHORTEST = 6
"""A shorter value is not looked for in other texts."""


class Redactor:
    """Redacts all documents of one run, so that an id has one placeholder in all of them.

    `secrets` are replaced wherever they stand; `begun` is when the run began in Unix seconds: times are shown
    as seconds from it.
    """

    def __init__(self, secrets: Iterable[str], *, begun: float) -> None:
        self._begun = begun
        self._names: dict[str, str] = {}
        self._known: tuple[str, ...] = ()
        for text in secrets:
            self._note(text, _HIDDEN)

    def learn(self, document: object) -> None:
        """Note the secrets and ids of a document, so that they are found where other texts contain them."""
        for text, kind in _named_in(document):
            self._note(text, kind)

    def redacted(self, document: object) -> Any:  # noqa: ANN401  # what `document` is
        """Return a copy of what was said, without secrets, ids and times."""
        return self._redacted(document, "", by_member=True)

    def redacted_facts(self, answer: object) -> Any:  # noqa: ANN401  # what `answer` is
        """Return a copy of an answer: a member there is a fact about a member, and not its value."""
        return self._redacted(answer, "", by_member=False)

    def _redacted(self, value: object, member: str, *, by_member: bool) -> Any:  # noqa: ANN401  # what `value` is
        if isinstance(value, dict):
            return {
                name: self._redacted(inner, str(name) if by_member else "", by_member=by_member)
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._redacted(item, member, by_member=by_member) for item in value]
        if isinstance(value, int) and not isinstance(value, bool):
            return self._number(value)
        return self._text(value, member) if isinstance(value, str) else value

    def _note(self, text: str, kind: str) -> None:
        if len(text) >= _SHORTEST and text not in self._names:
            self._placeholder(text, kind)
            self._known = tuple(sorted((*self._known, text), key=len, reverse=True))

    def _text(self, text: str, member: str) -> str:
        kind = _KINDS.get(member.lower())
        if kind and text:
            return self._placeholder(text, kind)
        for known in self._known:
            if known in text:
                text = text.replace(known, self._names[known])
        text = _ISO_TIME.sub(lambda match: self._time(match[0]), text)
        parts = re.split(r"(<[^<>]*>)", text)
        return "".join(part if part.startswith("<") else _RUN.sub(self._run, part) for part in parts)

    def _run(self, match: re.Match[str]) -> str:
        run = match[0]
        # A word has no digit: the names of actions and members stay.
        if not any(map(str.isdigit, run)):
            return run
        return str(self._number(int(run))) if run.isdigit() else self._placeholder(run, "text")

    def _number(self, number: int) -> int | str:
        if -_LARGEST_FACT <= number <= _LARGEST_FACT:
            return number
        if str(number) not in self._names and abs(number - self._begun) <= _NEAR_SECONDS:
            return _since(number - self._begun)
        return self._placeholder(str(number), "number")

    def _time(self, text: str) -> str:
        if text == _NEVER:
            return text
        try:
            instant = datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        except (ValueError, OverflowError):
            return text
        return _since(instant - self._begun)

    def _placeholder(self, text: str, kind: str) -> str:
        if text not in self._names:
            number = sum(name.startswith(f"<{kind} ") for name in self._names.values()) + 1
            self._names[text] = f"<{kind} {number}>"
        return self._names[text]


def _since(seconds: float) -> str:
    return f"<time {round(seconds):+d} s>"


def _named_in(value: object, kind: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the values of all members that have a kind, with it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _named_in(inner, _KINDS.get(str(name).lower()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named_in(item, kind)
    elif kind is not None and isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value), kind
