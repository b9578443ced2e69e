"""Hundreds of thousands of deals, copied by SQL from one that the product has, with all rows that it left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from benchmarks.house import House
from benchmarks.vendors import fee, record_id

BATCH = 20_000
_STOCK = """create temporary table stock (
    source_id text, amount numeric, id uuid default uuidv7(), inbox_id uuid default uuidv7())"""
_THEIR = {"opportunity_id": SQL("stock.id")}
# Table -> those of its columns that are others in a copy. The calls to vendors are left out: they are kept for
# some weeks only.
COPIED: Mapping[str, Mapping[str, SQL]] = {
    "opportunities": {
        "id": SQL("stock.id"),
        "source_id": SQL("stock.source_id"),
        "amount": SQL("stock.amount"),
    },
    "opportunity_parties": _THEIR,
    "inbox": {"id": SQL("stock.inbox_id"), "delivery_id": SQL("'stock-' || stock.source_id")},
    "inbox_opportunities": {**_THEIR, "inbox_id": SQL("stock.inbox_id")},
    "plans": _THEIR,
    "plan_inputs": _THEIR,
    "barred_approvers": _THEIR,
    "approval_tasks": {**_THEIR, "id": SQL("uuidv7()")},
    "effects": {**_THEIR, "key": SQL("replace(one.key, %(source_id)s, stock.source_id)")},
    "baselines": _THEIR,
    "audit": {**_THEIR, "id": SQL("uuidv7()")},
}
# Whose rows are copied, where a table names its deal by another column.
_ONES_OWN = {"opportunities": SQL("one.id = %(id)s"), "inbox": SQL("one.id = %(inbox_id)s")}


def copy_opportunities(house: House, like: UUID, numbers: range) -> None:
    """Copy an opportunity as it is, with what it left: one copy for each number."""
    with house.sql() as sql:
        of_one = _of_one(sql, like)
        copies = [_copy(sql, table, changes) for table, changes in COPIED.items()]
        # What is copied was checked when it was written; nor do deals that were worked long ago wake anybody.
        sql.execute("set session_replication_role = replica")
        for first in range(numbers.start, numbers.stop, BATCH):
            with sql.transaction():
                sql.execute(_STOCK)
                with sql.cursor() as cursor, cursor.copy("copy stock (source_id, amount) from stdin") as rows:
                    for number in range(first, min(first + BATCH, numbers.stop)):
                        rows.write_row([record_id(number), fee(number)])
                for copy in copies:
                    sql.execute(copy, of_one)
                sql.execute("drop table stock")
        sql.execute("reset session_replication_role")
        sql.execute("vacuum analyze")  # otherwise the benchmark would measure the server's own maintenance
        sql.execute("checkpoint")


def _of_one(sql: psycopg.Connection[Any], like: UUID) -> dict[str, object]:
    query = """select o.id, o.source_id, i.inbox_id from opportunities o
        join inbox_opportunities i on i.opportunity_id = o.id where o.id = %s limit 1"""
    row = sql.execute(query, [like]).fetchone()
    if row is None:
        raise SystemExit("There is no opportunity to copy.")
    return dict(zip(("id", "source_id", "inbox_id"), row, strict=True))


def _copy(sql: psycopg.Connection[Any], table: str, changes: Mapping[str, SQL]) -> Composed:
    """The statement that copies one deal's rows of a table for each deal in stock."""
    empty = sql.execute(SQL("select * from {} limit 0").format(Identifier(table)))
    columns = [column.name for column in empty.description or ()]
    return SQL("insert into {table} ({columns}) select {values} from {table} one, stock where {own}").format(
        table=Identifier(table),
        columns=SQL(", ").join(map(Identifier, columns)),
        values=SQL(", ").join(changes.get(name, Identifier("one", name)) for name in columns),
        own=_ONES_OWN.get(table, SQL("one.opportunity_id = %(id)s")),
    )


def tables(house: House) -> list[dict[str, object]]:
    """About how many rows each of these tables has, and its size on disk with indexes."""
    query = "select reltuples::bigint, pg_total_relation_size(oid) / 1e6 from pg_class where oid = %s::regclass"
    with house.sql() as sql:
        found = [(table, sql.execute(query, [table]).fetchone() or (0, 0)) for table in COPIED]
    return [{"table": table, "rows": rows, "MB": round(float(size), 1)} for table, (rows, size) in found]


def one_opportunity(house: House) -> UUID:
    with house.sql() as sql:
        row = sql.execute("select id from opportunities limit 1").fetchone()
    if row is None:
        raise SystemExit("There is no opportunity to copy.")
    found: UUID = row[0]
    return found
