"""How a legal entity bills and recognises: the policies that its reference row may set, with their defaults."""

from __future__ import annotations

from enum import StrEnum

from oppsync.domain.deal.billing_terms import PeriodBasis
from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.values.model import Frozen, omitted_at
from oppsync.domain.values.money import Rounding


class Proration(StrEnum):
    """How a partial month counts: by its calendar days, or as of thirty days (30E/360, ISDA 2006 4.16(g))."""

    CALENDAR_DAYS = "calendar_days"
    THIRTY_360 = "30/360"


class RevenueMethod(StrEnum):
    """How revenue is recognised (ASC 606, IFRS 15)."""

    STRAIGHT_LINE = "straight_line"
    PERCENT_COMPLETE = "percent_complete"
    MILESTONE = "milestone"
    AS_INVOICED = "as_invoiced"


class BillingPolicy(Frozen):
    """`rolls_to_business_day`: a due date on a weekend or holiday of the entity's country moves to the next
    day that is none. `rounding` is that of tax. `periods` holds where the deal's terms leave it open; where
    it is None too, periods are calendar months, with a warning where that divides the contract's.
    `recognises_revenue`: plans have a revenue schedule beside the billing schedule; `revenue_methods` are
    those that differ from the default of their billing model."""

    rolls_to_business_day: bool = False
    proration: Proration = Proration.CALENDAR_DAYS
    rounding: Rounding = Rounding.HALF_EVEN
    periods: PeriodBasis | None = omitted_at(None)
    recognises_revenue: bool = omitted_at(False)
    revenue_methods: dict[BillingModelCode, RevenueMethod] = omitted_at({})

    @property
    def period_basis(self) -> PeriodBasis:
        return self.periods or PeriodBasis.CALENDAR
