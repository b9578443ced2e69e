"""What a run has read of the store: each question is asked once, until the run writes something.

Stages that decide one after the other ask much of the same. What they find counts for a moment only, as a
transaction's would; after each commit of the run, so before anything is made, all of it is asked again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

from oppsync.ports.storage.unit_of_work import UnitOfWork, UnitOfWorkFactory

# Seconds: a run that waited for a slow vendor asks again.
COUNTS_FOR = 2.0


class Readings:
    """Implements `UnitOfWorkFactory` for one run; it is used by the thread of that run alone."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units
        self._answers: dict[Hashable, tuple[float, Any]] = {}

    def forget(self) -> None:
        self._answers.clear()

    @contextmanager
    def __call__(self) -> Iterator[UnitOfWork]:
        with self._units() as uow:
            yield cast("UnitOfWork", _Writing(uow, self.forget))

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        with ExitStack() as ending:
            opened: list[UnitOfWork] = []

            def unit() -> UnitOfWork:
                if not opened:
                    opened.append(ending.enter_context(self._units.reading()))
                return opened[0]

            yield cast("UnitOfWork", _Reading(unit, self._answers))


class _Writing:
    """A unit of work after whose commit nothing counts that was read before."""

    def __init__(self, uow: UnitOfWork, forget: Callable[[], None]) -> None:
        self._uow = uow
        self._forget = forget

    def __getattr__(self, name: str) -> Any:
        return getattr(self._uow, name)

    def commit(self) -> None:
        self._forget()
        self._uow.commit()

    def commit_outcome(self, *outcome: Any) -> int | None:
        self._forget()
        return self._uow.commit_outcome(*outcome)


class _Reading:
    def __init__(self, unit: Callable[[], UnitOfWork], answers: dict[Hashable, tuple[float, Any]]) -> None:
        self._unit = unit
        self._answers = answers

    def __getattr__(self, repository: str) -> Any:
        return _Repository(repository, self._unit, self._answers)


class _Repository:
    def __init__(
        self, name: str, unit: Callable[[], UnitOfWork], answers: dict[Hashable, tuple[float, Any]]
    ) -> None:
        self._name = name
        self._unit = unit
        self._answers = answers

    def __getattr__(self, question: str) -> Callable[..., Any]:
        def ask(*about: Any, **further: Any) -> Any:
            key = (self._name, question, about, tuple(further.items()))
            if not _is_hashable(key):
                return getattr(getattr(self._unit(), self._name), question)(*about, **further)
            known = self._answers.get(key)
            if known is not None and time.monotonic() - known[0] < COUNTS_FOR:
                return known[1]
            answer = getattr(getattr(self._unit(), self._name), question)(*about, **further)
            self._answers[key] = time.monotonic(), answer
            return answer

        return ask


def _is_hashable(key: object) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True
