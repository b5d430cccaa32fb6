"""Hold a parsed `serverless.yml` against `serverless.schema.json`: keys, types and values, one by one.

The schema describes what this repository uses of the component `multi-scf`; its keyword `fault` is what is
said of a value that does not fit.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from local.deploy.nearest import nearest
from local.deploy.serverless_file import entries, inputs_of, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import ValidationError

SCHEMA_FILE = Path(__file__).with_name("serverless.schema.json")
_TYPES = {"integer": "a whole number", "boolean": "true or false", "array": "a list", "object": "a mapping"}


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))


def schema_faults(file: object) -> list[str]:
    """Return a sentence, without its full stop, for each key, type and value that does not fit."""
    found = sorted(_validator().iter_errors(file), key=lambda error: list(map(str, error.absolute_path)))
    # One sentence, however many keywords of a node it breaks.
    return [*dict.fromkeys(sentence for error in found for sentence in _sentences(error, file))]


def _sentences(error: ValidationError, file: object) -> Iterator[str]:
    schema, place = mapping(error.schema), _place(list(error.absolute_path), file)
    fault = str(schema.get("fault") or f"must be {_TYPES.get(str(schema.get('type')), 'a text')}")
    # A wrong type breaks the other keywords as well, and this sentence is about the value.
    if error.validator == "required" and isinstance(error.instance, dict):
        for name in schema["required"]:
            if name not in error.instance:
                expected = mapping(mapping(schema.get("properties")).get(name))
                advice = expected.get("fault", "take its line from the repository")
                yield f"{place}{name} is missing: {advice}"
    elif error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = schema["properties"]
        for name in error.instance:
            if name not in known:
                advice = nearest(str(name), known) or "remove it, the component may drop it without a word"
                yield f"{place}{name} is a key that is not known here: {advice}"
    else:
        yield f"{place.rstrip('., ')} {fault}".lstrip()


def _place(path: list[Any], file: object) -> str:
    """Return where a fault is, as a person names it, with what separates it from a key's name."""
    match path:
        case ["inputs", "functions", name, "environments", int() as number, *rest]:
            listed = entries(mapping(mapping(inputs_of(file).get("functions")).get(name)).get("environments"))
            key = mapping(listed[number]).get("key", f"the {number + 1}. variable")
            return f"{name}: {key}, " + "".join(f"{part}, " for part in rest)
        case ["inputs", "functions", name, *rest]:
            return f"{name}: " + "".join(f"{part}." for part in rest)
        case ["inputs", "triggers", int() as number, *rest]:
            function = mapping(entries(inputs_of(file).get("triggers"))[number]).get("function")
            return f"trigger of {function}: " + "".join(f"{part}." for part in rest if part != "parameters")
        case _:
            return "".join(f"{part}." for part in path)
