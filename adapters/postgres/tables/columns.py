"""The kinds of columns that all tables share, and the metadata that holds the tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Integer, MetaData, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def when(name: str, *, nullable: bool = False, now: bool = False) -> Column[Any]:
    default = func.now() if now else None
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def text_column(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    return Column(name, Text, nullable=nullable, server_default=default)


def json_column(name: str, *, nullable: bool = False, empty: str | None = None) -> Column[Any]:
    return Column(
        name,
        JSONB(none_as_null=True),
        nullable=nullable,
        server_default=text(f"'{empty}'::jsonb") if empty else None,
    )


def id_column(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, UUID(as_uuid=True), nullable=nullable)


def count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default="0")


def of_opportunity() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "opportunity_id"], ["opportunities.tenant_id", "opportunities.id"]
    )
