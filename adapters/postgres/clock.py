"""The database's clock: leases, due times and quarantines of all processes go by it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func


def clock() -> Any:
    """The time now, also inside a long transaction."""
    return func.clock_timestamp()
