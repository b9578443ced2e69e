"""A connection for one unit of work, which saves trips to Postgres: each costs more than its statement.

What is told (the audit trail) goes out with the write that it tells of, as one statement. A write whose answer
nobody waits for is put off: when nothing else was asked meanwhile, it commits by itself, in one trip where a
transaction around it would take three.
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
    """The bound value `name`, a JSON array of objects, as a table with these columns: however many rows it has,
    it is one statement."""
    typed = [column(found.name, found.type) for found in columns]
    given = func.jsonb_to_recordset(bindparam(name, type_=JSONB)).table_valued(*typed)
    return given.render_derived(name, with_types=True)


def _telling(*where: Any) -> Any:
    """Insert the rows of `told`, each at the time of the database's clock."""
    columns = [found for found in audit.columns if found is not audit.c.at]
    told = rows_of("told", columns)
    rows = select(*told.c, func.clock_timestamp()).where(*where)
    return insert(audit).from_select([*(found.name for found in columns), "at"], rows)


_TELL = _telling()


@dataclass(frozen=True)
class Write:
    """A statement that answers with one row, or with none when it must not be: then nothing is told either."""

    alone: Executable
    telling: Executable


def write(statement: Any) -> Write:
    """`statement` is an update or insert that returns columns."""
    written = statement.cte("written")
    told = _telling(exists(select(written))).cte("telling")
    return Write(statement, select(written).add_cte(told))


def to_be_set(table: Table, names: Iterable[str]) -> dict[str, Any]:
    """Column -> bound value, for a `Write`: in it, parameters named as columns set nothing by themselves."""
    return {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}


def renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Column -> value, as what `to_be_set` bound."""
    return {f"new_{name}": value for name, value in values.items()}


class Session:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._told: list[Mapping[str, Any]] = []
        self._put_off: tuple[Write, Mapping[str, Any]] | None = None

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        self.flush()
        return self._connection.execute(statement, parameters)

    def put_off(self, wanted: Write, parameters: Mapping[str, Any]) -> None:
        """At the latest with `commit`. It raises LeaseLost then, or whatever comes next does."""
        self.flush()
        self._put_off = wanted, parameters

    def tell(self, row: Mapping[str, Any]) -> None:
        """A row of the audit trail, ready for JSON, without `at`."""
        self._told.append(row)

    def commit(self) -> None:
        if self._put_off:
            self._alone_if_first()
        self.flush()
        self._connection.commit()

    def commit_with(self, wanted: Write, parameters: Mapping[str, Any]) -> Row[Any] | None:
        """Commit with this as the last write. None, and nothing is committed, when it answers with no row."""
        self._write_put_off()
        self._alone_if_first()
        row = self._write(wanted, parameters)
        if row is not None:
            self._connection.commit()
        return row

    def flush(self) -> None:
        """Whatever is still to be written."""
        self._write_put_off()
        if self._told:
            self._connection.execute(_TELL, {"told": self._told})
            self._told = []

    def _alone_if_first(self) -> None:
        """What is the first statement and the last commits by itself."""
        if not self._connection.in_transaction():
            self._connection.execution_options(isolation_level="AUTOCOMMIT")

    def _write_put_off(self) -> None:
        if self._put_off is None:
            return
        put_off, self._put_off = self._put_off, None
        if self._write(*put_off) is None:
            raise LeaseLost("Another worker holds this opportunity.")

    def _write(self, wanted: Write, parameters: Mapping[str, Any]) -> Row[Any] | None:
        if not self._told:
            return self._connection.execute(wanted.alone, parameters).one_or_none()
        told, self._told = self._told, []
        return self._connection.execute(wanted.telling, {**parameters, "told": told}).one_or_none()
