"""pydantic inside flask-smorest: the three joints by which our models reach its arguments, its answers and
its OpenAPI document, without writing a field twice.

flask-smorest, webargs and apispec see marshmallow schemas; `ModelSchema` looks like one and is a model.
Bodies are read strictly and exactly: JSON fractions never become floats, and whatever is wrong with a body
or a parameter becomes one problem document that names each field.
"""

from __future__ import annotations

import http
from collections.abc import Callable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any, Literal, NoReturn, TypeVar

import flask
import flask_smorest
import marshmallow as ma
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from webargs import core
from webargs.flaskparser import FlaskParser, is_json_request

from oppsync.kernel import canonical_json
from oppsync.kernel.json_pointer import pointer
from web.problems import FieldError, Problem

Mode = Literal["validation", "serialization"]
View = TypeVar("View", bound=Callable[..., Any])
_FIXES = {
    "missing": "Add this field.",
    "extra_forbidden": "Remove this field.",
}
_FIX = "Correct the value and send the request again."


class ModelSchema(ma.Schema):
    """A pydantic shape where marshmallow is expected."""

    def __init__(self, shape: Any, mode: Mode) -> None:
        super().__init__()
        self.mode = mode
        self.adapter: TypeAdapter[Any] = TypeAdapter(shape)

    def __deepcopy__(self, _memo: object) -> ModelSchema:
        """It never changes, and flask-smorest copies what an operation takes and answers many times."""
        return self

    def load(self, data: Any, **_: Any) -> Any:
        """From a JSON body (strict) or query parameters (text is parsed)."""
        try:
            if hasattr(data, "getlist"):
                return self.adapter.validate_python({name: _one(data.getlist(name)) for name in data})
            return self.adapter.validate_json(canonical_json.dumps(data), strict=True)
        except ValidationError as error:
            raise ma.ValidationError({"errors": [field_error(each) for each in error.errors()]}) from None

    def dump(self, obj: Any, **_: Any) -> Any:
        value = self.adapter.validate_python(obj, from_attributes=True)
        return self.adapter.dump_python(value, mode="json", by_alias=True)

    @cached_property
    def json_schema(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """How to refer to the shape, and the named parts it is made of, to be read only: every document shares
        them. Each part has its name as its title, since programs that generate a client name its classes by
        titles."""
        suffix = "Input" if self.mode == "validation" else ""
        shown = self.adapter.json_schema(mode=self.mode, ref_template=f"#/components/schemas/{{model}}{suffix}")
        parts = {name + suffix: part for name, part in shown.pop("$defs", {}).items()}
        if "title" in shown:
            name = shown["title"] + suffix
            parts[name] = shown
            shown = {"$ref": f"#/components/schemas/{name}"}
        return shown, {name: {**part, "title": name} for name, part in parts.items()}


def _one(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def field_error(error: ErrorDetails) -> FieldError:
    return {
        "pointer": pointer(error["loc"]),
        "code": error["type"].upper(),
        "message": error["msg"],
        "fix": _FIXES.get(error["type"], _FIX),
    }


class Parser(FlaskParser):  # type: ignore[misc, unused-ignore]
    """Reads bodies exactly, and answers with our problem documents."""

    def _raw_load_json(self, req: flask.Request) -> Any:
        if not is_json_request(req):
            if req.content_length:
                raise Problem(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    "UNSUPPORTED_MEDIA_TYPE",
                    "Send the body as JSON, with the header Content-Type: application/json.",
                )
            return core.missing
        try:
            document = canonical_json.loads(req.get_data())
        except canonical_json.UnreadableJson as error:
            raise Problem(
                HTTPStatus.BAD_REQUEST, "UNREADABLE_JSON", f"The body is not JSON we accept: {error}."
            ) from None
        return document

    def handle_error(self, error: ma.ValidationError, *_: Any, **__: Any) -> NoReturn:
        # {"json" or "query": what `ModelSchema.load` found}
        located: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
        errors = next(iter(located.values()))["errors"]
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "INVALID_INPUT",
            "The request is not as documented; each fault is listed under errors.",
            errors=errors,
        )


class Converter(OpenAPIConverter):
    """Writes a model's JSON Schema into the document instead of a marshmallow schema's."""

    def resolve_nested_schema(self, schema: Any) -> Any:
        if not isinstance(schema, ModelSchema):
            return super().resolve_nested_schema(schema)  # type: ignore[no-untyped-call, unused-ignore]
        shown, parts = schema.json_schema
        self._keep(parts)
        return shown

    def schema2parameters(self, schema: Any, *, location: str, **kwargs: Any) -> Any:
        if not isinstance(schema, ModelSchema):
            return super().schema2parameters(schema, location=location, **kwargs)  # type: ignore[no-untyped-call, unused-ignore]
        shown, parts = schema.json_schema
        own = shown["$ref"].rsplit("/", 1)[-1]
        self._keep({name: part for name, part in parts.items() if name != own})
        body = parts[own]
        required = body.get("required", ())
        return [
            {
                "name": name,
                "in": location,
                "required": name in required,
                "description": part.get("description", ""),
                "schema": {key: value for key, value in part.items() if key != "description"},
            }
            for name, part in body["properties"].items()
        ]

    def _keep(self, parts: Mapping[str, Any]) -> None:
        for name, part in parts.items():
            if self.spec.components.schemas.setdefault(name, part) != part:
                raise ValueError(f"two unlike models are called {name}")


class PydanticPlugin(MarshmallowPlugin):
    Converter = Converter


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """flask-smorest's blueprint with typed decorators that take pydantic models."""

    ARGUMENTS_PARSER = Parser()

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """The view's name is the operation's id: programs that generate a client name its functions by it."""
        routed: Callable[[View], View] = super().route(rule, **options)

        def decorate(view: View) -> View:
            named: View = self.doc(operationId=view.__name__)(view)
            return routed(named)

        return decorate

    def takes(self, shape: type, *, location: Literal["json", "query"] = "json") -> Callable[[View], View]:
        decorated: Callable[[View], View] = self.arguments(ModelSchema(shape, "validation"), location=location)
        return decorated

    def answers(
        self, shape: Any, *, status: HTTPStatus = HTTPStatus.OK, description: str | None = None
    ) -> Callable[[View], View]:
        decorated: Callable[[View], View] = self.response(
            int(status), ModelSchema(shape, "serialization"), description=description
        )
        return decorated

    def answers_file(self, content_type: str) -> Callable[[View], View]:
        """The view returns the response itself."""
        binary = {"type": "string", "format": "binary"}
        decorated: Callable[[View], View] = self.response(int(HTTPStatus.OK), binary, content_type=content_type)
        return decorated

    def answers_nothing(self) -> Callable[[View], View]:
        decorated: Callable[[View], View] = self.response(int(HTTPStatus.NO_CONTENT))
        return decorated

    def refuses(self, *statuses: HTTPStatus) -> Callable[[View], View]:
        """Document the refusals this operation makes, besides those every operation may make."""

        def decorate(view: View) -> View:
            for status in statuses:
                view = self.alt_response(int(status), response=status.name)(view)
            return view

        return decorate


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest without its error component: every refusal is our problem document."""

    def __init__(self, app: flask.Flask, problem: type) -> None:
        self.problem = ModelSchema(problem, "serialization")
        super().__init__(app, spec_kwargs={"marshmallow_plugin": PydanticPlugin()})

    def _register_pagination_header(self) -> None:
        """Lists say in their bodies how they go on."""

    def _register_error_handlers(self) -> None:
        """`web.app` has the one place where errors become answers."""

    def _register_responses(self) -> None:
        for status in http.HTTPStatus:
            self._register_problem(status.name, status.phrase)
        self._register_problem("DEFAULT_ERROR", "Any other refusal")

    def _register_problem(self, name: str, description: str) -> None:
        content = {"application/problem+json": {"schema": self.problem}}
        self.spec.components.response(name, {"description": description, "content": content}, lazy=True)
