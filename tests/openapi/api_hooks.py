"""Hooks of Schemathesis around each request, in addition to its own checks.

Every answer is counted, and checked by the tests' own comparison with the document, which allows no
undescribed header.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import schemathesis

from shared.http.request import IDEMPOTENCY_KEY
from tests.functions.scf import Answer
from tests.openapi.answers_file import ANSWERS_FILE
from tests.openapi.schemas import violations

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, HookContext, Response

_OF_THE_CONNECTION = ("date", "content-length", "connection")

_answers = Path(os.environ[ANSWERS_FILE]).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115 -- for all of the run


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _arguments: dict[str, Any]) -> None:
    """Take a wrong Idempotency-Key out of a request that is to be right.

    In its phase "coverage" Schemathesis 4.30 has `0` for a string of the key's pattern.
    """
    is_right = case.meta is not None and case.meta.generation.mode.is_positive
    if is_right and not re.fullmatch(IDEMPOTENCY_KEY, case.headers.get("Idempotency-Key") or '"a"'):
        del case.headers["Idempotency-Key"]


@schemathesis.hook
def after_call(_context: HookContext, case: Case[Any], response: Response) -> None:
    """Count an answer."""
    _answers.write(json.dumps([_operation(case), response.status_code]) + "\n")


@schemathesis.check
def only_what_is_described(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """Compare an answer with the document: status, every header, media type and body."""
    headers = {name.lower(): ", ".join(values) for name, values in response.headers.items()}
    for name in _OF_THE_CONNECTION:
        headers.pop(name, None)
    if case.method != case.operation.method.upper():
        return  # how other methods are refused has a check of its own
    answer = Answer(response.status_code, headers, response.content.decode())
    assert violations(_operation(case), answer) == []


def _operation(case: Case[Any]) -> str:
    return str(case.operation.definition.raw["operationId"])
