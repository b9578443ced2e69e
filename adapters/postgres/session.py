"""A connection for one unit of work that saves round trips to Postgres: each costs more than its statement.

Rows of the audit trail are sent together with the write they belong to, as one statement. A write whose answer
nobody waits for is deferred: when no other statement follows before the commit, it commits by itself in one
round trip, where a transaction around it would take three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    Executable,
    Row,
    Table,
    bindparam,
    column,
    exists,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from adapters.postgres.tables import audit
from oppsync.kernel.errors import LeaseLost


def rows_of(name: str, columns: Iterable[Column[Any]]) -> Any:
    """The bound value `name`, a JSON array of objects, as a table with these columns: one statement for any
    number of rows."""
    typed = [column(found.name, found.type) for found in columns]
    table = func.jsonb_to_recordset(bindparam(name, type_=JSONB)).table_valued(*typed)
    return table.render_derived(name, with_types=True)


def _adding_audit(*where: Any) -> Any:
    """Insert the rows of `audit_rows`, each with the database's time."""
    columns = [found for found in audit.columns if found is not audit.c.at]
    added = rows_of("audit_rows", columns)
    rows = select(*added.c, func.clock_timestamp()).where(*where)
    return insert(audit).from_select([*(found.name for found in columns), "at"], rows)


_ADD_AUDIT = _adding_audit()


@dataclass(frozen=True)
class Write:
    """A statement that returns one row, or none when it must not happen: then no audit row is added either."""

    alone: Executable
    with_audit: Executable


def write(statement: Any) -> Write:
    """Make a `Write` of an update or insert that returns columns."""
    written = statement.cte("written")
    added = _adding_audit(exists(select(written))).cte("adding_audit")
    return Write(statement, select(written).add_cte(added))


def to_be_set(table: Table, names: Iterable[str]) -> dict[str, Any]:
    """Column -> bound value, for a `Write`. The parameters get a prefix, since SQLAlchemy would set a column
    from a parameter of the same name by itself."""
    return {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}


def bound(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters for the columns that `to_be_set` names."""
    return {f"new_{name}": value for name, value in values.items()}


class Session:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._audit_rows: list[Mapping[str, Any]] = []
        self._deferred: tuple[Write, Mapping[str, Any]] | None = None

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        self.flush()
        return self._connection.execute(statement, parameters)

    def defer(self, wanted: Write, parameters: Mapping[str, Any]) -> None:
        """Write this with the next statement, at the latest with `commit`. That statement raises LeaseLost when
        this write returns no row."""
        self.flush()
        self._deferred = wanted, parameters

    def add_audit(self, row: Mapping[str, Any]) -> None:
        """Add a row to the audit trail with the next write; `row` is ready for JSON and has no `at`."""
        self._audit_rows.append(row)

    def commit(self) -> None:
        if self._deferred:
            self._alone_if_first()
        self.flush()
        self._connection.commit()

    def commit_with(self, wanted: Write, parameters: Mapping[str, Any]) -> Row[Any] | None:
        """Commit with this as the last write, and return its row. When it returns none, nothing is committed:
        None."""
        self._write_deferred()
        self._alone_if_first()
        row = self._write(wanted, parameters)
        if row is not None:
            self._connection.commit()
        return row

    def flush(self) -> None:
        """Write what was deferred and the audit rows that still wait."""
        self._write_deferred()
        if self._audit_rows:
            self._connection.execute(_ADD_AUDIT, {"audit_rows": self._audit_rows})
            self._audit_rows = []

    def _alone_if_first(self) -> None:
        """A statement that is both first and last of its transaction commits by itself, without BEGIN and
        COMMIT."""
        if not self._connection.in_transaction():
            self._connection.execution_options(isolation_level="AUTOCOMMIT")

    def _write_deferred(self) -> None:
        if self._deferred is None:
            return
        deferred, self._deferred = self._deferred, None
        if self._write(*deferred) is None:
            raise LeaseLost("Another worker holds this opportunity.")

    def _write(self, wanted: Write, parameters: Mapping[str, Any]) -> Row[Any] | None:
        if not self._audit_rows:
            return self._connection.execute(wanted.alone, parameters).one_or_none()
        rows, self._audit_rows = self._audit_rows, []
        return self._connection.execute(wanted.with_audit, {**parameters, "audit_rows": rows}).one_or_none()
