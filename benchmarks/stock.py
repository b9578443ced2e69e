"""Hundreds of thousands of rows, copied by SQL from one that the product made."""

from __future__ import annotations

from uuid import UUID

from benchmarks.house import House
from benchmarks.vendors import record_id

BATCH = 20_000
_COPY = """insert into {table} select (jsonb_populate_record(one, {changes})).*
    from {table} as one, stock where one.{key} = %s"""


def copy_opportunities(house: House, like: UUID, numbers: range) -> None:
    """Copy an opportunity as it is, with its plans: one copy for each number."""
    opportunity = "jsonb_build_object('id', stock.id, 'source_id', stock.source_id)"
    plan = "jsonb_build_object('opportunity_id', stock.id)"
    for first in range(numbers.start, numbers.stop, BATCH):
        with house.sql() as sql:
            sql.execute("create temporary table stock (id uuid default gen_random_uuid(), source_id text)")
            with sql.cursor() as cursor, cursor.copy("copy stock (source_id) from stdin") as rows:
                for number in range(first, min(first + BATCH, numbers.stop)):
                    rows.write_row([record_id(number)])
            sql.execute(_COPY.format(table="opportunities", changes=opportunity, key="id"), [like])
            sql.execute(_COPY.format(table="plans", changes=plan, key="opportunity_id"), [like])
    with house.sql() as sql:
        sql.execute("vacuum analyze")  # otherwise the benchmark would measure the server's own maintenance
        sql.execute("checkpoint")


def one_opportunity(house: House) -> UUID:
    with house.sql() as sql:
        row = sql.execute("select id from opportunities limit 1").fetchone()
    if row is None:
        raise SystemExit("There is no opportunity to copy.")
    found: UUID = row[0]
    return found
