"""Upload policies: what the app's team lets a client choose, and what it fixes.

A request and a policy result in a grant, or in a refusal that names the field.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from shared.domain.file_limits import REPORT, FileLimits
from shared.errors import FieldError, ForbiddenError, UnprocessableError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_POLICY = "default"

_FILE_NAME = re.compile(r"(?!\.)[^\\/\x00-\x1f\x7f\ud800-\udfff]+")
_MAX_FILE_NAME_UNITS = 255
"""UTF-16 code units, as NTFS counts: APFS counts characters, and 255 bytes of ext4 are never more units.

VOD's mobile SDKs end at 200 (doc 266/33925).
"""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_Choice = TypeVar("_Choice")

_LISTS_OF_WORDS = ("scope", "scp")
"""Claims that are a text of words with blanks between: OAuth's (RFC 8693, section 4.2) and Microsoft's."""
NO_CLAIMS: Mapping[str, object] = MappingProxyType({})

ClaimRules = dict[str, tuple[str | int | bool, ...]]
"""A claim's name, or its path -> the values of which a user must have one."""


class Policy(NamedTuple):
    """The rules for one kind of upload.

    The first entry of each list is the default; an empty list leaves the client nothing to choose.
    `max_duration`, in seconds, is compared with the real file only: a client does not declare it. `claims`
    names the users who may use it: those whose token has all of them, or anybody if empty. `client` is the
    kind of SDK that it is for; nothing is signed by it, and `local.deploy.mobile_policies` warns by it.
    `on_violation` is what is done with a file beyond the last three.
    """

    client: Literal["web", "mobile"] | None
    claims: ClaimRules
    procedures: tuple[str, ...]
    storage_regions: tuple[str, ...]
    class_ids: tuple[int, ...]
    ttl_seconds: int
    one_time: bool
    task_priority: int
    task_notify_mode: Literal["Finish", "Change", "None"]
    vod_sub_app_id: int | None
    file_types: tuple[str, ...]
    max_file_size: int | None
    max_duration: int | None
    on_violation: Literal["report", "forbid", "delete"]


class SignatureRequest(NamedTuple):
    """The body of POST /signature; None: not chosen."""

    upload_id: str | None
    cover: bool | None
    policy: str | None
    context: str | None
    procedure: str | None
    storage_region: str | None
    class_id: int | None
    file_name: str | None
    file_size: int | None
    file_type: str | None
    md5: str | None
    sha1: str | None


class Grant(NamedTuple):
    """The parameters of every signature of one upload, fixed when its session begins.

    `limits` and the digests, in lower-case hex, are not signed: they are compared with the real file. None as
    `limits`: they are lost. `on_violation` is what is done with a file beyond the limits.
    """

    policy: str
    ttl_seconds: int
    one_time: bool
    context: str = ""
    procedure: str | None = None
    storage_region: str | None = None
    class_id: int | None = None
    task_priority: int = 0
    task_notify_mode: str = "Finish"
    vod_sub_app_id: int | None = None
    file_name: str | None = None
    file_size: int | None = None
    file_type: str | None = None
    md5: str | None = None
    sha1: str | None = None
    limits: FileLimits | None = None
    on_violation: str = REPORT


def grant_for(
    request: SignatureRequest,
    policies: Mapping[str, Policy],
    *,
    vod_sub_app_id: int | None,
    claims: Mapping[str, object] = NO_CLAIMS,
) -> Grant:
    """Decide the parameters of a new upload. `vod_sub_app_id` applies where the policy names none.

    `claims` are the user's.

    Raises:
        ForbiddenError: there is no policy of that name, or not for this user: nobody can tell which.
        UnprocessableError: with one field error for each value off the policy.

    """
    name = DEFAULT_POLICY if request.policy is None else request.policy
    policy = policies.get(name)
    if policy is None or not are_met(policy.claims, claims):
        field_error = FieldError("/policy", "Unknown.")
        raise ForbiddenError("There is no such policy for this user.", field_errors=(field_error,))
    if field_errors := _errors_in(request, policy):
        raise UnprocessableError(f"The policy {name!r} does not allow this.", field_errors=field_errors)
    return Grant(
        policy=name,
        context=request.context or "",
        procedure=_choice(request.procedure, policy.procedures),
        storage_region=_choice(request.storage_region, policy.storage_regions),
        class_id=_choice(request.class_id, policy.class_ids),
        ttl_seconds=policy.ttl_seconds,
        one_time=policy.one_time,
        task_priority=policy.task_priority,
        task_notify_mode=policy.task_notify_mode,
        vod_sub_app_id=policy.vod_sub_app_id or vod_sub_app_id,
        file_name=request.file_name,
        file_size=request.file_size,
        file_type=request.file_type,
        md5=request.md5,
        sha1=request.sha1,
        limits=FileLimits(policy.max_file_size, policy.max_duration, policy.file_types),
        on_violation=policy.on_violation,
    )


def chosen(request: SignatureRequest) -> dict[str, object]:
    """Return what a request says of its upload, apart from its id."""
    members = request._replace(upload_id=None, cover=None)._asdict()
    return {name: value for name, value in members.items() if value is not None}


def refuse_change(request: SignatureRequest, grant: Grant) -> None:
    """Check that a renewal changes nothing of what the session began with.

    Raises:
        UnprocessableError: with one field error for each member that differs.

    """
    field_errors = tuple(
        FieldError(f"/{camel_case(name)}", "Differs from what this upload began with.")
        for name, value in chosen(request).items()
        if value != getattr(grant, name)
    )
    if field_errors:
        raise UnprocessableError(
            "All signatures of one upload carry the same parameters.", field_errors=field_errors
        )


def camel_case(name: str) -> str:
    """Convert a member's name to its name in JSON: `storage_region` -> `storageRegion`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _choice(chosen: _Choice | None, offered: tuple[_Choice, ...]) -> _Choice | None:
    return offered[0] if chosen is None and offered else chosen


def _errors_in(request: SignatureRequest, policy: Policy) -> tuple[FieldError, ...]:
    return (
        *_off_list("/procedure", request.procedure, policy.procedures),
        *_off_list("/storageRegion", request.storage_region, policy.storage_regions),
        *_off_list("/classId", request.class_id, policy.class_ids),
        *_text_errors("/context", request.context),
        *_file_errors(request, policy),
    )


def _off_list(pointer: str, value: object, allowed: tuple[object, ...]) -> list[FieldError]:
    if value is None or value in allowed:
        return []
    return [FieldError(pointer, f"Not on the policy's list: {_listed(allowed)}.")]


def _text_errors(pointer: str, text: str | None) -> list[FieldError]:
    if text is not None and _UNPRINTABLE.search(text):
        return [FieldError(pointer, "Control characters and lone surrogates are not allowed.")]
    return []


def _file_errors(request: SignatureRequest, policy: Policy) -> list[FieldError]:
    field_errors = []
    if request.file_name is not None and not _is_file_name(request.file_name):
        rule = "Must have 1 to 255 UTF-16 units, no dot in front, no \\, / or control character."
        field_errors.append(FieldError("/fileName", rule))
    if request.file_size is not None and request.file_size < 1:
        field_errors.append(FieldError("/fileSize", "Must be at least 1 byte."))
    if policy.max_file_size is not None:
        if request.file_size is None:
            field_errors.append(FieldError("/fileSize", "Required: this policy limits the size."))
        elif request.file_size > policy.max_file_size:
            field_errors.append(FieldError("/fileSize", f"Must be at most {policy.max_file_size} bytes."))
    if not policy.file_types:
        return field_errors + _text_errors("/fileType", request.file_type)
    return field_errors + _file_type_errors(request, policy.file_types)


def _is_file_name(name: str) -> bool:
    return bool(_FILE_NAME.fullmatch(name)) and len(name.encode("utf-16-le")) <= 2 * _MAX_FILE_NAME_UNITS


def _file_type_errors(request: SignatureRequest, allowed: tuple[str, ...]) -> list[FieldError]:
    extension = request.file_name.rpartition(".")[2] if request.file_name else None
    if request.file_type is None and extension is None:
        return [FieldError("/fileType", f"Required: this policy limits the type to {_listed(allowed)}.")]
    declared = (("/fileType", request.file_type), ("/fileName", extension))
    return [
        FieldError(pointer, f"The type must be one of {_listed(allowed)}.")
        for pointer, file_type in declared
        if file_type is not None and file_type.lower() not in allowed
    ]


def _listed(choices: tuple[object, ...]) -> str:
    return ", ".join(str(choice) for choice in choices) or "nothing may be chosen"


def are_met(rules: Mapping[str, tuple[str | int | bool, ...]], claims: Mapping[str, object]) -> bool:
    """Return whether every named claim is present with an allowed value, or a list that has one.

    A rule names its claim as `claim_at` does. Values are compared as in JSON: `1`, `"1"` and `true` differ.
    A text in `scope` or `scp` also counts as the list of its words; in any other claim, which may hold what
    users write themselves, blanks separate nothing.
    """
    return all(
        _is_let_in(claim_at(name, claims), allowed, is_list_of_words=name in _LISTS_OF_WORDS)
        for name, allowed in rules.items()
    )


def claim_at(path: str, claims: Mapping[str, object]) -> object:
    """Return the claim of exactly this name, else the member of nested objects that the dots lead to.

    `realm_access.roles` is in the object `realm_access`. None if there is none.
    """
    if path in claims:
        return claims[path]
    outer, _, inner = path.partition(".")
    nested = claims.get(outer)
    return claim_at(inner, nested) if isinstance(nested, dict) else None


def _is_let_in(given: object, allowed: tuple[str | int | bool, ...], *, is_list_of_words: bool) -> bool:
    values = given if isinstance(given, list) else [given]
    if is_list_of_words and isinstance(given, str):
        values = [given, *given.split(" ")]
    # In Python True equals 1; in JSON it does not.
    return any(type(value) is type(choice) and value == choice for value in values for choice in allowed)
