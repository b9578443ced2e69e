"""What an application asks of Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from adapters.bootstrap import Application


@contextmanager
def statements(application: Application) -> Iterator[list[str]]:
    """All of the block, in order."""
    seen: list[str] = []

    def see(*arguments: Any) -> None:
        seen.append(arguments[2])

    event.listen(application.engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        event.remove(application.engine, "before_cursor_execute", see)
