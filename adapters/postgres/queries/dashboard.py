"""Count for the dashboard: one statement for each group of figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    DateTime,
    Float,
    Numeric,
    case,
    cast,
    extract,
    func,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.postgres.queries.base import Reading
from adapters.postgres.queries.deal_conditions import (
    CURRENT_PLAN,
    IS_ACTIVE,
    IS_UNDER_WAY,
    conditions,
    parked_for,
)
from adapters.postgres.tables import opportunities, plans
from oppsync.domain.reading.dashboard import (
    CycleFact,
    DashboardFacts,
    DashboardWanted,
    MarginFact,
    RevenueFact,
    WaitingFact,
)
from oppsync.domain.reading.deal_filter import DealFilter
from oppsync.domain.work.states import State

_DEALS = opportunities.c
_MONTH = func.date_trunc(literal_column("'month'"), cast(_DEALS.won_on, DateTime()))


class PostgresDashboardQueries(Reading):
    """Implements `oppsync.ports.queries.dashboard.DashboardQueries`."""

    def dashboard_facts(self, tenant_id: str, wanted: DashboardWanted, zone: str) -> DashboardFacts:
        of_entity = [_DEALS.tenant_id == tenant_id, *conditions(DealFilter(entity=wanted.entity))]
        of_period = [
            *of_entity,
            *conditions(DealFilter(won_from=wanted.since, won_to=wanted.until)),
            or_(IS_ACTIVE, IS_UNDER_WAY),
        ]
        with self.reading() as connection:
            return DashboardFacts(
                _cycle(connection, of_period, zone),
                _waiting(connection, of_entity, wanted.currency),
                _revenue(connection, of_entity, wanted.currency),
                _margin(connection, of_period, wanted.currency),
            )


def _cycle(connection: Connection, where: Sequence[Any], zone: str) -> Sequence[CycleFact]:
    """From when a deal was received, or the beginning of its close date where that is later."""
    won_at = func.timezone(zone, cast(_DEALS.won_on, DateTime()))
    taken = extract("epoch", _DEALS.activated_at - func.greatest(_DEALS.received_at, won_at))
    spread = func.percentile_cont(type_coerce([0.5, 0.9], ARRAY(Float))).within_group(func.greatest(taken, 0))
    query = (
        select(
            _MONTH.label("month"),
            func.count().filter(IS_ACTIVE).label("active"),
            func.count().filter(IS_UNDER_WAY).label("under_way"),
            spread.filter(IS_ACTIVE).label("spread"),
        )
        .where(*where)
        .group_by(func.rollup(_MONTH))
        .order_by(_MONTH.asc().nulls_last())
    )
    return [
        CycleFact(_month(row.month) if row.month else None, row.active, row.under_way, *_seconds(row.spread))
        for row in connection.execute(query)
    ]


def _seconds(spread: Sequence[float] | None) -> Sequence[int | None]:
    return [round(each) for each in spread] if spread else [None, None]


def _waiting(connection: Connection, where: Sequence[Any], shown_in: str) -> Sequence[WaitingFact]:
    found = (
        select(
            _DEALS.state,
            parked_for.label("cause"),
            _DEALS.currency,
            _rate_day(_DEALS.currency, shown_in).label("won_on"),
            _DEALS.amount,
            _DEALS.state_since,
        )
        .where(*where, IS_UNDER_WAY)
        .subquery()
    )
    keys = (found.c.state, found.c.cause, found.c.currency, found.c.won_on)
    query = select(
        *keys,
        func.count().label("deals"),
        func.sum(found.c.amount).label("amount"),
        (func.count() - func.count(found.c.amount)).label("without_amount"),
        func.min(found.c.state_since).label("oldest"),
    ).group_by(*keys)
    return [WaitingFact(State(row.state), *row[1:]) for row in connection.execute(query)]


def _revenue(connection: Connection, where: Sequence[Any], shown_in: str) -> Sequence[RevenueFact]:
    """The months of current plans; a deal without any has one row, with its own amount."""
    # One look-up for each deal: Postgres would read all plans there are, were it left to choose.
    plan = select(plans.c.currency, plans.c.revenue).where(CURRENT_PLAN).limit(1).lateral("plan")
    each = func.jsonb_each_text(plan.c.revenue).table_valued(
        "month", "amount", with_ordinality="number", name="each"
    )
    each = each.render_derived()
    currency = func.coalesce(plan.c.currency, _DEALS.currency)
    found = (
        select(
            each.c.month,
            (func.coalesce(each.c.number, 1) == 1).label("is_first"),
            currency.label("currency"),
            _rate_day(currency, shown_in).label("won_on"),
            func.coalesce(cast(each.c.amount, Numeric), _DEALS.amount).label("amount"),
        )
        .select_from(opportunities.outerjoin(plan, true()).outerjoin(each, true()))
        .where(*where, IS_UNDER_WAY)
        .subquery()
    )
    keys = (found.c.month, found.c.currency, found.c.won_on)
    query = select(
        *keys,
        func.count().label("deals"),
        func.count().filter(found.c.is_first).label("whole_deals"),
        func.sum(found.c.amount).label("amount"),
    ).group_by(*keys)
    return [RevenueFact(*row) for row in connection.execute(query)]


def _margin(connection: Connection, where: Sequence[Any], shown_in: str) -> Sequence[MarginFact]:
    found = (
        select(
            _MONTH.label("month"),
            plans.c.currency,
            _rate_day(plans.c.currency, shown_in).label("won_on"),
            plans.c.total,
            plans.c.cost,
        )
        .select_from(opportunities.join(plans, CURRENT_PLAN))
        .where(*where)
        .subquery()
    )
    keys = (found.c.month, found.c.currency, found.c.won_on)
    query = select(
        *keys,
        func.count().label("deals"),
        func.sum(found.c.total).filter(found.c.cost.is_not(None)).label("total"),
        func.sum(found.c.cost).label("cost"),
        (func.count() - func.count(found.c.cost)).label("without_cost"),
    ).group_by(*keys)
    return [MarginFact(_month(row.month), *row[1:]) for row in connection.execute(query)]


def _rate_day(currency: Any, shown_in: str) -> Any:
    """The day whose exchange rate counts; none where none is needed, so that fewer sums are read."""
    return case((currency == shown_in, None), else_=_DEALS.won_on)


def _month(begin: datetime) -> str:
    return f"{begin:%Y-%m}"
