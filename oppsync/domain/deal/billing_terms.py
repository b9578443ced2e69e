"""What was agreed about invoicing: the terms that billing models need, on the contract or on one of its lines.

Terms follow Dynamics 365 Project Operations (not-to-exceed limit), NetSuite (billing schedules) and Certinia
PSA (retainers with rollover). What the CRM left open is None; the models' findings tell what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from oppsync.domain.values.model import Frozen, changed
from oppsync.domain.values.typed import TypedNumber


class BillingFrequency(StrEnum):
    """How often is invoiced over the run of a line."""

    ONCE = "once"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


class Timing(StrEnum):
    """Whether a period is invoiced when it begins or when it has ended."""

    IN_ADVANCE = "in_advance"
    IN_ARREARS = "in_arrears"


class CapScope(StrEnum):
    """What a cap holds for: all capped lines of the deal together, each month, or the line it stands on."""

    CONTRACT = "contract"
    PERIOD = "period"
    WORKSTREAM = "workstream"


class Rollover(StrEnum):
    """What becomes of hours that a retainer included and nobody used."""

    NONE = "none"
    CAPPED = "capped"
    ALL = "all"


class Cap(Frozen):
    """Not to exceed: what is beyond `amount` is not billable; people are warned at `warning_percent` of it."""

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

    `indexation_percent` raises the price on each anniversary of the start.
    """

    frequency: BillingFrequency | None = None
    day: int | None = None
    timing: Timing | None = None
    cap: Cap | None = None
    deposit: Deposit | None = None
    retainer: Retainer | None = None
    indexation_percent: TypedNumber | None = None

    def over(self, wider: BillingTerms) -> BillingTerms:
        """These terms, and those of `wider` for what these leave open."""
        return changed(wider, **self._agreed())

    def only(self, names: Collection[str]) -> BillingTerms:
        """These terms without the fields that are not among `names`."""
        return BillingTerms(**{name: value for name, value in self._agreed().items() if name in names})

    def _agreed(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in fields.items() if value is not None}


def combine_terms(each: Sequence[BillingTerms]) -> BillingTerms:
    """Of lines that become one workstream: hours and caps add up, a cap for the contract stays what it is."""
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
