"""Kantata OX's resources and their allocations, as far as needed to request staff for a project.

Fields, filters and refusals are those of its API documentation (developer.kantata.com: Workspace Resources,
Workspace Allocations). From memory: that an archived project takes no resources, and the texts of errors.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.standins.books import Books
from sandbox.standins.kantata.forms import (
    KantataError,
    created_before,
    fields_of,
    is_date,
    listed,
    now,
    page,
    refused,
)
from sandbox.standins.wire import Call, Json, Reply

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS workspace_resources (
        id INTEGER PRIMARY KEY AUTOINCREMENT, workspace_id INTEGER NOT NULL, role_id INTEGER, user_id INTEGER,
        label TEXT NOT NULL, service_name TEXT, service_model TEXT, service_model_ref TEXT,
        created_at TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS workspace_allocations (
        id INTEGER PRIMARY KEY AUTOINCREMENT, resource_id INTEGER NOT NULL, start_date TEXT NOT NULL,
        end_date TEXT NOT NULL, minutes INTEGER NOT NULL, hard INTEGER NOT NULL, notes TEXT,
        created_at TEXT NOT NULL)""",
)
RESOURCES, ALLOCATIONS = "workspace_resources", "workspace_allocations"
REFERENCE = ("service_name", "service_model", "service_model_ref")
_NEW_RESOURCE = {"workspace_id", "role_id", "user_id", "external_reference"}
_NEW_ALLOCATION = {"resource_id", "start_date", "end_date", "minutes", "hard", "notes"}


class Staffing:
    def __init__(self, books: Books) -> None:
        self._books = books

    def answer(self, call: Call, kind: str, record_id: str | None) -> Reply:
        """Raises KantataError."""
        match call.method, kind, record_id:
            case "GET", "workspace_resources", None:
                return self._resources(call)
            case "POST", "workspace_resources", None:
                return self._one(RESOURCES, self._new_resource(fields_of(call, "workspace_resource")))
            case "PUT", "workspace_resources", str():
                return self._one(RESOURCES, self._named(record_id, fields_of(call, "workspace_resource")))
            case "DELETE", "workspace_resources", str():
                return self._deleted(record_id)
            case "GET", "workspace_allocations", None:
                return self._allocations(call)
            case "POST", "workspace_allocations", None:
                return self._one(ALLOCATIONS, self._new_allocation(fields_of(call, "workspace_allocation")))
            case _:
                raise KantataError(404, "not_found", "The requested resource was not found")

    def books(self) -> list[Json]:
        """Every resource with its reference's id and its allocations, as the control surface shows them."""
        return [
            dict(row) | {"allocations": [dict(each) for each in self._allocations_of(row["id"])]}
            for row in self._books.rows(f"SELECT * FROM {RESOURCES} ORDER BY id")
        ]

    def _resources(self, call: Call) -> Reply:
        where, values = ["created_at <= ?"], [created_before(call)]
        if "workspace_id" in call.args:
            where.append("workspace_id = ?")
            values.append(call.args["workspace_id"])
        if call.args.get("include_unnamed") != "true":
            where.append("user_id IS NOT NULL")
        rows, total = self._page(call, RESOURCES, where, values)
        found = listed(RESOURCES, rows, total, _resource)
        if call.args.get("include") == "external_references":
            referring = [row for row in rows if row["service_name"] is not None]
            found["external_references"] = {str(row["id"]): _reference(row) for row in referring}
            for row in rows:
                ids = [str(row["id"])] if row in referring else []
                found[RESOURCES][str(row["id"])]["external_reference_ids"] = ids
        return Reply(200, found)

    def _allocations(self, call: Call) -> Reply:
        where, values = ["created_at <= ?"], [created_before(call)]
        if "workspace_resource_ids" in call.args:
            ids = call.args["workspace_resource_ids"].split(",")
            where.append(f"resource_id IN ({', '.join('?' * len(ids))})")
            values += ids
        rows, total = self._page(call, ALLOCATIONS, where, values)
        return Reply(200, listed(ALLOCATIONS, rows, total, _allocation))

    def _page(
        self, call: Call, kind: str, where: Sequence[str], values: Sequence[str]
    ) -> tuple[list[sqlite3.Row], int]:
        _, size, before = page(call)
        chosen = f"FROM {kind} WHERE {' AND '.join(where)}"
        total = self._books.rows(f"SELECT count(*) AS n {chosen}", values)[0]["n"]
        sql = f"SELECT * {chosen} ORDER BY id LIMIT ? OFFSET ?"
        return self._books.rows(sql, (*values, size, before)), total

    def _new_resource(self, fields: Mapping[str, Json]) -> sqlite3.Row:
        _known(fields, _NEW_RESOURCE)
        workspace_id = str(fields.get("workspace_id"))
        workspace = self._books.row("SELECT archived FROM workspaces WHERE id = ?", (workspace_id,))
        if workspace is None:
            raise refused("Workspace can't be blank")
        if workspace["archived"]:
            raise refused("Workspace is archived")
        if fields.get("user_id") is None and fields.get("role_id") is None:
            raise refused("Role can't be blank")
        reference = fields.get("external_reference") or {}
        if reference and not all(reference.get(name) for name in REFERENCE):
            raise refused("External reference is invalid")
        own = {name: fields.get(name) for name in ("workspace_id", "role_id", "user_id")}
        label = f"Role {fields.get('role_id')} {len(self.books()) + 1}"
        return self._insert(
            RESOURCES, own | {"label": label} | {name: reference.get(name) for name in REFERENCE}
        )

    def _named(self, resource_id: str, fields: Mapping[str, Json]) -> sqlite3.Row:
        _known(fields, {"user_id"})
        self._find(resource_id)
        sql = f"UPDATE {RESOURCES} SET user_id = ? WHERE id = ? RETURNING *"
        return self._books.rows(sql, (int(fields["user_id"]), resource_id))[0]

    def _deleted(self, resource_id: str) -> Reply:
        if self._find(resource_id)["user_id"] is not None:
            raise refused("The last resource of somebody's primary role can't be deleted")
        self._books.rows(f"DELETE FROM {ALLOCATIONS} WHERE resource_id = ?", (resource_id,))
        self._books.rows(f"DELETE FROM {RESOURCES} WHERE id = ?", (resource_id,))
        return Reply(204)

    def _new_allocation(self, fields: Mapping[str, Json]) -> sqlite3.Row:
        _known(fields, _NEW_ALLOCATION)
        resource = self._find(str(fields.get("resource_id")))
        if not all(is_date(fields.get(name)) for name in ("start_date", "end_date")):
            raise refused("Start date is invalid")
        if fields["end_date"] < fields["start_date"] or not fields.get("minutes"):
            raise refused("End date must not be before start date, minutes must be positive")
        if fields.get("hard", True) and resource["user_id"] is None:
            raise refused("An unnamed resource can only be allocated softly")
        return self._insert(ALLOCATIONS, {**fields, "hard": bool(fields.get("hard", True))})

    def _find(self, resource_id: str) -> sqlite3.Row:
        row = self._books.row(f"SELECT * FROM {RESOURCES} WHERE id = ?", (resource_id,))
        if row is None:
            raise KantataError(404, "not_found", "Workspace resource not found")
        return row

    def _allocations_of(self, resource_id: int) -> list[sqlite3.Row]:
        return self._books.rows(
            f"SELECT * FROM {ALLOCATIONS} WHERE resource_id = ? ORDER BY id", (resource_id,)
        )

    def _insert(self, kind: str, fields: Mapping[str, Json]) -> sqlite3.Row:
        values: dict[str, Any] = {name: int(v) if isinstance(v, Decimal) else v for name, v in fields.items()}
        values["created_at"] = now()
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        sql = f"INSERT INTO {kind} ({columns}) VALUES ({marks}) RETURNING *"
        return self._books.rows(sql, list(values.values()))[0]

    def _one(self, kind: str, row: sqlite3.Row) -> Reply:
        return Reply(200, listed(kind, [row], 1, _resource if kind == RESOURCES else _allocation))


def _known(fields: Mapping[str, Json], writable: set[str]) -> None:
    if unknown := sorted(fields.keys() - writable):
        raise refused(f"{unknown[0]} is not a writable attribute")


def _resource(row: sqlite3.Row) -> dict[str, Json]:
    """A resource without the parts that need `include`."""
    return {name: row[name] for name in ("workspace_id", "label", "created_at")} | {"id": str(row["id"])}


def _allocation(row: sqlite3.Row) -> dict[str, Json]:
    fields = {name: row[name] for name in ("start_date", "end_date", "minutes", "notes", "created_at")}
    return fields | {"id": str(row["id"]), "hard": bool(row["hard"])}


def _reference(row: sqlite3.Row) -> dict[str, Json]:
    return {name: row[name] for name in REFERENCE} | {"id": str(row["id"]), "subject_id": row["id"]}
