"""Explain an upload signature: its parameters, whether a key signed it, and what VOD could refuse."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote_plus, unquote_to_bytes

from shared.vod.signature import WIRE_NAMES, decode, is_signed_with, parameter_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.vod.signature import DecodedSignature

CLOCK_TOLERANCE_SECONDS = 60  # ours: what VOD tolerates is not published
REDACTED = "[SecretKey]"

_KNOWN = {name.lower(): name for name in WIRE_NAMES.values()}
_NUMBERS = frozenset({"currentTimeStamp", "expireTime", "random", "classId", "taskPriority", "vodSubAppId"})
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}")
_TEN_DIGITS = re.compile(r"[0-9]{1,10}")
# All that the encoders of the official samples leave as it is, and a plus sign for a space.
_ENCODED = re.compile(r"(?:[A-Za-z0-9._~!'()*+-]|%[0-9A-Fa-f]{2})*")

Verdict = Literal["valid", "invalid", "unverified"]


@dataclass(frozen=True)
class Explanation:
    """What a signature contains (wire name -> text, in its order), and what is wrong with it.

    `verdict` is about the digest alone; `unverified`: no key was given. `problems` are sentences. VOD is sure
    to accept a signature only if it is `valid` and has no problems.
    """

    parameters: Mapping[str, str]
    verdict: Verdict
    problems: tuple[str, ...]

    @property
    def issued_at(self) -> int | None:
        """Unix seconds of `currentTimeStamp`, or None if it is not a time."""
        return _unix_seconds(self.parameters.get("currentTimeStamp", ""))

    @property
    def expires_at(self) -> int | None:
        """Unix seconds of `expireTime`, or None if it is not a time."""
        return _unix_seconds(self.parameters.get("expireTime", ""))


def explain(signature: str, *, now: int, secret_key: str | None = None) -> Explanation:
    """Explain a signature as of `now` (Unix seconds); the key is never part of the result.

    Raises:
        InvalidRequestError: the text is no upload signature.
        ConfigurationError: the key is empty or not text.

    """
    decoded = decode(signature)
    verdict: Verdict = "unverified"
    problems: list[str] = []
    if secret_key is not None:
        verdict = "valid" if is_signed_with(decoded, secret_key) else "invalid"
        problems += _key_problems(decoded, secret_key)
        decoded = _without_key(decoded, secret_key)

    said = Explanation(MappingProxyType(decoded.values), verdict, ())
    problems += [*_text_problems(decoded.original), *_encoding_problems(decoded), *_name_problems(decoded)]
    problems += [*_value_problems(said), *_time_problems(said, now)]
    return replace(said, problems=tuple(problems))


def iso_time(seconds: int) -> str:
    """Format Unix seconds (at most ten digits) as a UTC time, such as `2026-10-30T00:00:00Z`."""
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _key_problems(decoded: DecodedSignature, secret_key: str) -> Iterator[str]:
    if any(secret_key in text for pair in decoded.pairs for text in pair):
        yield "The SecretKey itself stands in the text, readable by everybody: replace that key at once."
    if is_signed_with(decoded, secret_key):
        return
    if is_signed_with(decoded._replace(original=unquote_plus(decoded.original)), secret_key):
        yield "The digest was taken before the values were percent-encoded: it must cover the encoded text."
    else:
        yield "The digest is not that of this SecretKey: another key signed, or the text was changed since."


def _without_key(decoded: DecodedSignature, secret_key: str) -> DecodedSignature:
    pairs = [
        (name.replace(secret_key, REDACTED), value.replace(secret_key, REDACTED))
        for name, value in decoded.pairs
    ]
    return decoded._replace(pairs=tuple(pairs))


def _text_problems(original: str) -> Iterator[str]:
    if any("\udc80" <= character <= "\udcff" for character in original):
        yield "The text is not UTF-8."
    if not all(part.find("=") > 0 for part in original.split("&")):
        yield "A part of the text is no name=value: is there a value with a bare & in it?"


def _encoding_problems(decoded: DecodedSignature) -> Iterator[str]:
    encoded_values = (part.partition("=")[2] for part in decoded.original.split("&") if part)
    for (name, _), encoded in zip(decoded.pairs, encoded_values, strict=True):
        if not encoded:
            yield f"{_shown(name)} has no value: leave it out instead."
        elif not _ENCODED.fullmatch(encoded):
            yield f"{_shown(name)} is not percent-encoded."
        elif not _is_utf8(unquote_to_bytes(encoded)):
            yield f"{_shown(name)} is percent-encoded, but not from UTF-8."


def _name_problems(decoded: DecodedSignature) -> Iterator[str]:
    for name, times in Counter(name for name, _ in decoded.pairs).items():
        if times > 1:
            yield f"{_shown(name)} is given {times} times; the first is shown."
        if name not in _KNOWN.values():
            meant = _KNOWN.get(name.lower())
            yield f"{_shown(name)} is no parameter that VOD documents" + (
                f": {meant} is meant, and the case of letters counts." if meant else "."
            )


def _value_problems(said: Explanation) -> Iterator[str]:
    typed = {name: _typed(name, text) for name, text in said.parameters.items() if text}
    for fault in parameter_errors(typed):
        yield f"{fault.pointer.removeprefix('/')} {fault.detail}."


def _time_problems(said: Explanation, now: int) -> Iterator[str]:
    issued_at, expires_at = said.issued_at, said.expires_at
    if expires_at is not None and expires_at <= now:
        yield f"It expired at {iso_time(expires_at)}."
    if issued_at is not None and issued_at > now + CLOCK_TOLERANCE_SECONDS:
        yield f"currentTimeStamp lies in the future, at {iso_time(issued_at)}: is the signer's clock right?"


def _typed(name: str, text: str) -> object:
    """Convert a value to its parameter's type; a malformed one stays text and fails the check."""
    if name in _NUMBERS and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if name == "oneTimeValid":
        return {"0": False, "1": True}.get(text, text)
    return text


def _unix_seconds(text: str) -> int | None:
    return int(text) if _TEN_DIGITS.fullmatch(text) else None


def _is_utf8(encoded: bytes) -> bool:
    try:
        encoded.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(name: str) -> str:
    # Names come from whoever made the signature: nothing that moves a terminal's cursor gets out.
    return name if name in _KNOWN.values() else repr(name[:40])
