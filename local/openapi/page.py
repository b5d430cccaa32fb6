"""Render the OpenAPI document as plain HTML, without a script or a resource of another host."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.html_page import html_page
from local.openapi.page_members import member_list, prose, resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STYLE_FILE = Path(__file__).with_name("page.css")
_METHODS = ("get", "post", "delete")
_PLACES = {"header": "A header.", "path": "In the path.", "query": "In the query."}

Operation = tuple[str, str, dict[str, Any]]
"""An HTTP method or EVENT, a path or an event type, and its operation in the document."""


def api_page(document: Mapping[str, Any]) -> str:
    """Return the page as HTML."""
    operations = list(_operations(document))
    info = document["info"]
    sections = "".join(_operation(document, operation) for operation in operations)
    return html_page(
        title=f"The API of {info['title']}",
        style_file=STYLE_FILE,
        skip=("operations", "Skip to the operations"),
        body=f"""<header class="top">
      <img src="/icon.svg" alt="" width="36" height="36">
      <div>
        <h1>The API of {escape(info["title"])}</h1>
        <p>{escape(info["summary"])}, version {escape(info["version"])}.</p>
      </div>
    </header>
    <main>
      {_contents(document, operations)}
      <div class="right" id="operations">
        <p class="introduction">{prose(info["description"])}</p>
        {sections}
      </div>
    </main>""",
    )


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        common = {"parameters": item.get("parameters", [])}
        for method in (method for method in _METHODS if method in item):
            parameters = common["parameters"] + item[method].get("parameters", [])
            yield method.upper(), path, {**item[method], "parameters": parameters}
    for event_type, item in document["webhooks"].items():
        yield "EVENT", event_type, item["post"]


def _contents(document: Mapping[str, Any], operations: list[Operation]) -> str:
    groups = []
    for tag in document["tags"]:
        links = "".join(
            f'<li><a href="#{operation["operationId"]}">{_badge(method)} <code>{escape(path)}</code></a></li>'
            for method, path, operation in operations
            if tag["name"] in operation["tags"]
        )
        groups.append(
            f'<h2>{escape(tag["name"])}</h2><p class="hint">{prose(tag["description"])}</p><ul>{links}</ul>'
        )
    file = '<p><a href="/local/openapi.json">openapi.json</a></p>'
    return f'<nav class="card contents" aria-label="Operations and events">{"".join(groups)}{file}</nav>'


def _operation(document: Mapping[str, Any], operation: Operation) -> str:
    method, path, told = operation
    name = told["operationId"]
    heading = f'<h2 id="{name}-title">{_badge(method)} <code>{escape(path)}</code></h2>'
    summary = "" if method == "EVENT" else f'<p class="summary">{escape(told["summary"])}</p>'
    return (
        f'<section class="card operation" id="{name}" aria-labelledby="{name}-title">{heading}{summary}'
        f"<p>{prose(told['description'])}</p>{_access(method, told)}{_parameters(document, told)}"
        f"{_request(document, told)}{_answers(document, told)}</section>"
    )


def _badge(method: str) -> str:
    return f'<span class="method" data-method="{method}">{method}</span>'


def _access(method: str, operation: Mapping[str, Any]) -> str:
    if operation["security"]:
        return '<p class="hint">Needs <code>Authorization: Bearer &lt;JWT&gt;</code>.</p>'
    return "" if method == "EVENT" else '<p class="hint">The address is the secret; no header is needed.</p>'


def _parameters(document: Mapping[str, Any], operation: Mapping[str, Any]) -> str:
    parameters = [resolved(document, parameter) for parameter in operation.get("parameters", [])]
    if not parameters:
        return ""
    schema = {
        "type": "object",
        "properties": {
            each["name"]: {**each["schema"], "description": f"{_PLACES[each['in']]} {each['description']}"}
            for each in parameters
        },
        "required": [each["name"] for each in parameters if each["required"]],
    }
    return f"<h3>Parameters</h3>{member_list(document, schema)}"


def _request(document: Mapping[str, Any], operation: Mapping[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    return f"<h3>Body</h3>{_bodies(document, operation['requestBody']['content'])}"


def _answers(document: Mapping[str, Any], operation: Mapping[str, Any]) -> str:
    parts = []
    for status, answer in sorted(operation["responses"].items()):
        told = resolved(document, answer)
        summary = f'<span class="status">{escape(status)}</span> <span>{prose(told["description"])}</span>'
        inside = _headers(document, told) + _bodies(document, told.get("content", {}))
        parts.append(
            f"<details><summary>{summary}</summary>{inside}</details>"
            if inside
            else f'<p class="bare">{summary}</p>'
        )
    return f'<h3>Answers</h3><div class="answers">{"".join(parts)}</div>'


def _headers(document: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    headers = {name: resolved(document, header) for name, header in answer.get("headers", {}).items()}
    if not headers:
        return ""
    schema = {
        "properties": {
            name: {**header["schema"], "description": header["description"]}
            for name, header in headers.items()
        },
        "required": [name for name, header in headers.items() if header["required"]],
    }
    return f"<h4>Headers</h4>{member_list(document, schema)}"


def _bodies(document: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    return "".join(
        f"<h4><code>{escape(media_type)}</code></h4>{member_list(document, body['schema'])}"
        f"{_example(body['example'])}"
        for media_type, body in content.items()
    )


def _example(example: object) -> str:
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    return (
        f'<details class="example"><summary>Example</summary><pre tabindex="0">{escape(text)}</pre></details>'
    )
