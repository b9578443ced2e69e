"""The ambient context of the running stage: tenant, opportunity, stage, trace. Adapters that call outside
systems read it here, so that it need not be passed through every signature.

Resources that live as long as the stage (a place at a vendor, a list of calls made) are kept in the scope and
end with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class StageScope:
    """`stage` is the stage's name. `around`: the scope of the run that it is a step of."""

    tenant_id: str
    opportunity_id: UUID
    stage: str
    traceparent: str
    around: StageScope | None = None
    _kept: dict[Hashable, Any] = field(default_factory=dict)
    _endings: ExitStack = field(default_factory=ExitStack)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def of_run(self) -> StageScope:
        """What lives as long as the run is kept here."""
        return self.around.of_run if self.around else self

    def keep(self, key: Hashable, begin: Callable[[], AbstractContextManager[Kept]]) -> Kept:
        """Return the resource kept under `key`. The first call opens it with `begin`; it is closed with the
        scope. Raises what `begin` raises; then nothing is kept."""
        with self._lock:  # calls of one stage go out side by side
            if key not in self._kept:
                self._kept[key] = self._endings.enter_context(begin())
            return cast("Kept", self._kept[key])


_current: ContextVar[StageScope | None] = ContextVar("stage_scope", default=None)


@contextmanager
def stage_scope(tenant_id: str, opportunity_id: UUID, stage: str, traceparent: str) -> Iterator[StageScope]:
    """Within another scope it is a step of that one."""
    scope = StageScope(tenant_id, opportunity_id, stage, traceparent, around=_current.get())
    token = _current.set(scope)
    try:
        with scope._endings:
            yield scope
    finally:
        _current.reset(token)


def current_scope() -> StageScope | None:
    """None outside a stage: a person's command, a poll, a check."""
    return _current.get()
