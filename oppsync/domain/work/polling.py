"""Polling a CRM for changes: one page of its answer, and the watermark up to which all changes are stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from pydantic import AwareDatetime

from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.values.model import Code, Frozen, Text, changed
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.intake import Delivery, Source


class Change(Frozen):
    """An opportunity that changed, as it is now."""

    id: Code
    version: Code
    modified_at: AwareDatetime
    is_won: bool

    @property
    def ref(self) -> OpportunityRef:
        return OpportunityRef(id=self.id, version=self.version, modified_at=self.modified_at)


class ChangePage(Frozen):
    """Changes, oldest first; those of one moment are sorted by id. `as_of`: the CRM's own clock when it was
    asked."""

    changes: tuple[Change, ...]
    more: bool
    as_of: AwareDatetime


class Deletion(Frozen):
    """An opportunity that was deleted."""

    id: Code
    deleted_at: AwareDatetime

    @property
    def ref(self) -> OpportunityRef:
        version = f"deleted {self.deleted_at.isoformat()}"
        return OpportunityRef(id=self.id, version=version, modified_at=self.deleted_at)


class Deletions(Frozen):
    """The records deleted before `covered_until` (the CRM's clock), as far as the CRM remembers."""

    deleted: tuple[Deletion, ...]
    covered_until: AwareDatetime


class Watermark(Frozen):
    """How far one CRM connection is polled. All times are the CRM's.

    All changes before `covered_until` are stored, except those that were still being committed then: polls
    overlap because of them. A poll of several pages goes on after `page_from`, `page_after`; once its last
    page is stored, `covers` becomes `covered_until`. Deletions before `deletions_until` are stored too. `token`
    is the lease's, `error` is why the last poll failed.
    """

    tenant_id: Code
    connection_id: Code
    token: int
    tries: int = 0
    error: Text | None = None
    covered_until: AwareDatetime | None = None
    covers: AwareDatetime | None = None
    page_from: AwareDatetime | None = None
    page_after: Code | None = None
    deletions_until: AwareDatetime | None = None

    def next_page(self, overlap: timedelta, now: datetime) -> tuple[datetime, str | None]:
        """The time from which to ask for changes, and the id at that time after which to go on. The very first
        poll begins one overlap before `now`: deals won earlier need a backfill."""
        if self.page_from is not None:
            return self.page_from, self.page_after
        return (self.covered_until or now) - overlap, None

    def deletions_since(self, overlap: timedelta, now: datetime) -> datetime:
        """As `next_page`: each poll looks back one overlap."""
        return (self.deletions_until or now) - overlap

    def is_passed_by(self, page: ChangePage) -> bool:
        """Whether going on after this page leads anywhere: else the same page would be read for ever."""
        if not page.more or self.page_from is None:
            return True
        last = page.changes[-1]
        return last.modified_at > self.page_from or (
            last.modified_at == self.page_from and last.id != self.page_after
        )

    def past(self, page: ChangePage, deletions: Deletions | None = None) -> Self:
        """The watermark once this page, and what was deleted, is stored."""
        covers = self.covers or page.as_of
        if page.more:
            last = page.changes[-1]
            ahead = {"covers": covers, "page_from": last.modified_at, "page_after": last.id}
        else:
            until = max(covers, self.covered_until or covers)
            ahead = {"covered_until": until, "covers": None, "page_from": None, "page_after": None}
        if deletions is not None:
            ahead["deletions_until"] = deletions.covered_until
        return changed(self, **ahead)


def synthetic_delivery(
    tenant_id: str, connection_id: str, ref: OpportunityRef, source: Source, late: timedelta | None = None
) -> Delivery:
    """A delivery for a record that we found in the CRM ourselves.

    Its id is made of the record and its version, so the same version found again is the same delivery and
    enters the inbox once. `late`: how long ago the record changed.
    """
    return Delivery(
        tenant_id=tenant_id,
        connection_id=connection_id,
        delivery_id=f"found:{ref.id}:{ref.version}",
        headers={},
        body=ref.model_dump_json().encode(),
        traceparent=new_traceparent(),
        source=source,
        late_seconds=None if late is None else max(0, round(late.total_seconds())),
    )
