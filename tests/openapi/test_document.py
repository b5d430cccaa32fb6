"""The committed document: equal to the code, valid OpenAPI 3.1, and with valid examples."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from local.openapi import DOCUMENT_FILE
from local.openapi.document import document_text
from local.openapi.problems import PROBLEM_KINDS
from local.repository import REPOSITORY
from shared import errors
from shared.domain.event_status import Verdict
from shared.domain.session import UploadState
from shared.http.response import PROBLEM_TYPE_PREFIX
from shared.schema.models.app_event import EVENTS
from tests.openapi.schemas import contents, document, faults, operations, resolved
from tests.test_layout import code_lines

PATHS = {"/signature", "/uploads", "/uploads/{uploadId}", "/health", "/{callbackToken}"}


def media_types() -> list[tuple[str, dict[str, Any]]]:
    """Return every body of the document, each with a name for the test's output."""
    found = []
    webhooks = {hook["post"]["operationId"]: hook["post"] for hook in document()["webhooks"].values()}
    for name, operation in (operations() | webhooks).items():
        bodies = [operation.get("requestBody", {}), *map(resolved, operation["responses"].values())]
        for body in bodies:
            found += [(f"{name} {kind}", content) for kind, content in body.get("content", {}).items()]
    return found


def references(node: object) -> set[str]:
    """Return what a part of the document refers to."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(references, node.values()))


def test_committed_document_is_what_the_code_says() -> None:
    """`make openapi` leaves the committed document unchanged."""
    assert document_text() == DOCUMENT_FILE.read_text("utf-8")


def test_document_is_openapi_3_1() -> None:
    """Every part of it has the form that the specification's own schema asks for."""
    errors_found = [error.message for error in OpenAPIV31SpecValidator(document()).iter_errors()]

    assert errors_found == []


@pytest.mark.parametrize(
    ("name", "content"), media_types(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_body_has_an_example_that_fits_its_schema(name: str, content: dict[str, Any]) -> None:
    """Examples are made by the code, so a schema that refuses one is wrong."""
    assert name
    assert faults(content["example"], content["schema"]) == []


def test_every_component_is_used() -> None:
    """Every component is referred to, except the event of any type, which is for readers and generators."""
    components = {
        f"#/components/{kind}/{name}"
        for kind in ("headers", "parameters", "responses", "schemas")
        for name in document()["components"][kind]
    }

    assert components - references(document()) == {"#/components/schemas/AppEvent"}


def test_every_function_with_a_url_is_described() -> None:
    """The functions of the paths are those of serverless.yml's HTTP triggers."""
    triggers = re.findall(
        r"type: http\n +function: (\w+)", (REPOSITORY / "serverless.yml").read_text("utf-8")
    )
    served = [path["servers"][0]["description"] for path in document()["paths"].values()]

    assert document()["paths"].keys() == PATHS
    assert list(dict.fromkeys(served)) == [f"The URL of `{function}`" for function in triggers]


def test_every_error_a_caller_can_meet_is_described() -> None:
    """A new class of error has to be entered; what VOD's API or a webhook does never reaches a caller."""
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    described = {type(kind) for group in PROBLEM_KINDS.values() for kind in group}

    # A record that cannot be read is answered as any other failure on our side.
    assert kinds - described == {errors.VodApiError, errors.CallBudgetError, errors.UnreadableRecordError}
    assert errors.UnreadableRecordError.code == errors.ServiceError.code


@pytest.mark.parametrize("name", PROBLEM_KINDS)
def test_problem_says_status_type_and_title_of_its_class(name: str) -> None:
    """What a client compares with comes from the class that is raised."""
    schema = document()["components"]["responses"][name]["content"]["application/problem+json"]["schema"]
    narrowed = schema["allOf"][1]["properties"]
    kinds = PROBLEM_KINDS[name]

    assert {narrowed["status"]["const"]} == {kind.status for kind in kinds}
    assert narrowed["type"]["enum"] == [PROBLEM_TYPE_PREFIX + kind.code for kind in kinds]
    assert set(narrowed["title"]["enum"]) == {kind.title for kind in kinds}


def test_states_and_verdicts_are_those_of_the_code() -> None:
    """Every state can be told, and every verdict but `quarantined`, which is never delivered."""
    schemas = document()["components"]["schemas"]
    events = [schemas[model.__name__] for model in EVENTS.values()]
    verdicts = [content["properties"]["verdict"] for event in events for content in contents(event)]
    told = {word for verdict in verdicts for word in verdict.get("enum", [verdict.get("const")])}

    assert schemas["UploadState"]["enum"] == [state.value for state in UploadState]
    assert told == {verdict.value for verdict in Verdict} - {"quarantined"}


def test_examples_hold_no_secret_of_a_deployment() -> None:
    """The keys in examples are invented."""
    text = DOCUMENT_FILE.read_text("utf-8")

    assert [word for word in ("whsec_", "BEGIN", "redis://", "127.0.0.1") if word in text] == []


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "local/openapi").glob("*.py")), ids=lambda path: path.stem
)
def test_file_is_short(path: Any) -> None:  # noqa: ANN401 -- a path
    """No module of `local/openapi` is long."""
    assert code_lines(path.read_text("utf-8")) <= 210
