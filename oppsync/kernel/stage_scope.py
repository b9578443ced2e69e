"""The step a worker is at: one stage of one opportunity. Who talks to the outside reads here for whom.

What lasts as long as the step (a place at a vendor, a list of calls made) is kept with it and ends with it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Step:
    """`stage` by its name; `opportunity_id` is whom it is for."""

    tenant_id: str
    opportunity_id: UUID
    stage: str
    traceparent: str
    _kept: dict[Hashable, Any] = field(default_factory=dict)
    _endings: ExitStack = field(default_factory=ExitStack)

    def keep(self, key: Hashable, begin: Callable[[], AbstractContextManager[Kept]]) -> Kept:
        """What is kept under `key`; begun when it is first asked for, ended with the step. Raises what `begin`
        raises; then nothing is kept."""
        if key not in self._kept:
            self._kept[key] = self._endings.enter_context(begin())
        return cast("Kept", self._kept[key])


_current: ContextVar[Step | None] = ContextVar("step", default=None)


@contextmanager
def step(tenant_id: str, opportunity_id: UUID, stage: str, traceparent: str) -> Iterator[Step]:
    began = Step(tenant_id, opportunity_id, stage, traceparent)
    token = _current.set(began)
    try:
        with began._endings:
            yield began
    finally:
        _current.reset(token)


def current_step() -> Step | None:
    """None outside a stage: a person's command, a poll, a check."""
    return _current.get()
