"""Poll a CRM for changes whose webhook never arrived, and put them into the inbox.

Deletions are asked for once all pages are read. Parked deals are read again now and then, a few with each poll,
because what they wait for may be repaired where no webhook reports it.

Each step reads one page, under a lease of the connection's watermark, which moves only past changes that are
stored. A repeated step stores nothing twice: a change found again has the same delivery id.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from oppsync.domain.values.actor import POLL
from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import PollRefused
from oppsync.domain.work.exceptions import ExceptionItem, NewException
from oppsync.domain.work.intake import Source
from oppsync.domain.work.payload_references import poll_reference
from oppsync.domain.work.polling import Change, ChangePage, Deletion, Deletions, Watermark, synthetic_delivery
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import (
    BusinessError,
    HeldBack,
    StoreUnavailable,
    TransientError,
    VendorUnavailable,
)
from oppsync.pipeline.exception_items import raise_or_reopen
from oppsync.pipeline.retry import backoff
from oppsync.pipeline.table import PIPELINE
from oppsync.ports.clock import Clock
from oppsync.ports.crm import Crm
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.intake.accept_delivery import accept
from oppsync.services.intake.commands import PollCrm

# Changes stored in one commit.
BATCH = 100
# A connection that a person has to mend is tried again after this.
AFTER_A_MISTAKE = timedelta(minutes=5)
# Parked deals read again with one poll of their CRM: a few calls each time, however many there are.
RECHECKED_AT_ONCE = 20
REFUSED = "POLL_REFUSED"
AT_ONCE, BRIEFLY = timedelta(0), timedelta(seconds=1)


@dataclass(frozen=True)
class PollCrmHandler:
    """`holder` names this process. No transaction is open while the CRM is asked."""

    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems
    clock: Clock
    holder: str

    def __call__(self, command: PollCrm) -> bool:
        with self.uow() as uow:
            watermark = uow.watermarks.take(self.holder)
            uow.commit()
        if watermark is None:
            return False
        crash_point("poll.taken", watermark.connection_id)
        try:
            crm = self.systems.crm(watermark.connection_id)
            if not crm.capabilities.polls:
                self._recheck(watermark)
                self._postpone(watermark, crm.poll_every, None)
                return True
            page = self._read(crm, watermark)
            self._store(watermark, page.as_of, page.changes)
            deletions = None if page.more else self._deletions(crm, watermark, page.as_of)
        except StoreUnavailable:
            raise
        except HeldBack as error:  # no call was made, so nothing went wrong
            self._postpone(watermark, error.retry_after or BRIEFLY, None)
        except TransientError as error:
            pause = backoff(watermark.tries, error, random.random())  # noqa: S311
            self._postpone(watermark, pause, error.message)
        except BusinessError as error:
            self._set_aside(watermark, error)
        else:
            if deletions is not None:
                self._store(watermark, page.as_of, deletions.deleted)
            self._move(watermark, page, deletions, crm.poll_every)
        return True

    def _read(self, crm: Crm, watermark: Watermark) -> ChangePage:
        since, after_id = watermark.next_page(crm.poll_overlap, self.clock.now())
        page = crm.changed_opportunities(since, after_id)
        if not watermark.is_passed_by(page):
            raise VendorUnavailable(
                "The CRM answered with a page that was read before: the poll would never end"
            )
        return page

    def _deletions(self, crm: Crm, watermark: Watermark, as_of: datetime) -> Deletions:
        since = watermark.deletions_since(crm.poll_overlap, as_of)
        return crm.deleted_opportunities(since, as_of)

    def _store(self, watermark: Watermark, as_of: datetime, news: Sequence[Change | Deletion]) -> None:
        for batch in _in_batches(news):
            with self.uow() as uow:
                self._store_news(uow, watermark, batch, as_of)
                uow.commit()
            crash_point("poll.stored", watermark.connection_id)

    def _recheck(self, watermark: Watermark) -> None:
        with self.uow() as uow:
            parked = uow.opportunities.recheck(watermark.tenant_id, watermark.connection_id, RECHECKED_AT_ONCE)
            for opportunity_id, traceparent in parked:
                uow.outbox.add(watermark.tenant_id, opportunity_id, PIPELINE[0].name, traceparent)
            uow.commit()

    def _move(
        self, watermark: Watermark, page: ChangePage, deletions: Deletions | None, poll_every: timedelta
    ) -> None:
        """The watermark moves last: whoever dies before it leaves the page to be read again."""
        if not page.more:
            self._recheck(watermark)
        with self.uow() as uow:
            uow.watermarks.move(watermark.past(page, deletions), AT_ONCE if page.more else poll_every)
            if watermark.error is not None:
                subject = poll_reference(watermark.connection_id)
                uow.exceptions.close_open(watermark.tenant_id, subject, POLL, "It answers again")
            uow.commit()
        crash_point("poll.moved", watermark.connection_id)

    def _store_news(
        self, uow: UnitOfWork, watermark: Watermark, changes: Sequence[Change | Deletion], as_of: datetime
    ) -> None:
        tenant_id, connection_id = watermark.tenant_id, watermark.connection_id
        known = uow.opportunities.last_seen(tenant_id, connection_id, [change.id for change in changes])
        late: list[timedelta] = []
        deals = 0
        for change in sorted(changes, key=lambda change: change.id):  # the order in which intake locks
            if not _is_news(change, known):
                continue
            delay = as_of - _happened_at(change)
            delivery = synthetic_delivery(tenant_id, connection_id, change.ref, Source.POLL, delay)
            _event_id, is_new = accept(uow, self.publish, delivery, [change.ref])
            if is_new:
                late.append(delay)
                deals += change.id not in known
        if late:
            uow.watermarks.count(watermark, deals, len(late) - deals, max(late))

    def _set_aside(self, watermark: Watermark, error: BusinessError) -> None:
        """The poll is tried again by itself, but a person has to mend the connection: one item is raised for
        them."""
        with self.uow() as uow:
            held = uow.watermarks.postpone(watermark, AFTER_A_MISTAKE, error.message)
            if held and error.message != watermark.error:
                item = NewException(
                    tenant_id=watermark.tenant_id,
                    code=REFUSED,
                    message=error.message,
                    owner=CODES[REFUSED].owner,
                    payload_reference=poll_reference(watermark.connection_id),
                )
                item_id = raise_or_reopen(uow, item, lambda last: _was_polled_since(watermark, last))
                event = _refused(watermark, item_id, error)
                self.publish(uow, watermark.tenant_id, new_traceparent(), event)
            uow.commit()

    def _postpone(self, watermark: Watermark, pause: timedelta, error: str | None) -> None:
        with self.uow() as uow:
            uow.watermarks.postpone(watermark, pause, error)
            uow.commit()


def _was_polled_since(watermark: Watermark, last: ExceptionItem) -> bool:
    """Whether a poll has succeeded since the item was closed."""
    until, closed_at = watermark.covered_until, last.closed_at
    return until is not None and closed_at is not None and until > closed_at


def _refused(watermark: Watermark, item_id: UUID, error: BusinessError) -> PollRefused:
    return PollRefused(
        opportunity_id=None,
        actor=POLL,
        detail={"connection": watermark.connection_id, "exception": str(item_id), "code": error.code},
        summary=f"{watermark.connection_id} cannot be polled: {error.message}",
    )


def _is_news(change: Change | Deletion, known: Mapping[str, datetime | None]) -> bool:
    """Whether this version, or this deletion, was neither reported nor read. A record that is not won, or that
    is gone, matters only if it is stored here."""
    if change.id not in known:
        return isinstance(change, Change) and change.is_won
    until = known[change.id]
    return until is None or until < _happened_at(change)


def _happened_at(change: Change | Deletion) -> datetime:
    return change.deleted_at if isinstance(change, Deletion) else change.modified_at


def _in_batches(changes: Sequence[Change | Deletion]) -> Iterator[Sequence[Change | Deletion]]:
    for start in range(0, len(changes), BATCH):
        yield changes[start : start + BATCH]
