"""Named upload policies: what the app's team lets a client choose, and what it fixes.

From a request and a policy comes a grant, or a refusal that names the field; authentication,
limits and signing are left to others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from shared.errors import Fault, ForbiddenError, UnprocessableError
from shared.field_types import (
    Field,
    InvalidValueError,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
)
from shared.file_limits import FileLimits
from shared.model import Model, ModelConfig, to_camel
from shared.policy_claims import NO_CLAIMS, NO_RULES, ClaimRules, are_met

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

Name = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Region = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z]{2}-[a-z]+(-\d+)?$")]
FileType = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9]{1,10}$")]


class _Document(Model):
    model_config = ModelConfig(extra="forbid", alias_generator=to_camel, validate_default=True)


class Policy(_Document):
    """What one kind of upload may be.

    Of each list the first entry is the default; an empty list leaves the client nothing to choose.
    `max_duration`, in seconds, is held against the real file alone: a client need not declare it.
    `claims` says whose policy it is: a user's whose token has all of them, and anybody's without.
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
    """What every signature of one upload carries; fixed when the upload session begins.

    `limits` are not among it: they are kept to be held against the real file. None: they are lost.
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
            faults=tuple(
                Fault(_pointer(finding.place), _sentence(finding.kind, finding.message))
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
    """Decide what a new upload may carry. `vod_sub_app_id` is used where the policy names none.

    `claims` are the user's.

    Raises:
        ForbiddenError: there is no policy of that name, or not for this user: nobody can tell which.
        UnprocessableError: with one fault for each value off the policy.

    """
    name = DEFAULT_POLICY if request.policy is None else request.policy
    policy = policies.get(name)
    if policy is None or not are_met(policy.claims, claims):
        raise ForbiddenError("There is no such policy for this user.", faults=(Fault("/policy", "Unknown."),))
    faults = [
        *_off_list("/procedure", request.procedure, policy.procedures),
        *_off_list("/storageRegion", request.storage_region, policy.storage_regions),
        *_off_list("/classId", request.class_id, policy.class_ids),
        *_context_faults(request.context),
        *_file_faults(request, policy),
    ]
    if faults:
        raise UnprocessableError(f"The policy {name!r} does not allow this.", faults=tuple(faults))
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
    """Let a renewal repeat what the session began with, and change nothing of it.

    Raises:
        UnprocessableError: with one fault for each member that differs.

    """
    said = {name: value for name, value in vars(request).items() if name != "upload_id" and value is not None}
    faults = tuple(
        Fault("/" + to_camel(name), "Differs from what this upload began with.")
        for name, value in said.items()
        if value != getattr(grant, name)
    )
    if faults:
        raise UnprocessableError("All signatures of one upload carry the same parameters.", faults=faults)


def _first(choices: tuple[_Choice, ...]) -> _Choice | None:
    return choices[0] if choices else None


def _off_list(pointer: str, value: object, allowed: tuple[object, ...]) -> list[Fault]:
    if value is None or value in allowed:
        return []
    return [Fault(pointer, f"Not on the policy's list: {_listed(allowed)}.")]


def _context_faults(context: str | None) -> list[Fault]:
    if context is not None and _UNPRINTABLE.search(context):
        return [Fault("/context", "Control characters and lone surrogates are not allowed.")]
    return []


def _file_faults(request: SignatureRequest, policy: Policy) -> list[Fault]:
    faults = []
    if request.file_name is not None and not _is_file_name(request.file_name):
        rule = 'Must have 1 to 255 bytes, no dot in front and none of \\ / : * ? " < > |.'
        faults.append(Fault("/fileName", rule))
    if request.file_size is not None and request.file_size < 1:
        faults.append(Fault("/fileSize", "Must be at least 1 byte."))
    if policy.max_file_size is not None:
        if request.file_size is None:
            faults.append(Fault("/fileSize", "This policy limits the size: say how many bytes."))
        elif request.file_size > policy.max_file_size:
            faults.append(Fault("/fileSize", f"Must be at most {policy.max_file_size} bytes."))
    return faults + (_file_type_faults(request, policy.file_types) if policy.file_types else [])


def _is_file_name(name: str) -> bool:
    return bool(_FILE_NAME.fullmatch(name)) and len(name.encode()) <= _MAX_FILE_NAME_BYTES


def _file_type_faults(request: SignatureRequest, allowed: tuple[str, ...]) -> list[Fault]:
    extension = request.file_name.rpartition(".")[2] if request.file_name else None
    if request.file_type is None and extension is None:
        return [Fault("/fileType", f"This policy limits the type: say which of {_listed(allowed)}.")]
    declared = (("/fileType", request.file_type), ("/fileName", extension))
    faults = [
        Fault(pointer, f"The type must be one of {_listed(allowed)}.")
        for pointer, file_type in declared
        if file_type is not None and file_type.lower() not in allowed
    ]
    inner = (request.file_name or "").lower().split(".")[1:-1]
    if not faults and not _PROGRAMS.isdisjoint(inner):
        faults.append(Fault("/fileName", "Must not have a program's extension before its own."))
    return faults


def _listed(choices: tuple[object, ...]) -> str:
    return ", ".join(str(choice) for choice in choices) or "nothing may be chosen"


def _sentence(kind: str, message: str) -> str:
    return "There is no such member." if kind == "extra_forbidden" else f"{message}."


def _pointer(place: tuple[int | str, ...]) -> str:
    """Spell a JSON pointer (RFC 6901) to one member, printable whatever its name was."""
    printable = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(place[0]))[:_MAX_SHOWN_KEY]
    return "/" + printable.replace("~", "~0").replace("/", "~1")
