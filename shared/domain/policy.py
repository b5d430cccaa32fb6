"""Upload policies: what the app's team lets a client choose, and what it fixes.

A request and a policy result in a grant, or in a refusal that names the field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from shared.domain.file_limits import FileLimits
from shared.errors import FieldError, ForbiddenError, UnprocessableError
from shared.field_types import (
    Field,
    InvalidValueError,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
)
from shared.model import Model, ModelConfig, to_camel

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_POLICY = "default"
MAX_TTL_SECONDS = 86_400
"""Our own cap; VOD would take 90 days (doc 266/33922)."""

_FILE_NAME = re.compile(r'(?!\.)[^\\/:*?"<>|\x00-\x1f\x7f\ud800-\udfff]{1,255}')
_MAX_FILE_NAME_BYTES = 255
"""What file systems take; VOD's mobile SDKs already end at 200 (doc 266/33925)."""
_PROGRAMS = frozenset(
    {
        "apk",
        "app",
        "asp",
        "aspx",
        "bat",
        "cgi",
        "cmd",
        "dll",
        "exe",
        "hta",
        "htm",
        "html",
        "jar",
        "js",
        "jsp",
        "jspx",
        "mjs",
        "msi",
        "php",
        "phtml",
        "pl",
        "ps1",
        "py",
        "rb",
        "scr",
        "sh",
        "svg",
        "vbs",
        "wsf",
        "xhtml",
    }
)
"""Extensions that some web server or desktop runs even in the middle of a name."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_MAX_SHOWN_KEY = 64
_Choice = TypeVar("_Choice")

NO_CLAIMS: Mapping[str, object] = MappingProxyType({})

_ClaimName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=128)]
_ClaimValues = Annotated[tuple[StrictStr | StrictInt | StrictBool, ...], Field(min_length=1)]
ClaimRules = dict[_ClaimName, _ClaimValues]
"""A claim's name -> the values that let its bearer in."""
NO_RULES: ClaimRules = {}

Name = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Region = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z]{2}-[a-z]+(-\d+)?$")]
FileType = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9]{1,10}$")]


class _Document(Model):
    model_config = ModelConfig(extra="forbid", alias_generator=to_camel, validate_default=True)


class Policy(_Document):
    """The rules for one kind of upload.

    The first entry of each list is the default; an empty list leaves the client nothing to choose.
    `max_duration`, in seconds, is compared with the real file only: a client does not declare it. `claims`
    names the users who may use it: those whose token has all of them, or anybody if empty.
    """

    claims: ClaimRules = NO_RULES
    procedures: tuple[Name, ...] = ()
    storage_regions: tuple[Region, ...] = ()
    class_ids: tuple[Annotated[StrictInt, Field(ge=0)], ...] = ()
    ttl_seconds: Annotated[StrictInt, Field(ge=1, le=MAX_TTL_SECONDS)] = 600
    one_time: StrictBool = True
    task_priority: Annotated[StrictInt, Field(ge=-10, le=10)] = 0
    task_notify_mode: Literal["Finish", "Change", "None"] = "Finish"
    vod_sub_app_id: Annotated[StrictInt, Field(ge=1)] | None = None
    file_types: tuple[FileType, ...] = ()
    max_file_size: Annotated[StrictInt, Field(ge=1)] | None = None
    max_duration: Annotated[StrictInt, Field(ge=1)] | None = None


class SignatureRequest(_Document):
    """The body of POST /signature: every member is optional."""

    upload_id: Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")] | None = (
        None
    )
    policy: StrictStr | None = None
    context: StrictStr | None = None
    procedure: StrictStr | None = None
    storage_region: StrictStr | None = None
    class_id: StrictInt | None = None
    file_name: StrictStr | None = None
    file_size: StrictInt | None = None
    file_type: StrictStr | None = None


@dataclass(frozen=True)
class Grant:
    """The parameters of every signature of one upload, fixed when its session begins.

    `limits` are not signed: they are compared with the real file. None: they are lost.
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
    limits: FileLimits | None = None


def read_signature_request(members: Mapping[str, object]) -> SignatureRequest:
    """Check the members' names and types.

    Raises:
        UnprocessableError: with one fault for each unknown member and wrong type.

    """
    try:
        return SignatureRequest.model_validate(members)
    except InvalidValueError as error:
        raise UnprocessableError(
            "The request has members that cannot be accepted.",
            field_errors=tuple(
                FieldError(_pointer(finding.place), _sentence(finding.kind, finding.message))
                for finding in error.findings
            ),
        ) from None


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
        UnprocessableError: with one fault for each value off the policy.

    """
    name = DEFAULT_POLICY if request.policy is None else request.policy
    policy = policies.get(name)
    if policy is None or not are_met(policy.claims, claims):
        raise ForbiddenError(
            "There is no such policy for this user.", field_errors=(FieldError("/policy", "Unknown."),)
        )
    field_errors = [
        *_off_list("/procedure", request.procedure, policy.procedures),
        *_off_list("/storageRegion", request.storage_region, policy.storage_regions),
        *_off_list("/classId", request.class_id, policy.class_ids),
        *_context_errors(request.context),
        *_file_errors(request, policy),
    ]
    if field_errors:
        raise UnprocessableError(
            f"The policy {name!r} does not allow this.", field_errors=tuple(field_errors)
        )
    return Grant(
        policy=name,
        context=request.context or "",
        procedure=request.procedure or _first(policy.procedures),
        storage_region=request.storage_region or _first(policy.storage_regions),
        class_id=_first(policy.class_ids) if request.class_id is None else request.class_id,
        ttl_seconds=policy.ttl_seconds,
        one_time=policy.one_time,
        task_priority=policy.task_priority,
        task_notify_mode=policy.task_notify_mode,
        vod_sub_app_id=policy.vod_sub_app_id or vod_sub_app_id,
        file_name=request.file_name,
        file_size=request.file_size,
        file_type=request.file_type,
        limits=FileLimits(policy.max_file_size, policy.max_duration, policy.file_types),
    )


def refuse_change(request: SignatureRequest, grant: Grant) -> None:
    """Check that a renewal changes nothing of what the session began with.

    Raises:
        UnprocessableError: with one fault for each member that differs.

    """
    said = {name: value for name, value in vars(request).items() if name != "upload_id" and value is not None}
    field_errors = tuple(
        FieldError("/" + to_camel(name), "Differs from what this upload began with.")
        for name, value in said.items()
        if value != getattr(grant, name)
    )
    if field_errors:
        raise UnprocessableError(
            "All signatures of one upload carry the same parameters.", field_errors=field_errors
        )


def _first(choices: tuple[_Choice, ...]) -> _Choice | None:
    return choices[0] if choices else None


def _off_list(pointer: str, value: object, allowed: tuple[object, ...]) -> list[FieldError]:
    if value is None or value in allowed:
        return []
    return [FieldError(pointer, f"Not on the policy's list: {_listed(allowed)}.")]


def _context_errors(context: str | None) -> list[FieldError]:
    if context is not None and _UNPRINTABLE.search(context):
        return [FieldError("/context", "Control characters and lone surrogates are not allowed.")]
    return []


def _file_errors(request: SignatureRequest, policy: Policy) -> list[FieldError]:
    field_errors = []
    if request.file_name is not None and not _is_file_name(request.file_name):
        rule = 'Must have 1 to 255 bytes, no dot in front and none of \\ / : * ? " < > |.'
        field_errors.append(FieldError("/fileName", rule))
    if request.file_size is not None and request.file_size < 1:
        field_errors.append(FieldError("/fileSize", "Must be at least 1 byte."))
    if policy.max_file_size is not None:
        if request.file_size is None:
            field_errors.append(FieldError("/fileSize", "This policy limits the size: say how many bytes."))
        elif request.file_size > policy.max_file_size:
            field_errors.append(FieldError("/fileSize", f"Must be at most {policy.max_file_size} bytes."))
    return field_errors + (_file_type_errors(request, policy.file_types) if policy.file_types else [])


def _is_file_name(name: str) -> bool:
    return bool(_FILE_NAME.fullmatch(name)) and len(name.encode()) <= _MAX_FILE_NAME_BYTES


def _file_type_errors(request: SignatureRequest, allowed: tuple[str, ...]) -> list[FieldError]:
    extension = request.file_name.rpartition(".")[2] if request.file_name else None
    if request.file_type is None and extension is None:
        return [FieldError("/fileType", f"This policy limits the type: say which of {_listed(allowed)}.")]
    declared = (("/fileType", request.file_type), ("/fileName", extension))
    field_errors = [
        FieldError(pointer, f"The type must be one of {_listed(allowed)}.")
        for pointer, file_type in declared
        if file_type is not None and file_type.lower() not in allowed
    ]
    inner = (request.file_name or "").lower().split(".")[1:-1]
    if not field_errors and not _PROGRAMS.isdisjoint(inner):
        field_errors.append(FieldError("/fileName", "Must not have a program's extension before its own."))
    return field_errors


def _listed(choices: tuple[object, ...]) -> str:
    return ", ".join(str(choice) for choice in choices) or "nothing may be chosen"


def _sentence(kind: str, message: str) -> str:
    return "There is no such member." if kind == "extra_forbidden" else f"{message}."


def _pointer(place: tuple[int | str, ...]) -> str:
    """Return the JSON pointer (RFC 6901) to one member, printable whatever its name is."""
    printable = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(place[0]))[:_MAX_SHOWN_KEY]
    return "/" + printable.replace("~", "~0").replace("/", "~1")


def are_met(rules: Mapping[str, tuple[str | int | bool, ...]], claims: Mapping[str, object]) -> bool:
    """Return whether every named claim is present with an allowed value, or a list that has one.

    Values are compared as in JSON: `1`, `"1"` and `true` differ. A claim of several words, like OAuth's
    `scope`, is one text; a claim inside another object cannot be named.
    """
    return all(_is_let_in(claims.get(name), allowed) for name, allowed in rules.items())


def _is_let_in(given: object, allowed: tuple[str | int | bool, ...]) -> bool:
    values = given if isinstance(given, list) else [given]
    # In Python True equals 1; in JSON it does not.
    return any(type(value) is type(choice) and value == choice for value in values for choice in allowed)
