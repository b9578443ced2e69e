"""Kantata OX's workspaces over its REST API, as far as needed to create, find and update a project.

The public documentation does not cover the fields that a create accepts, the texts of errors, and the
external_reference filter (exact here): these are from memory. The reference need not be unique: Kantata does
not enforce it.
"""

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from sandbox.standins.books import Books
from sandbox.standins.faults import Fault
from sandbox.standins.kantata import staffing
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
from sandbox.standins.wire import Call, Json, Reply, to_json

WORKSPACES = "workspaces"
CREATOR_ROLES = ("maven", "buyer")
ROLES = {"1": "Senior Consultant", "2": "Consultant", "17": "Principal Consultant"}
TEXTS = ("title", "description", "external_reference", "currency")
DATES = ("start_date", "due_date")
ORDERS = {"created_at", "updated_at", "title"}
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS workspaces (
        id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, creator_role TEXT NOT NULL, description TEXT,
        external_reference TEXT, currency TEXT, start_date TEXT, due_date TEXT, status_key INTEGER,
        archived INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, updated_at TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS workspaces_reference ON workspaces (external_reference)",
    """CREATE TABLE IF NOT EXISTS changes (
        number INTEGER PRIMARY KEY, at TEXT NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL,
        fields TEXT NOT NULL)""",
    *staffing.SCHEMA,
)


class KantataApi:
    """Answers everything on the vendor's host. `changes` in the books keeps every committed write."""

    def __init__(self, books: Books, token: str) -> None:
        self._books = books
        self._token = token
        self._staffing = staffing.Staffing(books)

    def answer(self, call: Call) -> Reply:
        try:
            self._check_token(call)
            with self._books.transaction():
                return self._resource(call)
        except KantataError as error:
            return error.reply()

    def refuse(self, fault: Fault) -> Reply:
        kind = fault.code or "system"
        return fault.refusal({"errors": [{"type": kind, "message": "ordered failure"}]})

    def keeps_body_secret(self, call: Call) -> bool:
        return False

    def workspaces(self) -> list[Json]:
        return [_shown(row) for row in self._books.rows("SELECT * FROM workspaces ORDER BY id")]

    def resources(self) -> list[Json]:
        return self._staffing.books()

    def _check_token(self, call: Call) -> None:
        if call.headers.get("authorization") != f"Bearer {self._token}":
            raise KantataError(401, "oauth", "Invalid OAuth 2 Request")

    def _resource(self, call: Call) -> Reply:
        *folders, last = call.segments
        name = last.removesuffix(".json")
        match call.method, [*folders, name]:
            case "GET", ["api", "v1", ("workspaces" | "roles") as kind]:
                return self._list(call) if kind == WORKSPACES else Reply(200, _roles())
            case "POST", ["api", "v1", "workspaces"]:
                return _one(self._created(fields_of(call, "workspace")))
            case "GET", ["api", "v1", "workspaces", workspace_id]:
                return _one(self._find(workspace_id))
            case "PUT", ["api", "v1", "workspaces", workspace_id]:
                return _one(self._updated(self._find(workspace_id), fields_of(call, "workspace")))
            case _, ["api", "v1", (staffing.RESOURCES | staffing.ALLOCATIONS) as kind]:
                return self._staffing.answer(call, kind, None)
            case _, ["api", "v1", (staffing.RESOURCES | staffing.ALLOCATIONS) as kind, record_id]:
                return self._staffing.answer(call, kind, record_id)
            case _:
                raise KantataError(404, "not_found", "The requested resource was not found")

    def _list(self, call: Call) -> Reply:
        where, values = _filters(call)
        number, per_page, before = page(call)
        total = self._books.rows(f"SELECT count(*) AS n FROM workspaces WHERE {where}", values)[0]["n"]
        rows = self._books.rows(
            f"SELECT * FROM workspaces WHERE {where} ORDER BY {_order(call)} LIMIT ? OFFSET ?",
            (*values, per_page, before),
        )
        meta = {
            "count": total,
            "page_count": -(-total // per_page),
            "page_number": number,
            "page_size": per_page,
        }
        return Reply(200, listed(WORKSPACES, rows, total, _shown) | {"meta": meta})

    def _find(self, workspace_id: str) -> sqlite3.Row:
        row = self._books.row("SELECT * FROM workspaces WHERE id = ?", (workspace_id,))
        if row is None:
            raise KantataError(404, "not_found", "Workspace not found")
        return row

    def _created(self, fields: Mapping[str, Json]) -> sqlite3.Row:
        values = _checked(fields)
        if not values.get("title"):
            raise refused("Title can't be blank")
        if values.get("creator_role") not in CREATOR_ROLES:
            raise refused("Creator role must be either maven or buyer")
        values["created_at"] = values["updated_at"] = now()
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        sql = f"INSERT INTO workspaces ({columns}) VALUES ({marks}) RETURNING *"
        row = self._books.rows(sql, list(values.values()))[0]
        self._journal(row["id"], "create", fields)
        return row

    def _updated(self, before: sqlite3.Row, fields: Mapping[str, Json]) -> sqlite3.Row:
        values = _checked(fields)
        if "title" in values and not values["title"]:
            raise refused("Title can't be blank")
        values["updated_at"] = now()
        assignments = ", ".join(f"{column} = ?" for column in values)
        sql = f"UPDATE workspaces SET {assignments} WHERE id = ? RETURNING *"
        row = self._books.rows(sql, [*values.values(), before["id"]])[0]
        self._journal(row["id"], "update", fields)
        return row

    def _journal(self, workspace_id: int, kind: str, fields: Mapping[str, Json]) -> None:
        self._books.rows(
            "INSERT INTO changes (at, id, kind, fields) VALUES (?, ?, ?, ?)",
            (now(), workspace_id, kind, to_json(dict(fields))),
        )


def _checked(fields: Mapping[str, Json]) -> dict[str, Any]:
    """The writable fields in their stored form. Raises KantataError for fields that Kantata does not know."""
    values: dict[str, Any] = {}
    for name, value in fields.items():
        if name in TEXTS or name == "creator_role":
            values[name] = _valid(name, value, isinstance(value, str | None))
        elif name in DATES:
            values[name] = _valid(name, value, value is None or is_date(value))
        elif name == "status_key":
            values[name] = int(_valid(name, value, re.fullmatch(r"\d{1,9}", str(value)) is not None))
        elif name == "archived":
            values[name] = int(_valid(name, value, isinstance(value, bool)))
        else:
            raise refused(f"{name} is not a writable attribute of a workspace")
    return values


def _valid(name: str, value: Json, is_valid: bool) -> Json:
    if not is_valid:
        raise refused(f"{name} is invalid")
    return value


def _filters(call: Call) -> tuple[str, list[Any]]:
    where, values = ["1" if call.args.get("include_archived") == "true" else "archived = 0"], []
    if "external_reference" in call.args:
        where.append("external_reference = ?")
        values.append(call.args["external_reference"])
    if "search" in call.args:
        where.append("title LIKE ?")
        values.append(f"%{call.args['search']}%")
    if "only" in call.args:
        ids = call.args["only"].split(",")
        where.append(f"id IN ({', '.join('?' * len(ids))})")
        values += ids
    if call.lag_seconds:
        where.append("created_at <= ?")
        values.append(created_before(call))
    return " AND ".join(where), values


def _order(call: Call) -> str:
    field, _, direction = call.args.get("order", "created_at:asc").partition(":")
    if field not in ORDERS or direction not in ("", "asc", "desc"):
        raise refused(f"order is invalid: {field}")
    return f"{field} {direction or 'asc'}, id {direction or 'asc'}"


def _roles() -> dict[str, Json]:
    return {
        "count": len(ROLES),
        "results": [{"key": "roles", "id": each} for each in ROLES],
        "roles": {each: {"id": each, "name": name} for each, name in ROLES.items()},
    }


def _one(row: sqlite3.Row) -> Reply:
    return Reply(200, listed(WORKSPACES, [row], 1, _shown))


def _shown(row: sqlite3.Row) -> dict[str, Json]:
    fields = {name: row[name] for name in row.keys() if name not in ("creator_role", "status_key")}  # noqa: SIM118
    status = {"key": row["status_key"], "color": "grey", "message": ""}
    return fields | {"id": str(row["id"]), "archived": bool(row["archived"]), "status": status}
