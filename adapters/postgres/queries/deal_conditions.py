"""The conditions of a deal filter, which lists and figures share: a figure is made of what its list shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, or_, select

from adapters.postgres.tables import exception_items, opportunities, plans
from oppsync.domain.reading.deal_filter import UNDER_WAY, DealFilter
from oppsync.domain.work.exceptions import BESIDE_THE_WORK, ExceptionStatus
from oppsync.domain.work.states import State

_DEALS = opportunities.c
# Why a deal is parked: the code of the latest of its open exceptions.
parked_for: ColumnElement[Any] = case(
    (
        _DEALS.state == State.PARKED,
        select(exception_items.c.code)
        .where(
            exception_items.c.tenant_id == _DEALS.tenant_id,
            exception_items.c.opportunity_id == _DEALS.id,
            exception_items.c.status == ExceptionStatus.OPEN,
            exception_items.c.code.not_in(BESIDE_THE_WORK),
        )
        .order_by(exception_items.c.id.desc())
        .limit(1)
        .correlate(opportunities)
        .scalar_subquery(),
    ),
)
# The plan that a deal stands at.
CURRENT_PLAN = and_(
    plans.c.tenant_id == _DEALS.tenant_id,
    plans.c.opportunity_id == _DEALS.id,
    plans.c.hash == _DEALS.plan_hash,
)
IS_ACTIVE: ColumnElement[bool] = and_(_DEALS.state == State.ACTIVE, _DEALS.activated_at.is_not(None))
IS_UNDER_WAY: ColumnElement[bool] = _DEALS.state.in_(sorted(UNDER_WAY))


def conditions(wanted: DealFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.under_way:
        yield IS_UNDER_WAY
    if wanted.planned:
        yield or_(IS_ACTIVE, IS_UNDER_WAY)
        yield exists(select(plans.c.hash).where(CURRENT_PLAN).correlate(opportunities))
    if wanted.entity is not None:
        yield _DEALS.legal_entity == wanted.entity
    if wanted.currency is not None:
        yield _DEALS.currency == wanted.currency
    if wanted.won_from is not None:
        yield _DEALS.won_on >= wanted.won_from
    if wanted.won_to is not None:
        yield _DEALS.won_on <= wanted.won_to
    if wanted.cause is not None:
        yield parked_for == wanted.cause
    if wanted.revenue_in is not None:
        of_month = plans.c.revenue.has_key(wanted.revenue_in)
        yield exists(select(plans.c.hash).where(CURRENT_PLAN, of_month).correlate(opportunities))
