"""Create, write, read and delete Tryton's records by its rules, in the books."""

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.standins.books import Books
from sandbox.standins.tryton.domains import condition, find_field
from sandbox.standins.tryton.errors import ServerError, UserError
from sandbox.standins.tryton.schema import MODELS, Field, Kind, table
from sandbox.standins.tryton.values import shown, stored
from sandbox.standins.wire import Json, to_json

Fields = dict[str, "Fields"]  # the fields to read; below a record, those to read of it


class Records:
    """All models. `company` is the one whose books are open in the call's context; None when it names none."""

    def __init__(self, books: Books) -> None:
        self.books = books

    def search(self, model: str, domain: Json, company: int | None, lag: float = 0) -> list[int]:
        """Ids, oldest first; without those younger than `lag` seconds."""
        where, values = condition(model, domain)
        if model == "account.configuration":  # a singleton whose values are the open company's
            where, values = f"({where}) AND company = ?", [*values, company]
        if lag:
            where, values = f"({where}) AND create_date <= ?", [*values, _now(-lag)]
        try:
            found = self.books.rows(f"SELECT id FROM {table(model)} WHERE {where} ORDER BY id", values)
        except sqlite3.Error as error:
            raise ServerError(str(error)) from error
        return [row["id"] for row in found]

    def read(self, model: str, ids: Sequence[int], fields: Fields) -> list[dict[str, Json]]:
        wanted = "id IN (SELECT value FROM json_each(?))"
        rows = self.books.rows(
            f"SELECT * FROM {table(model)} WHERE {wanted} ORDER BY id", (json.dumps(list(ids)),)
        )
        return [self._read(model, row, fields) for row in rows]

    def exists(self, model: str, record_id: int) -> bool:
        find_field(model, "id")
        return self.books.row(f"SELECT 1 FROM {table(model)} WHERE id = ?", (record_id,)) is not None

    def create(self, model: str, values: Mapping[str, Json], company: int | None) -> int:
        """The new record's id. Raises UserError, ServerError; then the caller rolls back."""
        find_field(model, "id")
        fields = MODELS[model]
        if "company" in fields and company is None:
            raise UserError(
                f'The value for field "Company" in {_label(model)} is not valid: no company is open.'
            )
        columns = {name: field.default for name, field in fields.items() if field.default is not None}
        columns |= self._columns(model, values)
        for name, field in fields.items():
            if field.required and columns.get(name) in (None, ""):
                raise UserError(f'A value is required for field "{_label(name)}" in "{_label(model)}".')
        if model == "project.work":
            columns["number"] = self._next_number()
        record_id = self._insert(model, columns)
        self._change_below(model, record_id, values, company)
        if model == "account.invoice":
            self._total(record_id)
        self._journal(model, record_id, "create", values)
        return record_id

    def write(self, model: str, record_id: int, values: Mapping[str, Json], company: int | None) -> None:
        if model == "account.invoice":
            self._check_is_draft(record_id)
        columns = self._columns(model, values) | {"write_date": _now()}
        assignments = ", ".join(f'"{name}" = ?' for name in columns)
        self._run(
            f"UPDATE {table(model)} SET {assignments} WHERE id = ?", [*columns.values(), record_id], model
        )
        self._change_below(model, record_id, values, company)
        if model == "project.work":
            self._check_progress(record_id)
        elif model == "account.invoice":
            self._total(record_id)
        self._journal(model, record_id, "write", values)

    def delete(self, model: str, record_id: int) -> None:
        if model == "project.work" and self.search(model, [["parent", "=", record_id]], None):
            raise UserError('You cannot delete "Work" records that have children.')
        self.books.rows(f"DELETE FROM {table(model)} WHERE id = ?", (record_id,))
        self._journal(model, record_id, "delete", {})

    def move_invoice(self, record_id: int, button: str, state: str) -> None:
        self.books.rows(
            'UPDATE "account.invoice" SET state = ?, write_date = ? WHERE id = ?', (state, _now(), record_id)
        )
        self._journal("account.invoice", record_id, button, {})

    def _check_is_draft(self, record_id: int) -> None:
        (row,) = self.books.rows('SELECT state FROM "account.invoice" WHERE id = ?', (record_id,))
        if row["state"] != "draft":
            raise UserError(f'You cannot modify invoice "{record_id}" because it is {row["state"]}.')

    def _check_progress(self, record_id: int) -> None:
        """Done needs full progress, of the work itself and of everything below it."""
        rows = self.books.rows(
            """SELECT work.progress FROM "project.work" AS work, "project.work" AS closed
                 JOIN "project.work.status" AS status ON status.id = closed.status
                WHERE closed.id = ? AND status.progress = 1
                  AND closed.id IN (work.id, work.parent)""",
            (record_id,),
        )
        if any(row["progress"] != 1 for row in rows):
            raise UserError(f'The progress of work "{record_id}" or below it is not that of its status.')

    def _columns(self, model: str, values: Mapping[str, Json]) -> dict[str, Any]:
        columns = {}
        for name, value in values.items():
            field = find_field(model, name)
            if field.read_only or name not in MODELS[model]:
                raise UserError(
                    f'You are not allowed to modify the field "{_label(name)}" in "{_label(model)}".'
                )
            if field.kind is Kind.ONE2MANY:
                continue
            columns[name] = kept = stored(field, value)
            if field.options and kept is not None and kept not in field.options:
                raise UserError(
                    f'The value "{kept}" for field "{_label(name)}" is not one of the allowed options.'
                )
            if field.decimals is not None and kept and len(kept.partition(".")[2]) > field.decimals:
                raise UserError(f'"{kept}" has more than {field.decimals} digits in field "{_label(name)}".')
            self._check_reference(name, field, kept)
        return columns

    def _check_reference(self, name: str, field: Field, kept: Any) -> None:
        referred = f"[{kept}]" if field.kind is Kind.MANY2ONE else kept
        ids = json.loads(referred) if kept and field.target else []
        for each in ids:
            if not self.exists(field.target, each):
                raise UserError(f'The value "{each}" for field "{_label(name)}" does not exist.')

    def _change_below(
        self, model: str, record_id: int, values: Mapping[str, Json], company: int | None
    ) -> None:
        for name, commands in values.items():
            field = MODELS[model][name]
            if field.kind is not Kind.ONE2MANY:
                continue
            for command, *records in commands or []:
                match command:
                    case "create":
                        for below in records[0]:
                            self.create(field.target, {**below, field.back: Decimal(record_id)}, company)
                    case "delete":
                        for below in records[0]:
                            self.delete(field.target, int(below))
                    case _:
                        raise ServerError(f"{name}: {command}")

    def _insert(self, model: str, columns: Mapping[str, Any]) -> int:
        columns = {**columns, "create_date": _now()}
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table(model)} ({names}) VALUES ({marks}) RETURNING id"
        return int(self._run(sql, list(columns.values()), model)[0]["id"])

    def _run(self, sql: str, values: Sequence[Any], model: str) -> list[sqlite3.Row]:
        try:
            return self.books.rows(sql, values)
        except sqlite3.IntegrityError as error:
            (column,) = re.findall(r"\.(\w+)$", str(error))
            raise UserError(f"The {column} on {model.rpartition('.')[2]} must be unique.") from error

    def _next_number(self) -> str:
        """Counts under the lock of the write, so nobody draws a number twice."""
        number = int(self.books.setting("work_number", "0")) + 1
        self.books.set_setting("work_number", str(number))
        return str(number)

    def _total(self, invoice: int) -> None:
        lines = self.books.rows('SELECT * FROM "account.invoice.line" WHERE invoice = ?', (invoice,))
        total = sum(
            (Decimal(str(line["quantity"])) * Decimal(line["unit_price"]) for line in lines), Decimal(0)
        )
        sql = """SELECT digits FROM "currency.currency" WHERE id = (
            SELECT currency FROM "account.invoice" WHERE id = ?)"""
        digits = int(self.books.rows(sql, (invoice,))[0]["digits"])
        amount = format(total.quantize(Decimal(1).scaleb(-digits)), "f")
        self.books.rows('UPDATE "account.invoice" SET untaxed_amount = ? WHERE id = ?', (amount, invoice))

    def _read(self, model: str, row: sqlite3.Row, fields: Fields) -> dict[str, Json]:
        record: dict[str, Json] = {"id": row["id"], "__name__": model}
        for name, below in fields.items():
            field = find_field(model, name)
            if field.kind is Kind.ONE2MANY or below:
                record[name] = self._related(field, row, name, below)
            elif name != "id":
                record[name] = shown(field, row[name])
        return record

    def _related(self, field: Field, row: sqlite3.Row, name: str, below: Fields) -> Json:
        match field.kind:
            case Kind.MANY2ONE:
                found = self.read(field.target, [row[name]], below) if row[name] is not None else []
                return found[0] if found else None
            case Kind.MANY2MANY:
                return self.read(field.target, json.loads(row[name] or "[]"), below)
            case Kind.ONE2MANY:
                ids = self.search(field.target, [[field.back, "=", row["id"]]], None)
                return self.read(field.target, ids, below) if below else ids
            case _:
                raise ServerError(name)

    def _journal(self, model: str, record_id: int, kind: str, fields: Mapping[str, Json]) -> None:
        self.books.rows(
            "INSERT INTO changes (at, record, kind, fields) VALUES (?, ?, ?, ?)",
            (_now(), f"{model},{record_id}", kind, to_json(dict(fields))),
        )


def _label(name: str) -> str:
    return name.rpartition(".")[2].replace("_", " ").capitalize()


def _now(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="microseconds")
