"""How the calls to one connection go, as people are shown it."""

from __future__ import annotations

from enum import StrEnum

from oppsync.domain.values.model import Code, Frozen


class Circuit(StrEnum):
    """Open: it failed too often, nothing is called. Half open: one call at a time tries whether it is back."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Traffic(Frozen):
    """`circuit` is None while nobody can say. Its limits are `requests` in `per_seconds` and `concurrent` at a
    time, None without; `tokens` are left of the one, `in_use` of the other.

    Seconds: `retry_in` until an open circuit is tried, `held_for` as the vendor asked. `waiting`: deals that
    were given a later time.
    """

    connection_id: Code
    circuit: Circuit | None
    retry_in: float = 0.0
    held_for: float = 0.0
    failures: int = 0
    requests: int | None = None
    per_seconds: float = 1.0
    tokens: int | None = None
    concurrent: int | None = None
    in_use: int | None = None
    waiting: int = 0
