"""The state of the calls to one connection, as pages show it."""

from __future__ import annotations

from enum import StrEnum

from oppsync.domain.values.model import Code, Frozen


class Circuit(StrEnum):
    """Open: it failed too often, so nothing is called. Half open: one call at a time tests whether it is
    back."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Traffic(Frozen):
    """`circuit` is None while its state is not known. The limits are `requests` in `per_seconds` and
    `concurrent` calls at a time, None without a limit; `tokens` are the requests left, `in_use` the calls that
    run now.

    `retry_in`: seconds until an open circuit is tried. `held_for`: seconds of a pause that the vendor asked
    for. `waiting`: deals that were deferred.
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
