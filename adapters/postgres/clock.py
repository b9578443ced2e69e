"""The database's clock, by which the leases, due times and quarantines of all processes are measured."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func


def clock() -> Any:
    """The time now, which moves on even inside a long transaction."""
    return func.clock_timestamp()
