"""Percent complete: revenue follows the planned work, the same each business day of the selling entity.

An input method: actual hours take the plan's place once the project runs. Where the entity's calendar is not
known, or the work has no business day, every day counts.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from functools import lru_cache

from oppsync.domain.billing.periods import Period, months_of
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.reference.public_holidays import is_business_day, is_known
from oppsync.domain.revenue.recognition import Months, Obligation, month_of
from oppsync.domain.revenue.straight_line import StraightLine


class PercentComplete:
    method = RevenueMethod.PERCENT_COMPLETE
    title = "Percent complete"
    _every_day = StraightLine()

    def months(self, obligation: Obligation) -> Months:
        run, seller = obligation.workstream, obligation.workstream.seller
        if not is_known(seller.country, seller.subdivision):
            return self._every_day.months(obligation)
        worked = {
            month_of(part.starts_on): Fraction(_business_days(part, seller.country, seller.subdivision))
            for part in months_of(run.starts_on, run.ends_on)
        }
        return worked if any(worked.values()) else self._every_day.months(obligation)


@lru_cache(maxsize=4096)
def _business_days(part: Period, country: str, subdivision: str | None) -> int:
    days = (part.starts_on + timedelta(days=n) for n in range((part.ends_on - part.starts_on).days + 1))
    return sum(is_business_day(day, country, subdivision) for day in days)
