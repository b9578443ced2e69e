"""What anybody may read: the canonical opportunity's JSON Schema, and the documentation page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.kernel import canonical_json
from web.context import application
from web.refusals import REFUSALS

METHODS = ("get", "post", "patch", "delete")
SCHEMA_PATH = "/schemas/opportunity/1"


def published(document: Callable[[], dict[str, Any]]) -> Blueprint:
    """`document` gives the OpenAPI document, which is complete only once every operation is registered."""
    pages = Blueprint("published", __name__)

    @pages.get(SCHEMA_PATH)
    def opportunity_schema() -> ResponseReturnValue:
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"{application().settings.base_url}/api/v1{SCHEMA_PATH}",
            **Opportunity.model_json_schema(),
        }
        return Response(canonical_json.dumps(schema), content_type="application/schema+json")

    @pages.get("/docs")
    def docs() -> str:
        spec = document()
        return render_template(
            "docs/page.html", spec=spec, groups=operations_by_tag(spec), codes=REFUSALS, name_of=name_of
        )

    return pages


def operations_by_tag(spec: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Tag -> its operations, each with its method and path."""
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in spec.get("tags", ())}
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
                row = {**operation, "method": method.upper(), "path": path, "parameters": parameters}
                groups[operation["tags"][0]].append(row)
    return groups


def name_of(schema: dict[str, Any]) -> str:
    """A schema in a few words: the name of a model, the type of a value."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(name_of(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {name_of(schema.get('items', {}))}"
    if "const" in schema:
        return f"always {schema['const']!r}"
    return " ".join(str(schema[key]) for key in ("type", "format") if key in schema) or "any"
