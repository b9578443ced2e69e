"""Random sound deals for Hypothesis: every currency, every billing model with any terms, every policy."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st

from oppsync.domain.deal.billing_terms import (
    BillingFrequency,
    BillingTerms,
    Cap,
    CapScope,
    Deposit,
    Retainer,
    Rollover,
    Timing,
)
from oppsync.domain.deal.opportunity import (
    BillingModelCode,
    ContractTerms,
    Milestone,
    Opportunity,
    OpportunityLine,
)
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.planning.planning import make_plan
from oppsync.domain.planning.split import split
from oppsync.domain.reference.billing_policy import BillingPolicy, Proration, RevenueMethod
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.values.model import changed, require
from oppsync.domain.values.money import Money, Rounding, current_currencies, minor_unit
from oppsync.domain.values.pricing import net_of
from tests.harness import builders as make

CURRENCIES = sorted(current_currencies())
PLACES = [("DE", None), ("DE", "BY"), ("US", None), ("AE", None), ("JP", None), ("XX", None)]
_HOURLY = Decimal(160)
_DISCOUNTS = [Decimal(0), Decimal(0), Decimal(10), Decimal("12.5"), Decimal("33.33")]
_UNCAPPED = Decimal(10) ** 9


def profile(examples: int) -> settings:
    """Fixed examples; OPPSYNC_DEALS=<n> makes n new ones each time."""
    more = int(os.environ.get("OPPSYNC_DEALS", "0"))
    return settings(max_examples=more or examples, derandomize=not more, database=None, deadline=None)


class Sold(NamedTuple):
    """A deal, and the entity that sells it."""

    deal: Opportunity
    entity: LegalEntity

    def workstreams(self) -> tuple[Workstream, ...]:
        return self._planned()[0]

    def plan(self) -> PlanContent:
        return self._planned()[1]

    def taken_back(self) -> Sold:
        """The same deal with every line of it as a credit."""
        lines = [make.credit(line) for line in self.deal.lines]
        amount = -require(self.deal.amount, "the amount")
        return Sold(changed(self.deal, lines=lines, amount=amount), self.entity)

    def with_credits(self) -> Sold:
        """The same deal with each line that can be a credit taken back by another, and some hours."""
        taken_back = [
            make.credit(line, id=f"{line.id}C")
            for line in self.deal.lines
            if line.billing_model in make.CREDITS
        ]
        lines = [*self.deal.lines, *taken_back, make.time_line(id="00kX")]
        amount = sum((line.net for line in lines), start=Decimal(0))
        return Sold(changed(self.deal, lines=lines, amount=amount), self.entity)

    def _planned(self) -> tuple[tuple[Workstream, ...], PlanContent]:
        found = changed(make.enrichment(self.deal, ANY_BOOK), legal_entity=self.entity)
        workstreams = split(self.deal, found)
        return workstreams, make_plan(self.deal, found, workstreams)


def deals() -> st.SearchStrategy[Opportunity]:
    return sold().map(lambda sale: sale.deal)


@st.composite
def policies(draw: st.DrawFn, place: tuple[str, str | None]) -> BillingPolicy:
    methods = st.dictionaries(st.sampled_from(BillingModelCode), st.sampled_from(RevenueMethod), max_size=4)
    return BillingPolicy(
        rolls_to_business_day=place[0] != "XX" and draw(st.booleans()),
        proration=draw(st.sampled_from(Proration)),
        rounding=draw(st.sampled_from(Rounding)),
        recognises_revenue=True,
        revenue_methods=draw(methods),
    )


@st.composite
def sold(draw: st.DrawFn, models: Sequence[BillingModelCode] = tuple(BillingModelCode)) -> Sold:
    """Deals of these billing models. They are sound: validation finds nothing, and `ANY_BOOK` has everything
    they need."""
    currency = draw(st.sampled_from(CURRENCIES))
    place = draw(st.sampled_from(PLACES))
    start = draw(st.dates(date(2026, 4, 4), date(2027, 4, 4)))
    end = start + timedelta(days=draw(st.integers(0, 1_200)))
    lines = [_line(draw, models, f"00kL{index}", currency) for index in range(draw(st.integers(1, 6)))]
    contract = ContractTerms(
        payment_terms="NET30",
        billing_frequency=draw(st.sampled_from(BillingFrequency)),
        signed_on=draw(st.none() | st.just(make.WON_ON)),
        billing=BillingTerms(day=draw(st.none() | st.integers(1, 31))),
    )
    deal = make.opportunity(*lines, currency=currency, contract=contract, starts_on=start, ends_on=end)
    entity = make.legal_entity(
        country=place[0],
        subdivision=place[1],
        currency=currency,
        currencies=(currency,),
        billing_policy=draw(policies(place)),
    )
    return Sold(deal, entity)


def _line(draw: st.DrawFn, models: Sequence[BillingModelCode], line_id: str, currency: str) -> OpportunityLine:
    model = draw(st.sampled_from(models))
    price, quantity = draw(st.integers(1, 10**10)) * minor_unit(currency), Decimal(1)
    discount = draw(st.sampled_from(_DISCOUNTS))
    if model in (BillingModelCode.TIME_AND_MATERIALS, BillingModelCode.TIME_AND_MATERIALS_CAPPED):
        price, quantity = _HOURLY, Decimal(draw(st.integers(1, 4_000)))
    if model is BillingModelCode.NON_BILLABLE:
        discount = Decimal(100)
    net = Money.rounded(net_of(quantity, price, discount), currency).amount
    if net == 0 and model is not BillingModelCode.NON_BILLABLE:
        net, discount = price, Decimal(0)
    fields: dict[str, Any] = {
        "quantity": quantity,
        "unit_price": price,
        "discount_percent": discount,
        "net": net,
    }
    if model in _MORE:
        fields |= _MORE[model](draw, line_id)
    return make.LINES[model](id=line_id, **fields)


def _capped(draw: st.DrawFn, _line_id: str) -> dict[str, Any]:
    return {"billing": BillingTerms(cap=Cap(amount=_UNCAPPED, scope=draw(st.sampled_from(CapScope))))}


def _deposit(draw: st.DrawFn, _line_id: str) -> dict[str, Any]:
    percent = draw(st.integers(1, 10_000))
    final = draw(st.integers(0, 10_000 - percent))
    terms = Deposit(percent=Decimal(percent) / 100, final_percent=Decimal(final) / 100)
    return {"billing": BillingTerms(deposit=terms)}


def _milestones(draw: st.DrawFn, line_id: str) -> dict[str, Any]:
    cuts = sorted(draw(st.sets(st.integers(1, 9_999), max_size=7)) | {10_000})
    percents = [Decimal(high - low) / 100 for low, high in zip([0, *cuts], cuts, strict=False)]
    days = st.none() | st.dates(date(2027, 1, 1), date(2028, 1, 1))
    return {
        "milestones": [
            Milestone(id=f"{line_id}M{index}", name="Step", percent=percent, planned_on=draw(days))
            for index, percent in enumerate(percents)
        ]
    }


def _retainer(draw: st.DrawFn, _line_id: str) -> dict[str, Any]:
    retainer = Retainer(
        hours=Decimal(draw(st.integers(1, 20_000))) / 100,
        rollover=draw(st.sampled_from(Rollover)),
        rollover_hours=Decimal(8),
    )
    return {"unit": "unit", "billing": BillingTerms(retainer=retainer)}


def _recurring(draw: st.DrawFn, _line_id: str) -> dict[str, Any]:
    raised = draw(st.none() | st.integers(0, 1_000).map(lambda number: Decimal(number) / 100))
    timing = draw(st.none() | st.sampled_from(Timing))
    frequency = draw(st.none() | st.sampled_from(BillingFrequency))
    terms = BillingTerms(timing=timing, frequency=frequency, indexation_percent=raised)
    return {"unit": "unit", "billing": terms}


_MORE: dict[BillingModelCode, Callable[[st.DrawFn, str], dict[str, Any]]] = {
    BillingModelCode.TIME_AND_MATERIALS_CAPPED: _capped,
    BillingModelCode.FIXED_FEE_DEPOSIT: _deposit,
    BillingModelCode.MILESTONE: _milestones,
    BillingModelCode.RETAINER: _retainer,
    BillingModelCode.RECURRING: _recurring,
}


# Rates that the demo firm's rate card lacks.
ANY_RATES = tuple(
    ReferenceRow(
        kind=ReferenceKind.RATE_CARD,
        key=f"DACH|Senior Consultant|{currency}",
        valid_from=date(2026, 1, 1),
        value={"card": "any", "hourly": str(_HOURLY)},
    )
    for currency in CURRENCIES
    if currency != "EUR"
)
ANY_BOOK = make.book(*ANY_RATES)
