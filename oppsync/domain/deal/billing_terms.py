"""Billing terms: what was agreed about invoicing, on the contract or on one of its lines.

Terms follow Dynamics 365 Project Operations (not-to-exceed limit), NetSuite (billing schedules) and Certinia
PSA (retainers with rollover). A term that the CRM left empty is None; the billing models make findings of
missing ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from oppsync.domain.values.model import Frozen, changed, omitted_at
from oppsync.domain.values.typed import TypedNumber


class BillingFrequency(StrEnum):
    """How often a line is invoiced between its first and its last day."""

    ONCE = "once"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


class PeriodBasis(StrEnum):
    """The periods of a run: calendar months, the first and the last one partial where it begins or
    ends inside one; or months of the contract, counted from its first day."""

    CALENDAR = "calendar"
    CONTRACT = "contract"


class Timing(StrEnum):
    """Whether a period is invoiced when it begins or when it has ended."""

    IN_ADVANCE = "in_advance"
    IN_ARREARS = "in_arrears"


class CapScope(StrEnum):
    """The reach of a cap: all capped lines of the deal together, each month, or the line it stands on."""

    CONTRACT = "contract"
    PERIOD = "period"
    WORKSTREAM = "workstream"


class Rollover(StrEnum):
    """The rule for hours that a retainer included and that were not used."""

    NONE = "none"
    CAPPED = "capped"
    ALL = "all"


class Cap(Frozen):
    """Not-to-exceed limit: nothing beyond `amount` is billable; people are warned at `warning_percent` of
    it."""

    amount: TypedNumber | None = None
    scope: CapScope = CapScope.WORKSTREAM
    warning_percent: TypedNumber = Decimal(80)


class Deposit(Frozen):
    """`percent` of the fee when the contract is signed, `final_percent` when work ends, the rest between."""

    percent: TypedNumber | None = None
    final_percent: TypedNumber = Decimal(0)


class Retainer(Frozen):
    """`hours` are included in each month; with rollover `capped`, at most `rollover_hours` are carried on."""

    hours: TypedNumber | None = None
    rollover: Rollover = Rollover.NONE
    rollover_hours: TypedNumber | None = None


class BillingTerms(Frozen):
    """`day` is the day of the month invoices are due on; 31, like 30 in February, is the month's last day.

    `indexation_percent` raises the price on each anniversary of the start. `periods` None leaves it to the
    policy of the entity that invoices."""

    frequency: BillingFrequency | None = None
    day: int | None = None
    timing: Timing | None = None
    cap: Cap | None = None
    deposit: Deposit | None = None
    retainer: Retainer | None = None
    indexation_percent: TypedNumber | None = None
    periods: PeriodBasis | None = omitted_at(None)

    def over(self, wider: BillingTerms) -> BillingTerms:
        """These terms, completed with those of `wider` where these are None."""
        return changed(wider, **self._agreed())

    def only(self, names: Collection[str]) -> BillingTerms:
        """These terms without the fields that are not among `names`."""
        return BillingTerms(**{name: value for name, value in self._agreed().items() if name in names})

    def _agreed(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in fields.items() if value is not None}


def combine_terms(each: Sequence[BillingTerms]) -> BillingTerms:
    """The terms of lines that become one workstream: hours and caps add up, but a cap for the whole contract
    does not."""
    first, update = each[0], dict[str, Any]()
    if first.cap is not None and first.cap.scope is not CapScope.CONTRACT:
        amount = _sum(terms.cap.amount for terms in each if terms.cap)
        update["cap"] = changed(first.cap, amount=amount)
    if first.retainer is not None:
        retainers = [terms.retainer for terms in each if terms.retainer]
        hours = _sum(retainer.hours for retainer in retainers)
        most = _sum(retainer.rollover_hours for retainer in retainers)
        update["retainer"] = changed(first.retainer, hours=hours, rollover_hours=most)
    return changed(first, **update)


def _sum(numbers: Iterable[Decimal | None]) -> Decimal | None:
    stated = [number for number in numbers if number is not None]
    return sum(stated, start=Decimal(0)) if stated else None
