"""Tests of policies, written by the app's team: requests of users, and the expected outcomes.

A file of cases is JSON:

    [{"name": "a teacher gets the course's task flow",
      "user": "alice", "claims": {"role": "teacher"}, "request": {"policy": "course"},
      "expect": {"outcome": "signed", "parameters": {"procedure": "LongVideoPreset", "classId": null}}},
     {"name": "a viewer does not",
      "claims": {"role": "viewer"}, "request": {"policy": "course"},
      "expect": {"outcome": "refused", "status": 403, "fields": ["/policy"]}}]
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, TypeAdapter, ValidationError

from local.operator.policy_trial import try_user

if TYPE_CHECKING:
    from pathlib import Path

    from local.operator.policy_trial import Outcome
    from shared.config.settings import UploadSignatureSettings


class UnreadableCasesError(Exception):
    """The file of cases is invalid; the message is a sentence on what is wrong."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Expectation(_Frozen):
    """The expected outcome of a case; omitted members are not compared.

    A parameter that is None must be absent; `fields` are all JSON pointers, in any order.
    """

    outcome: Literal["signed", "refused"]
    status: StrictInt | None = None
    fields: tuple[StrictStr, ...] | None = None
    parameters: dict[str, StrictInt | StrictStr | None] = Field(default_factory=dict)


class Case(_Frozen):
    """One request and its expected outcome."""

    name: StrictStr
    user: StrictStr = "alice"
    claims: dict[str, Any] = Field(default_factory=dict)
    request: dict[str, Any] = Field(default_factory=dict)
    expect: Expectation


_CASES: TypeAdapter[list[Case]] = TypeAdapter(Annotated[list[Case], Field(min_length=1)])


def read_cases(file: Path) -> tuple[Case, ...]:
    """Read a file of cases.

    Raises:
        UnreadableCasesError: the file cannot be read, or is not of this form.

    """
    try:
        return tuple(_CASES.validate_json(file.read_bytes()))
    except OSError as error:
        raise UnreadableCasesError(f"{file} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        found = error.errors()
        if found[0]["type"] == "json_invalid":
            raise UnreadableCasesError(f"{file} is not JSON.") from None
        # A fault of the whole list beside those of its entries is that none of them counts.
        faults = [fault for fault in found if fault["loc"]] or found
        told = [": ".join(filter(None, (".".join(map(str, it["loc"])), it["msg"]))) for it in faults]
        raise UnreadableCasesError(f"{file}: {'; '.join(told)}.") from None


def try_case(settings: UploadSignatureSettings, case: Case, *, now: float) -> tuple[Outcome, list[str]]:
    """Try one case; return its outcome and each difference from the expected one."""
    outcome = try_user(settings, case.user, case.claims, json.dumps(case.request).encode(), now=now)
    expected = case.expect
    found = outcome.document()
    if expected.outcome != found["outcome"]:
        told = f"{outcome.status}: {outcome.reason}" if not outcome.signed else f"policy {outcome.policy!r}"
        return outcome, [f"expected {expected.outcome}, and it is {found['outcome']} ({told})"]
    differences = []
    if expected.status not in (None, outcome.status):
        differences.append(f"expected status {expected.status}, and it is {outcome.status}: {outcome.reason}")
    if expected.fields is not None and sorted(expected.fields) != sorted(outcome.fields):
        differences.append(
            f"expected the fields {_listed(expected.fields)}, and they are {_listed(outcome.fields)}"
        )
    parameters = outcome.parameters or {}
    differences += [
        f"expected {name} {value!r}, and it is {parameters.get(name)!r}"
        for name, value in expected.parameters.items()
        if parameters.get(name) != value
    ]
    return outcome, differences


def _listed(fields: tuple[str, ...]) -> str:
    return ", ".join(sorted(fields)) or "none"
