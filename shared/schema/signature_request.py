"""The body of POST /signature: from JSON members to a request, or to a refusal that names each member."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.domain.policy import SignatureRequest
from shared.errors import FieldError, UnprocessableError
from shared.schema.validation import ValidationError, errors_in, validate

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_MAX_SHOWN_NAME = 64


def read_signature_request(members: Mapping[str, object]) -> SignatureRequest:
    """Check the members' names and types.

    Raises:
        UnprocessableError: with one field error for each unknown member and wrong type.

    """
    # No name that has to be changed is a member's; pydantic_core reports none with a lone surrogate.
    printable = {
        _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", name): value for name, value in members.items()
    }
    try:
        return validate(SignatureRequest, printable)
    except ValidationError as error:
        field_errors = tuple(
            FieldError(
                _pointer(str(it["loc"][0])),
                "There is no such member." if it["type"] == "extra_forbidden" else f"{it['msg']}.",
            )
            for it in errors_in(error)
        )
    raise UnprocessableError("The request has members that cannot be accepted.", field_errors=field_errors)


def _pointer(name: str) -> str:
    """Write a JSON pointer (RFC 6901) to one member."""
    return "/" + name[:_MAX_SHOWN_NAME].replace("~", "~0").replace("/", "~1")
