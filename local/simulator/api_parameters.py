"""Parameters of a server API call, validated with the official error codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from local.simulator.tc3_authorization import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ApiParameters:
    """The members of a call's body; null counts as absent, as the SDKs send it.

    In a form every value is a text (`are_texts`), numbers among them.
    """

    values: Mapping[str, object]
    are_texts: bool = False

    def refuse_others_than(self, known: frozenset[str]) -> None:
        """Refuse parameters that the action does not have.

        Raises:
            ApiError: UnknownParameter.

        """
        unknown = sorted(set(self.values) - known)
        if unknown:
            raise ApiError("UnknownParameter", f"The parameter `{unknown[0][:64]}` is not recognized.")

    def text(self, name: str) -> str:
        """Return a string; empty if absent."""
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise _wrong_type(name)
        return value

    def integer(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        value = self.values.get(name)
        if value is None:
            return default
        if self.are_texts and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong_type(name)
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of strings; empty if absent."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _wrong_type(name)
        return value

    def inner(self, name: str) -> ApiParameters:
        """Return a nested object; empty if absent."""
        value = self.values.get(name)
        if value is None:
            return ApiParameters({})
        if not isinstance(value, dict):
            raise _wrong_type(name)
        return ApiParameters(value, self.are_texts)

    def items(self, name: str) -> list[ApiParameters]:
        """Return a list of objects; empty if absent."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise _wrong_type(name)
        return [ApiParameters(item, self.are_texts) for item in value]

    def instant(self, name: str) -> float | None:
        """Return an ISO 8601 time as Unix seconds; None if absent."""
        text = self.text(name)
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            raise ApiError(f"InvalidParameterValue.{name}", f"{name} is no time in ISO 8601.") from None
        return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()


def invalid_value(name: str, message: str) -> ApiError:
    """Return the error InvalidParameterValue with the parameter's name, as in the SDK's list of codes."""
    return ApiError(f"InvalidParameterValue.{name}", message)


def _wrong_type(name: str) -> ApiError:
    return ApiError("InvalidParameter", f"The parameter `{name}` is not of the expected type.")
