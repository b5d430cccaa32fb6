from __future__ import annotations

import re

import pytest

from shared.errors import ConflictError, FieldError, RateLimitedError, ServiceError, VodApiError
from shared.http import authentication

assert authentication  # it adds an error of its own


def all_errors() -> list[type[ServiceError]]:
    """Return every error class, the base included."""
    found = [ServiceError]
    for kind in found:
        found += kind.__subclasses__()
    return found


def test_codes_are_distinct_words_fit_for_a_uri() -> None:
    """Clients tell errors apart by the code: no two declare one; without its own, an error has its base's."""
    codes = [kind.code for kind in all_errors() if "code" in vars(kind)]

    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_error_carries_its_sentence_and_its_faults() -> None:
    """Callers read attributes and never take a message apart."""
    field_errors = (FieldError("/classId", "Unknown."),)
    error = ConflictError("Too late.", field_errors=field_errors)

    assert (str(error), error.detail, error.field_errors) == ("Too late.", "Too late.", field_errors)
    assert ConflictError("Too late.").field_errors == ()


def test_error_of_the_vod_api_keeps_its_code() -> None:
    """What is to be done about it depends on VOD's own word for it."""
    assert VodApiError("Refused.", vod_code="AuthFailure").vod_code == "AuthFailure"
    assert VodApiError("No answer.").vod_code == ""


@pytest.mark.parametrize(("wait", "told"), [(0, 1), (-3, 1), (1, 1), (7, 7)])
def test_rate_limit_never_says_at_once(wait: int, told: int) -> None:
    """Retry-After is at least one second."""
    assert RateLimitedError("Slowly.", retry_after=wait).retry_after == told
