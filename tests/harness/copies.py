"""Copies of a template database, for one test after another. What a test leaves is put back to what the
template holds, in a tenth of the time of a new copy. One is made only where a test changed the schema."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import Connection, sql
from sqlalchemy.engine import make_url

from sandbox.embedded.servers import ServerAddresses

_numbers = itertools.count()
# Changes with every change of a table, column, constraint, trigger or function, and of the database's settings.
_SCHEMA = """
    select (select array[count(*), sum(xmin::text::bigint)] from pg_class)
        || (select array[count(*), sum(xmin::text::bigint)] from pg_attribute)
        || (select array[count(*), sum(xmin::text::bigint)] from pg_constraint)
        || (select array[count(*), sum(xmin::text::bigint)] from pg_trigger)
        || (select array[count(*), sum(xmin::text::bigint)] from pg_proc)
        || (select array[datconnlimit, (select count(*) from pg_db_role_setting where setdatabase = oid)]
            from pg_database where datname = current_database())
"""
_TABLES = """
    select oid::regclass::text from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace order by oid
"""
_SEQUENCES = "select format('%I', sequencename), last_value from pg_sequences where schemaname = 'public'"


@dataclass(frozen=True)
class Contents:
    """`rows` by table, in Postgres's own copy format, for those that have any; `sequences`: their last value,
    None where they gave none."""

    schema: object
    tables: tuple[str, ...]
    rows: Mapping[str, bytes]
    sequences: Mapping[str, int | None]

    @classmethod
    def of(cls, connection: Connection) -> Contents:
        tables = tuple(name for (name,) in connection.execute(_TABLES))
        held = {name: _copied(connection, name) for name in tables}
        sequences: dict[str, int | None] = dict(connection.execute(_SEQUENCES))
        return cls(_schema(connection), tables, {name: rows for name, rows in held.items() if rows}, sequences)

    def put_back(self, connection: Connection) -> bool:
        """Whether they could be put back: False where the schema is another one by now."""
        if _schema(connection) != self.schema:
            return False
        with connection.transaction():
            connection.execute("set local session_replication_role = replica")  # no triggers, no foreign keys
            connection.execute(_deletes(self.tables))
            for name, rows in self.rows.items():
                with connection.cursor().copy(_statement("copy {} from stdin", name)) as copy:
                    copy.write(rows)
            for name, last in self.sequences.items():
                connection.execute("select setval(%s::regclass, %s, %s)", [name, last or 1, last is not None])
        return True


class Copies:
    """Of one template; each test's has a name of its own, so that nothing an earlier test left running can
    reach it."""

    def __init__(self, servers: ServerAddresses, template: str) -> None:
        self._servers = servers
        self._template = template
        self._last: str | None = None
        with connect(servers, template) as connection:
            self._contents = Contents.of(connection)

    def next(self) -> str:
        """The name of a database that holds what the template holds."""
        name, last = f"test_{next(_numbers)}", self._last
        self._last = name
        if last is not None and self._used_again(last, name):
            return name
        execute(self._servers, f"create database {name} template {self._template}")
        return name

    def _used_again(self, last: str, name: str) -> bool:
        try:
            with connect(self._servers) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [last]
                )
                connection.execute(_statement("alter database {} rename to {}", last, name))
        except (psycopg.errors.InvalidCatalogName, psycopg.errors.ObjectInUse):
            self._drop(last)
            return False
        with connect(self._servers, name) as connection:
            done = self._contents.put_back(connection)
        if not done:
            self._drop(name)
        return done

    def _drop(self, name: str) -> None:
        execute(self._servers, f"drop database if exists {name} with (force)")


def connect(servers: ServerAddresses, database: str | None = None) -> Connection:
    """Without an engine, which sends several queries on each new connection."""
    url = make_url(servers.database_url).set(drivername="postgresql")
    named = url if database is None else url.set(database=database)
    return psycopg.connect(named.render_as_string(hide_password=False), autocommit=True)


def execute(servers: ServerAddresses, statement: str) -> None:
    with connect(servers) as connection:
        connection.execute(statement.encode())


def _schema(connection: Connection) -> object:
    return connection.execute(_SCHEMA).fetchone()


def _copied(connection: Connection, table: str) -> bytes:
    with connection.cursor().copy(_statement("copy {} to stdout", table)) as copy:
        return b"".join(bytes(block) for block in copy)


def _deletes(tables: tuple[str, ...]) -> sql.Composed:
    return sql.SQL("; ").join(_statement("delete from {}", table) for table in tables)


def _statement(text: str, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*(sql.SQL(name) for name in names))
