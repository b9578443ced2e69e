"""Durable books: one SQLite file (WAL) that outlives the process and that tests read as the outside truth."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

SETTINGS_TABLE = "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)"


class Books:
    """One connection behind one lock. A transaction inside a transaction is a savepoint."""

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._db.row_factory = sqlite3.Row
        self._db.create_collation("DECIMAL", _compare_decimals)
        self._lock = threading.RLock()
        self._depth = 0
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", SETTINGS_TABLE, *schema):
            self._db.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            name = f"depth_{self._depth}"
            self._db.execute("BEGIN IMMEDIATE" if self._depth == 0 else f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._leave("ROLLBACK", f"ROLLBACK TO {name}")
                raise
            self._leave("COMMIT", f"RELEASE {name}")

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Row | None:
        rows = self.rows(sql, parameters)
        return rows[0] if rows else None

    def setting(self, name: str, default: str = "") -> str:
        row = self.row("SELECT value FROM settings WHERE name = ?", (name,))
        return default if row is None else str(row["value"])

    def set_setting(self, name: str, value: str) -> None:
        self.rows("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _leave(self, outermost: str, nested: str) -> None:
        self._depth -= 1
        self._db.execute(outermost if self._depth == 0 else nested)


def _compare_decimals(left: str, right: str) -> int:
    a, b = Decimal(left), Decimal(right)
    return (a > b) - (a < b)
