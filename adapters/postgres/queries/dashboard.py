"""Count for the dashboard: one statement for each group of figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    DateTime,
    Float,
    Numeric,
    cast,
    column,
    extract,
    func,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from adapters.postgres.queries.base import Reading
from adapters.postgres.queries.deal_conditions import (
    CAUSE,
    CURRENT_PLAN,
    IS_ACTIVE,
    IS_UNDER_WAY,
    conditions,
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
_MONTH = func.to_char(_DEALS.won_on, literal_column("'YYYY-MM'"))


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
                _waiting(connection, of_entity),
                _revenue(connection, of_entity),
                _margin(connection, of_period),
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
        CycleFact(row.month, row.active, row.under_way, *_seconds(row.spread))
        for row in connection.execute(query)
    ]


def _seconds(spread: Sequence[float] | None) -> Sequence[int | None]:
    return [round(each) for each in spread] if spread else [None, None]


def _waiting(connection: Connection, where: Sequence[Any]) -> Sequence[WaitingFact]:
    found = (
        select(
            _DEALS.state,
            CAUSE.label("cause"),
            _DEALS.currency,
            _DEALS.won_on,
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


def _revenue(connection: Connection, where: Sequence[Any]) -> Sequence[RevenueFact]:
    """The lines of current plans; a deal without any has one row, with its own amount."""
    line = func.jsonb_array_elements(plans.c.revenue).table_valued(column("line", JSONB), name="lines")
    line = line.render_derived()
    amount = line.c.line["amount"]
    found = (
        select(
            _DEALS.id,
            _DEALS.won_on,
            line.c.line["period"].astext.label("month"),
            func.coalesce(amount["currency"].astext, _DEALS.currency).label("currency"),
            func.coalesce(cast(amount["amount"].astext, Numeric), _DEALS.amount).label("amount"),
        )
        .select_from(opportunities.outerjoin(plans, CURRENT_PLAN).outerjoin(line, true()))
        .where(*where, IS_UNDER_WAY)
        .subquery()
    )
    keys = (found.c.month, found.c.currency, found.c.won_on)
    query = select(
        *keys, func.count(found.c.id.distinct()).label("deals"), func.sum(found.c.amount).label("amount")
    ).group_by(*keys)
    return [RevenueFact(*row) for row in connection.execute(query)]


def _margin(connection: Connection, where: Sequence[Any]) -> Sequence[MarginFact]:
    is_known = plans.c.cost.is_not(None)
    query = (
        select(
            plans.c.currency,
            _DEALS.won_on,
            func.count().label("deals"),
            func.sum(plans.c.total).filter(is_known).label("total"),
            func.sum(plans.c.cost).label("cost"),
            func.count().filter(~is_known).label("without_cost"),
        )
        .select_from(opportunities.join(plans, CURRENT_PLAN))
        .where(*where)
        .group_by(plans.c.currency, _DEALS.won_on)
    )
    return [MarginFact(*row) for row in connection.execute(query)]
