"""How often a vendor may be called: a connection's `limits`, over what its vendor publishes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from oppsync.domain.values.model import Frozen, changed
from oppsync.domain.work.connections import Connection
from oppsync.kernel.errors import Misconfigured

SETTING = "limits"
# Calls of one deal that go out at once where nothing else is said.
SIDE_BY_SIDE = 8
# The part of a window's requests that may come at once, unless the connection sets `burst`.
BURST_SHARE = 5


class Limits(Frozen):
    """At most `requests` in any `per_seconds`, of which `burst` at once; `concurrent` steps at a time.
    `calls_at_once` limits the calls of one process; further ones wait in their threads.

    None is no limit. A bucket of `burst` tokens that fills with (requests - burst) tokens in `per_seconds` lets
    no more than `requests` through in any such window, wherever it begins.
    """

    requests: Annotated[int, Field(ge=2)] | None = None
    per_seconds: Annotated[float, Field(gt=0, le=86_400)] = 1.0
    burst: Annotated[int, Field(ge=1)] | None = None
    concurrent: Annotated[int, Field(ge=1)] | None = None
    calls_at_once: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _burst_within_requests(self) -> Limits:
        if self.burst is not None and (self.requests is None or self.burst >= self.requests):
            raise ValueError("burst must be less than requests: the rest is spread over the window")
        return self

    @property
    def counts_nothing(self) -> bool:
        """Whether no limit has to be counted across processes."""
        return self.requests is None and self.concurrent is None

    @property
    def capacity(self) -> int:
        """Tokens the bucket holds."""
        if self.requests is None:
            return 0
        return self.burst or max(1, self.requests // BURST_SHARE)

    @property
    def rate(self) -> float:
        """Tokens a second; 0 is no limit."""
        return 0.0 if self.requests is None else (self.requests - self.capacity) / self.per_seconds

    @property
    def reserve(self) -> int:
        """Tokens kept for steps that have begun, so that they can finish: a new step begins only above this."""
        return self.capacity // 2


NO_LIMITS = Limits()


def limits_of(connection: Connection, published: Limits) -> Limits:
    """The connection's own limits over those its vendor publishes. Raises Misconfigured, naming the setting."""
    own: Any = connection.settings.get(SETTING, {})
    try:
        return Limits.model_validate(published.model_dump() | dict(own))
    except (ValidationError, TypeError, ValueError) as error:
        faults = (
            "; ".join(_fault(each) for each in error.errors()) if isinstance(error, ValidationError) else ""
        )
        problem = faults or "an object of requests, per_seconds, burst, concurrent and calls_at_once is wanted"
        raise Misconfigured(f"Connection {connection.id}: the setting {SETTING} is wrong: {problem}") from None


def side_by_side(limits: Limits) -> int:
    """How many calls of one deal go out at once: one where steps have places, since a step has one of them."""
    return 1 if limits.concurrent is not None else min(limits.calls_at_once or SIDE_BY_SIDE, SIDE_BY_SIDE)


def without_limits(connection: Connection) -> Connection:
    """The connection without our limits, as its vendor's adapter reads it: the adapter does not know that
    setting."""
    settings = {name: value for name, value in connection.settings.items() if name != SETTING}
    return changed(connection, settings=settings)


def _fault(error: Any) -> str:
    return f"{'.'.join(map(str, error['loc'])) or SETTING}: {error['msg']}"
