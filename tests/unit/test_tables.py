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
