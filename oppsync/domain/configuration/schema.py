"""The JSON Schema of each file of a bundle, made of the shapes that the rows have."""

from __future__ import annotations

from typing import Any

from oppsync.domain.catalog import CATALOG
from oppsync.domain.configuration.bounds import BOUNDS
from oppsync.domain.configuration.files import FILES, FORMAT, MANIFEST, VALID_FROM, VALID_TO, BundleFile
from oppsync.domain.reference.book import ReferenceKind

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MANIFEST_SCHEMA = {
    "$schema": _DRAFT,
    "title": MANIFEST,
    "type": "object",
    "properties": {"format": {"const": FORMAT}, "firm": {"type": "string", "minLength": 1}},
    "required": ["format", "firm"],
    "additionalProperties": False,
}


def schemas() -> dict[str, Any]:
    """File name -> its schema. A CSV file is described as the list of its rows, each an object by column."""
    return {MANIFEST: _MANIFEST_SCHEMA} | {file.name: _schema(kind, file) for kind, file in FILES.items()}


def _schema(kind: ReferenceKind, file: BundleFile) -> dict[str, Any]:
    shape = CATALOG[kind].shape.model_json_schema(mode="validation")
    definitions = shape.pop("$defs", {})
    day = {"type": "string", "format": "date"}
    parts = {part: {"type": "string", "minLength": 1} for part in file.parts}
    may_miss = set(file.parts) if file.key_is_code else {file.optional}
    needed = [part for part in file.parts if part not in may_miss]
    fields = {name: field | _bounds(kind, name) for name, field in shape["properties"].items()}
    row = {
        "type": "object",
        "properties": {**parts, VALID_FROM: day, VALID_TO: day, **fields},
        "required": [*needed, VALID_FROM, *shape.get("required", ())],
        "additionalProperties": False,
    }
    described = {"description": shape["description"]} if "description" in shape else {}
    document = {"$schema": _DRAFT, "title": file.name, **described, "type": "array", "items": row}
    return {**document, "$defs": definitions} if definitions else document


def _bounds(kind: ReferenceKind, field: str) -> dict[str, int]:
    bounds = BOUNDS.get(kind, {}).get(field)
    if bounds is None:
        return {}
    return {"minimum": int(bounds.least)} | ({} if bounds.most is None else {"maximum": int(bounds.most)})
