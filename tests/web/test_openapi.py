"""The OpenAPI document as a program that generates a client reads it: it names classes by the titles of schemas
and functions by operation ids, drops what has a name twice, and needs to know where to send requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from oppsync.kernel.settings import Settings
from tests.web.office import Office
from web.app import create_app

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    found = app.test_client().get("/api/v1/openapi.json").json
    assert isinstance(found, dict)
    validate(found)
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from references(each)


def generated(document: dict[str, Any]) -> dict[str, str]:
    """The functions of a client, each with the class of its body, if it takes one. As generators do it: a class
    whose name is taken is dropped, and so is every function that would need it."""
    schemas = document["components"]["schemas"]
    names = Counter(schema["title"] for schema in schemas.values() if "title" in schema)
    dropped = {f"#/components/schemas/{name}" for name in schemas if names[schemas[name].get("title")] > 1}
    while (
        more := {
            f"#/components/schemas/{name}"
            for name in schemas
            if dropped.intersection(references(schemas[name]))
        }
        - dropped
    ):
        dropped |= more
    client = {}
    for called, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if not dropped.intersection(references(operation)):
            name = body.get("$ref", "").rsplit("/", 1)[-1]
            client[operation["operationId"]] = f"{called} {schemas[name]['title'] if name else ''}".strip()
    return client


def test_a_client_has_every_operation_under_a_name_of_its_own(document: dict[str, Any]) -> None:
    client = generated(document)

    assert len(client) == len(list(operations(document)))
    assert client["preview_document"] == "POST /api/v1/plans/preview OpportunityInput"
    assert client["preview_record"] == "GET /api/v1/plans/preview"
    assert all(name.isidentifier() for name in client)


def test_a_schema_is_called_as_its_title_says(document: dict[str, Any]) -> None:
    """What is sent is another schema than what is answered: amounts may be numbers, defaults left out."""
    schemas = document["components"]["schemas"]
    assert {name: schema["title"] for name, schema in schemas.items()} == {name: name for name in schemas}
    known = {f"#/components/{kind}/{name}" for kind, parts in document["components"].items() for name in parts}
    assert set(references(document)) <= known


def test_the_document_says_where_requests_go(document: dict[str, Any], settings: Settings) -> None:
    assert [server["url"] for server in document["servers"]] == [settings.base_url]


def test_every_application_shows_the_same_document(app: Flask, office: Office) -> None:
    """They share what it is made of, so none may change it for the others."""
    documents = [
        each.test_client().get("/api/v1/openapi.json").text for each in (app, create_app(office.application))
    ]
    assert documents[0] == documents[1]
