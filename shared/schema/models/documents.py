"""The bases of all models that are JSON objects."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Document(BaseModel):
    """A JSON object with camel-case names; an attribute's docstring is its description.

    Open: a later version may have more members.
    """

    model_config = ConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )


class ClosedDocument(Document):
    """A JSON object that is sent to us, or that an operator writes: an unknown member is a mistake."""

    model_config = ConfigDict(extra="forbid")
