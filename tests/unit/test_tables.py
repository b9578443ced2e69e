"""Every table is ready for many tenants, and every row that waits has its trace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import DateTime, PrimaryKeyConstraint, Table, UniqueConstraint

from adapters.postgres.tables import metadata

TABLES = [table for table in metadata.sorted_tables if table.name != "tenants"]


def names(columns: Iterable[Any]) -> list[str]:
    return [str(column.name) for column in columns]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_carries_the_tenant_and_its_unique_keys_begin_with_it(table: Table) -> None:
    assert not table.c.tenant_id.nullable
    keys = [
        names(key.columns)
        for key in table.constraints
        if isinstance(key, PrimaryKeyConstraint | UniqueConstraint)
    ]
    keys += [names(index.columns) for index in table.indexes if index.unique]
    assert keys
    assert {key[0] for key in keys} == {"tenant_id"}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_foreign_key_stays_within_the_tenant(table: Table) -> None:
    for key in table.foreign_key_constraints:
        assert names(key.columns)[0] == "tenant_id"


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_times_know_their_zone(table: Table) -> None:
    assert all(column.type.timezone for column in table.columns if isinstance(column.type, DateTime))


@pytest.mark.parametrize("name", ["inbox", "outbox", "opportunities", "effects", "audit"])
def test_what_waits_or_tells_carries_its_trace(name: str) -> None:
    assert not metadata.tables[name].c.traceparent.nullable


# Deals of a delivery are asked for, never the deliveries of a deal; of the others there are few rows.
OTHERWISE_FOUND = ("inbox_opportunities", "customer_claims", "dead_messages")
OF_DEALS = [each for each in TABLES if "opportunity_id" in each.c and each.name not in OTHERWISE_FOUND]


@pytest.mark.parametrize("table", OF_DEALS, ids=lambda table: table.name)
def test_the_rows_of_one_deal_are_found_by_an_index_that_has_all_of_them(table: Table) -> None:
    """Otherwise each deal would read the rows of all."""
    whole = [index for index in table.indexes if index.dialect_options["postgresql"]["where"] is None]
    keys = [key for key in table.constraints if isinstance(key, PrimaryKeyConstraint | UniqueConstraint)]

    found = [names(index.columns)[:2] for index in (*whole, *keys)]

    assert ["tenant_id", "opportunity_id"] in found
