"""How a legal entity bills and recognises: the policies that its reference row may set, with their defaults."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP
from enum import StrEnum

from oppsync.domain.model import Frozen


class Proration(StrEnum):
    """How a partial month counts: by its calendar days, or as of thirty days (30E/360, ISDA 2006 4.16(g))."""

    CALENDAR_DAYS = "calendar_days"
    THIRTY_360 = "30/360"


class Rounding(StrEnum):
    """What happens to half a minor unit."""

    HALF_EVEN = "half_even"
    HALF_UP = "half_up"

    @property
    def mode(self) -> str:
        """As `decimal` calls it."""
        return ROUND_HALF_UP if self is Rounding.HALF_UP else ROUND_HALF_EVEN


class BillingPolicy(Frozen):
    """`rolls_to_business_day`: a due date on a weekend or holiday of the entity's country moves to the next day
    that is none. `rounding` is that of tax."""

    rolls_to_business_day: bool = False
    proration: Proration = Proration.CALENDAR_DAYS
    rounding: Rounding = Rounding.HALF_EVEN
