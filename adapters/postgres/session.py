"""A connection for one unit of work that saves round trips to Postgres: each costs more than its statement.

Rows of the audit trail are sent together with the write they belong to, as one statement. Rows whose writing
nobody waits for are gathered, and written together, whatever becomes of each: when no other statement follows
before the commit, that one commits by itself in one round trip, where a transaction around it would take three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    Executable,
    Row,
    Select,
    Table,
    bindparam,
    column,
    exists,
    func,
    literal_column,
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


def read_together(**questions: Select[Any]) -> Executable:
    """Ask all of it in one statement: a column for each question, with its rows as JSON. Numbers come as JSON
    has them, so nothing exact may be among the columns but inside of documents, where it is text."""
    columns = []
    for name, question in questions.items():
        asked = question.subquery(name)
        rows = func.json_agg(func.to_json(literal_column(asked.name)))
        columns.append(
            select(func.coalesce(rows, literal_column("'[]'::json")))
            .select_from(asked)
            .scalar_subquery()
            .label(name)
        )
    return select(*columns)


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


@dataclass(frozen=True)
class RowsWrite:
    """A statement that writes each of the rows bound as `rows_<name>`, and returns one row for each; none at
    all when it must not happen."""

    name: str
    statement: Any


@cache
def _together(writes: tuple[RowsWrite, ...], *, audited: bool) -> Executable:
    """All of them in one statement; returns how many rows each wrote. `audited`: with rows of the audit trail,
    which are added when each of them wrote something."""
    written = [each.statement.cte(f"{each.name}_written") for each in writes]
    counts = (select(func.count()).select_from(each).scalar_subquery() for each in written)
    whole = select(*(count.label(each.name) for each, count in zip(writes, counts, strict=True)))
    if not audited:
        return whole
    return whole.add_cte(_adding_audit(*(exists(select(each)) for each in written)).cte("adding_audit"))


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
        self._gathered: dict[RowsWrite, list[Mapping[str, Any]]] = {}
        self._fence: Mapping[str, Any] = {}
        self._keys: set[str] = set()

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        self.flush()
        return self._connection.execute(statement, parameters)

    def gather(self, wanted: RowsWrite, key: str, row: Mapping[str, Any], fence: Mapping[str, Any]) -> None:
        """Write this row before the next statement, at the latest with `commit`, together with the others that
        were gathered under the same `fence`. That raises LeaseLost when one of them is not written. `key` names
        the row: one statement never writes the same row twice."""
        if key in self._keys or (self._gathered and fence != self._fence):
            self._write_gathered()
        self._fence = fence
        self._keys.add(key)
        self._gathered.setdefault(wanted, []).append(row)

    def add_audit(self, row: Mapping[str, Any]) -> None:
        """Add a row to the audit trail with the next write; `row` is ready for JSON and has no `at`."""
        self._audit_rows.append(row)

    def commit(self) -> None:
        if self._gathered:
            self._alone_if_first()
        self.flush()
        self._connection.commit()

    def commit_with(self, wanted: Write, parameters: Mapping[str, Any]) -> Row[Any] | None:
        """Commit with this as the last write, and return its row. When it returns none, nothing is committed:
        None."""
        self._write_gathered()
        self._alone_if_first()
        row = self._write(wanted, parameters)
        if row is not None:
            self._connection.commit()
        return row

    def flush(self) -> None:
        """Write what was gathered and the audit rows that still wait."""
        self._write_gathered()
        if self._audit_rows:
            self._connection.execute(_ADD_AUDIT, {"audit_rows": self._audit_rows})
            self._audit_rows = []

    def _alone_if_first(self) -> None:
        """A statement that is both first and last of its transaction commits by itself, without BEGIN and
        COMMIT."""
        if not self._connection.in_transaction():
            self._connection.execution_options(isolation_level="AUTOCOMMIT")

    def _write_gathered(self) -> None:
        if not self._gathered:
            return
        gathered, fence, audited = self._gathered, self._fence, self._audit_rows
        self._gathered, self._keys, self._audit_rows = {}, set(), []
        rows = {f"rows_{wanted.name}": each for wanted, each in gathered.items()}
        together = _together(tuple(gathered), audited=bool(audited))
        counts = self._connection.execute(together, {**rows, **fence, "audit_rows": audited}).one()
        if list(counts) != [len(each) for each in gathered.values()]:
            raise LeaseLost("Another worker holds this opportunity.")

    def _write(self, wanted: Write, parameters: Mapping[str, Any]) -> Row[Any] | None:
        if not self._audit_rows:
            return self._connection.execute(wanted.alone, parameters).one_or_none()
        rows, self._audit_rows = self._audit_rows, []
        return self._connection.execute(wanted.with_audit, {**parameters, "audit_rows": rows}).one_or_none()
