"""Upload signatures: parameters and their limits, signing, decoding and verifying.

The scheme (doc 266/33922):

    original   secretId=AKID…&currentTimeStamp=1793318400&expireTime=1793319000&random=3735928559
    digest     HMAC-SHA1, keyed with the SecretKey, over `original` as it stands: 20 bytes
    signature  Base64 of digest and original, one behind the other
"""

from __future__ import annotations

import binascii
import hmac
import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote_plus

from shared.errors import ConfigurationError, FieldError, InvalidRequestError, UnprocessableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_VALIDITY_SECONDS = 7_776_000  # 90 days
MAX_RANDOM = 2**32 - 1
MAX_SIGNATURE_CHARACTERS = 8192  # ours: every signature within the limits below is shorter
_DIGEST_BYTES = 20

WIRE_NAMES = {
    "secret_id": "secretId",
    "current_time_stamp": "currentTimeStamp",
    "expire_time": "expireTime",
    "random": "random",
    "class_id": "classId",
    "procedure": "procedure",
    "task_priority": "taskPriority",
    "task_notify_mode": "taskNotifyMode",
    "source_context": "sourceContext",
    "one_time_valid": "oneTimeValid",
    "vod_sub_app_id": "vodSubAppId",
    "session_context": "sessionContext",
    "storage_region": "storageRegion",
}
"""Field of `SignatureParameters` -> name on the wire, in the order in which they are written."""

_REQUIRED = ("secretId", "currentTimeStamp", "expireTime", "random")
_ONLY_WITH_PROCEDURE = ("taskPriority", "taskNotifyMode")

_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_STORAGE_REGION = re.compile(r"[a-z]{2,16}-[a-z]{1,32}(-[0-9]{1,4})?")


def _integer(lowest: int, highest: int, meaning: str, value: object) -> str | None:
    # A bool is an int to isinstance, and would be written as "True".
    if type(value) is int and lowest <= value <= highest:
        return None
    return f"must be {meaning or f'a whole number from {lowest} to {highest}'}"


def _text(most_bytes: int, value: object) -> str | None:
    # Where the documents say "characters" it is not known whether bytes are meant: bytes satisfy both.
    if not isinstance(value, str):
        return "must be text"
    if not value:
        return "must not be empty"
    if not (value.isascii() and value.isprintable()) and _UNSPEAKABLE.search(value):
        return "must not contain control characters or lone surrogates"
    if len(value.encode()) > most_bytes:
        return f"must be at most {most_bytes} bytes of UTF-8"
    return None


def _task_notify_mode(value: object) -> str | None:
    return None if value in ("Finish", "Change", "None") else 'must be "Finish", "Change" or "None"'


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false (1 or 0 in the signature)"


def _storage_region(value: object) -> str | None:
    # The regions an account has are its own affair, and the list grows: only the form is checked.
    fits = isinstance(value, str) and _STORAGE_REGION.fullmatch(value)
    return None if fits else 'must be a region such as "ap-seoul"'


_unix_seconds = partial(_integer, 0, 9_999_999_999, "Unix time in whole seconds, not milliseconds")
_identifier = partial(_integer, 0, 2**63 - 1, "")

# doc 266/33922; secretId, procedure and the two identifiers have no documented limit, theirs are ours.
_CHECKS: dict[str, Callable[[object], str | None]] = {
    "secretId": partial(_text, 128),
    "currentTimeStamp": _unix_seconds,
    "expireTime": _unix_seconds,
    "random": partial(_integer, 0, MAX_RANDOM, ""),
    "classId": _identifier,
    "procedure": partial(_text, 128),
    "taskPriority": partial(_integer, -10, 10, ""),
    "taskNotifyMode": _task_notify_mode,
    "sourceContext": partial(_text, 250),
    "oneTimeValid": _flag,
    "vodSubAppId": _identifier,
    "sessionContext": partial(_text, 1000),
    "storageRegion": _storage_region,
}


def parameter_errors(values: Mapping[str, object]) -> tuple[FieldError, ...]:
    """Return every error in `values` (wire name -> value); names that VOD does not know are ignored."""
    field_errors = [FieldError(f"/{name}", "is required") for name in _REQUIRED if name not in values]
    for name, check in _CHECKS.items():
        if name in values and (wrong := check(values[name])):
            field_errors.append(FieldError(f"/{name}", wrong))

    issued, expires = values.get("currentTimeStamp"), values.get("expireTime")
    if type(issued) is int and type(expires) is int and not 1 <= expires - issued <= MAX_VALIDITY_SECONDS:
        wrong = f"must lie 1 to {MAX_VALIDITY_SECONDS} seconds (90 days) after currentTimeStamp"
        field_errors.append(FieldError("/expireTime", wrong))

    if "procedure" not in values:
        lonely = [name for name in _ONLY_WITH_PROCEDURE if name in values]
        field_errors += [FieldError(f"/{name}", "is only allowed together with procedure") for name in lonely]
    return tuple(field_errors)


class SignatureParameters(NamedTuple):
    """The parameters of one upload signature (doc 266/33922); `None` leaves one out. Times are Unix seconds.

    Their limits are checked when they are signed.
    """

    secret_id: str
    current_time_stamp: int
    expire_time: int
    random: int
    class_id: int | None = None
    procedure: str | None = None
    task_priority: int | None = None
    task_notify_mode: str | None = None
    source_context: str | None = None
    one_time_valid: bool | None = None
    vod_sub_app_id: int | None = None
    session_context: str | None = None
    storage_region: str | None = None

    def wire_values(self) -> dict[str, str | int]:
        """Return wire name -> value of all that is set, in the order of the wire."""
        return {name: it for name, it in zip(WIRE_NAMES.values(), self, strict=True) if it is not None}


def build_original(parameters: SignatureParameters) -> str:
    """Return the text that is signed: a query string, spaces as `%20`, `oneTimeValid` as 1 or 0.

    Raises:
        UnprocessableError: VOD would refuse a parameter, or read it as something else; names each of them.

    """
    values = parameters.wire_values()
    if field_errors := parameter_errors(values):
        raise UnprocessableError(
            "The upload signature cannot have these parameters.", field_errors=field_errors
        )
    written = [_quoted(it) if isinstance(it, str) else str(int(it)) for it in values.values()]
    return "&".join(map("=".join, zip(values, written, strict=True)))


@lru_cache(maxsize=16)
def _quoted(value: str) -> str:
    """Percent-encode a value; cached, because a signature names its context twice, and each the same key."""
    return quote(value, safe="")


def sign_original(original: str, *, secret_key: str) -> str:
    """Return the upload signature of the text `original`, exactly as given.

    Raises:
        ConfigurationError: the key is empty, or no text that UTF-8 can express.
        InvalidRequestError: `original` is no text that UTF-8 can express.

    """
    signed = _digest(original, secret_key) + _bytes(original)
    return binascii.b2a_base64(signed, newline=False).decode()


def sign(parameters: SignatureParameters, *, secret_key: str) -> str:
    """Return the upload signature that an SDK expects from `getSignature`.

    Raises:
        UnprocessableError: a parameter is off its limits.
        ConfigurationError: the key is empty, or no text that UTF-8 can express.

    """
    return sign_original(build_original(parameters), secret_key=secret_key)


class DecodedSignature(NamedTuple):
    """A decoded signature whose digest has not been verified: see `is_signed_with`.

    `original` stands for the exact bytes that were signed; bytes that are not UTF-8 appear in it
    as surrogate escapes (PEP 383). `pairs` has the decoded names and values in order, with U+FFFD
    for such bytes, so that it can always be encoded.
    """

    digest: bytes
    original: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def values(self) -> dict[str, str]:
        """Name -> value; of a name given twice, the first."""
        values: dict[str, str] = {}
        for name, value in self.pairs:
            values.setdefault(name, value)
        return values


def decode(signature: str) -> DecodedSignature:
    """Decode a signature, whichever of the official samples encoded it.

    A space may be `+` or `%20`, values may be unencoded, and line breaks may stand in the Base64
    (doc 266/33923). Beyond that one signature has one spelling: missing or surplus padding, other
    alphabets and leftover bits are refused.

    Raises:
        InvalidRequestError: this is no upload signature.

    """
    if len(signature) > MAX_SIGNATURE_CHARACTERS:
        raise InvalidRequestError(f"A signature has at most {MAX_SIGNATURE_CHARACTERS} characters.")
    text = "".join(signature.split())
    try:
        signed = binascii.a2b_base64(text)
    except ValueError:
        signed = b""
    if not signed or binascii.b2a_base64(signed, newline=False).decode() != text:
        raise InvalidRequestError("A signature is standard Base64 (A-Z a-z 0-9 + / with = at the end).")
    if len(signed) <= _DIGEST_BYTES:
        raise InvalidRequestError("A signature holds a digest of 20 bytes and a text; this one is too short.")
    digest, original = signed[:_DIGEST_BYTES], signed[_DIGEST_BYTES:]
    return DecodedSignature(digest, original.decode(errors="surrogateescape"), tuple(_pairs(original)))


def is_signed_with(decoded: DecodedSignature, secret_key: str) -> bool:
    """Return whether this key made the digest over this text; compares in constant time.

    Raises:
        ConfigurationError: the key is empty, or no text that UTF-8 can express.

    """
    return hmac.compare_digest(_digest(decoded.original, secret_key), decoded.digest)


class InspectedSignature(NamedTuple):
    """The parameters of a signature (wire name -> text), and whether the SecretKey at hand signed them.

    `is_genuine` is None when no key was given.
    """

    parameters: Mapping[str, str]
    is_genuine: bool | None


def inspect(signature: str, *, secret_key: str | None = None) -> InspectedSignature:
    """Decode a signature and, given the SecretKey, verify its digest.

    Limits and expiry are not checked: see `parameter_errors`.

    Raises:
        InvalidRequestError: the text is no upload signature.
        ConfigurationError: the key is empty, or no text that UTF-8 can express.

    """
    decoded = decode(signature)
    is_genuine = None if secret_key is None else is_signed_with(decoded, secret_key)
    return InspectedSignature(decoded.values, is_genuine)


def _pairs(original: bytes) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in original.decode(errors="replace").split("&") if part)
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in parts]


def _digest(original: str, secret_key: str) -> bytes:
    try:
        key = secret_key.encode()
    except UnicodeEncodeError:
        key = b""
    if not key:
        raise ConfigurationError("The SecretKey is empty, or is not text.")
    return hmac.digest(key, _bytes(original), "sha1")


def _bytes(original: str) -> bytes:
    try:
        return original.encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise InvalidRequestError("The text to sign contains lone surrogates.") from error
