"""Reference data: effective-dated rows by kind and key, and the shapes of their values.

A row is valid from `valid_from` to the day before `valid_to`. Rows are looked up for the day the deal was won.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from oppsync.domain.values.identifiers import customer_code_key
from oppsync.domain.values.model import Code, Frozen

Shape = TypeVar("Shape", bound=Frozen)


class ReferenceKind(StrEnum):
    LEGAL_ENTITY = "legal_entity"
    SERVICE_LINE = "service_line"
    COST_CENTRE = "cost_centre"
    PROJECT_TEMPLATE = "project_template"
    RATE_CARD = "rate_card"
    TAX_TREATMENT = "tax_treatment"
    DELIVERY_MODEL = "delivery_model"
    REGION = "region"
    SPLIT_RULE = "split_rule"
    TRANSFER_PRICE = "transfer_price"
    COST_RATE = "cost_rate"
    MARGIN_POLICY = "margin_policy"
    APPROVAL_RULE = "approval_rule"
    APPROVAL_ROLE = "approval_role"
    APPROVAL_STEP = "approval_step"
    TAX_REGIME = "tax_regime"
    TAX_NEXUS = "tax_nexus"
    TAX_EXEMPTION = "tax_exemption"
    WITHHOLDING = "withholding"
    EXCHANGE_RATE = "exchange_rate"
    EXCEPTION_OWNER = "exception_owner"
    SLA_TARGET = "sla_target"
    RULE = "rule"
    CALENDAR = "calendar"
    ROUTE = "route"
    CONNECTION_MAP = "connection_map"
    CUSTOMER_LINK = "customer_link"


# Looked up on the day on which they are used; all others on the day on which the deal was won.
OF_TODAY = frozenset(
    {
        ReferenceKind.APPROVAL_RULE,
        ReferenceKind.APPROVAL_ROLE,
        ReferenceKind.APPROVAL_STEP,
        ReferenceKind.EXCEPTION_OWNER,
        ReferenceKind.SLA_TARGET,
        ReferenceKind.CALENDAR,
        ReferenceKind.CONNECTION_MAP,
    }
)
# The part of a key, counted from 0, that is a customer's code; of a rate card only where there are four.
_CUSTOMER_AT = {(ReferenceKind.TAX_EXEMPTION, 2): 1, (ReferenceKind.RATE_CARD, 4): 0}
# A part of a key that stands for every other value.
ANY = "*"


def reference_key(*parts: str) -> str:
    return "|".join(parts)


def compared_key(kind: ReferenceKind, key: str) -> tuple[ReferenceKind, str]:
    """Under which rows are looked up: a customer's code in any spelling is the same."""
    parts = key.split("|")
    at = _CUSTOMER_AT.get((kind, len(parts)))
    if at is None:
        return kind, key
    return kind, reference_key(*parts[:at], customer_code_key(parts[at]), *parts[at + 1 :])


class ReferenceRow(Frozen):
    """One row. `valid_to` is exclusive; None means until further notice. `version` grows with each edit."""

    kind: ReferenceKind
    key: Code
    valid_from: date
    valid_to: date | None = None
    version: int = 1
    value: dict[str, Any]

    def covers(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class ReferenceUse(Frozen):
    """Which row a value came from."""

    kind: ReferenceKind
    key: Code
    valid_from: date
    version: int


class ReferenceBook:
    """All rows of one tenant, indexed for look-ups. Rows of one key never overlap (the store refuses that)."""

    def __init__(self, rows: Iterable[ReferenceRow]) -> None:
        self.rows = tuple(rows)
        self._rows: dict[tuple[ReferenceKind, str], list[ReferenceRow]] = {}
        for row in self.rows:
            self._rows.setdefault(compared_key(row.kind, row.key), []).append(row)

    def adding(self, rows: Iterable[ReferenceRow]) -> ReferenceBook:
        """A book with these rows too; this one stays as it is, and is not read through."""
        more = tuple(rows)
        if not more:
            return self
        book = ReferenceBook(())
        book.rows, book._rows = (*self.rows, *more), dict(self._rows)
        for row in more:
            key = compared_key(row.kind, row.key)
            book._rows[key] = [*book._rows.get(key, ()), row]
        return book

    def row(self, kind: ReferenceKind, key: str, day: date) -> ReferenceRow | None:
        return next((row for row in self._rows.get(compared_key(kind, key), ()) if row.covers(day)), None)

    def keys(self, kind: ReferenceKind, day: date) -> tuple[str, ...]:
        """The keys of a kind that have a row valid on `day`, in their order."""
        rows = (self.row(of_kind, key, day) for of_kind, key in sorted(self._rows) if of_kind is kind)
        return tuple(row.key for row in rows if row is not None)

    def uncovered(self, kind: ReferenceKind, key: str, first: date, last: date) -> date | None:
        """The first day from `first` to `last` on which the key has no row."""
        day = first
        for row in sorted(self._rows.get(compared_key(kind, key), ()), key=lambda row: row.valid_from):
            if day > last or row.valid_from > day:
                break
            if row.covers(day):
                if row.valid_to is None:
                    return None
                day = row.valid_to
        return day if day <= last else None

    def find(
        self, shape: type[Shape], kind: ReferenceKind, key: str, day: date
    ) -> tuple[Shape, ReferenceUse] | None:
        """The value valid on `day` and where it came from; None when there is no such row."""
        row = self.row(kind, key, day)
        return None if row is None else _read(shape, row)

    def all(self, shape: type[Shape], kind: ReferenceKind, day: date) -> list[tuple[Shape, ReferenceUse]]:
        """Every value of a kind valid on `day`, and where it came from, by key."""
        rows = [self.row(kind, key, day) for of_kind, key in sorted(self._rows) if of_kind is kind]
        return [_read(shape, row) for row in rows if row is not None]


def _read(shape: type[Shape], row: ReferenceRow) -> tuple[Shape, ReferenceUse]:
    use = ReferenceUse(kind=row.kind, key=row.key, valid_from=row.valid_from, version=row.version)
    return shape.model_validate(row.value), use
