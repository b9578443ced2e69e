"""The dashboard of a firm: what page, API and files show."""

from __future__ import annotations

from datetime import UTC, date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from oppsync.domain.reading.dashboard import Dashboard, DashboardWanted
from oppsync.domain.reading.dashboard_sums import currencies_of, dashboard_of
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.values.money import current_currencies, why_not_current
from oppsync.kernel.errors import InvalidInput
from oppsync.ports.clock import Clock
from oppsync.ports.queries import Queries
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory

# Of the default period, the month of today among them.
MONTHS = 6


class Asked(NamedTuple):
    """What somebody chose; None: nothing."""

    won_from: date | None = None
    won_to: date | None = None
    currency: str | None = None
    entity: str | None = None


def read_dashboard(
    queries: Queries, uow: UnitOfWorkFactory, clock: Clock, tenant_id: str, asked: Asked
) -> Dashboard:
    """Without a choice: the last six months, in the currency that most entities report in, of all entities.
    Raises InvalidInput for a period that ends before it begins, and for what is no currency."""
    now, zone = clock.now(), queries.time_zone(tenant_id) or "UTC"
    today = now.astimezone(ZoneInfo(zone) if zone != "UTC" else UTC).date()
    with uow.reading() as unit:
        book = unit.references.book(tenant_id)
    wanted = _wanted(book, today, asked)
    return dashboard_of(queries.dashboard_facts(tenant_id, wanted, zone), wanted, book, now, today)


def _wanted(book: ReferenceBook, today: date, asked: Asked) -> DashboardWanted:
    until = asked.won_to or today
    since = asked.won_from or _months_before(until, MONTHS - 1)
    if until < since:
        raise InvalidInput("The last day is before the first.", field="won_to")
    if asked.currency is not None and asked.currency not in current_currencies():
        raise InvalidInput(f"{asked.currency} {why_not_current(asked.currency)}.", field="currency")
    currency = asked.currency or currencies_of(book, today)[0]
    return DashboardWanted(since=since, until=until, currency=currency, entity=asked.entity)


def _months_before(day: date, months: int) -> date:
    """The first day of the month that is so many before; of the calendar's first one at the earliest."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(max(year, 1), month + 1, 1)
