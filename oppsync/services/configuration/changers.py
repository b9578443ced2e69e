"""Who changed rows by which deals are tried, as far as the changes were made: who will propose and approve
those to come is not known yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from oppsync.domain.reference.book import ReferenceKind, ReferenceRow, ReferenceUse
from oppsync.domain.values.model import changed
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory


@dataclass
class ChangersOfRows:
    """`now`: the rows of now, whose counters tell the changes. Each row is looked up once."""

    uow: UnitOfWorkFactory
    tenant_id: str
    now: Iterable[ReferenceRow]
    _known: dict[ReferenceUse, Collection[str]] = field(default_factory=dict)

    def of(self, used: Iterable[ReferenceUse]) -> Collection[str]:
        """The actors who made or approved changes that are part of these rows."""
        rows = [self._as_counted(use) for use in dict.fromkeys(used)]
        missing = [row for row in rows if row not in self._known]
        if missing:
            with self.uow.reading() as uow:
                found = {row: uow.plans.changers_of_rows(self.tenant_id, [row]) for row in missing}
            self._known.update(found)
        return {actor for row in rows for actor in self._known[row]}

    def _as_counted(self, use: ReferenceUse) -> ReferenceUse:
        count = self._counters.get((use.kind, use.key, use.valid_from))
        return use if count is None else changed(use, version=count)

    @cached_property
    def _counters(self) -> dict[tuple[ReferenceKind, str, date], int]:
        return {(row.kind, row.key, row.valid_from): row.version for row in self.now}
