"""The due day of an invoice where a legal entity is."""

from __future__ import annotations

from datetime import date, timedelta

from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.reference.public_holidays import is_business_day

_DAY = timedelta(days=1)


def due_day(day: date, entity: LegalEntity) -> date:
    """`day`, or the next business day of the entity where its policy rolls due dates."""
    if entity.billing_policy.rolls_to_business_day:
        while not is_business_day(day, entity.country, entity.subdivision):
            day += _DAY
    return day
