"""The base of all models that are JSON objects."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Document(BaseModel):
    """A JSON object with camel-case names and no others; an attribute's docstring is its description."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )
