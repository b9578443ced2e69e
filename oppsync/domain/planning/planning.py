"""Planning: the exact tree of projects and billing that a split deal becomes.

Pure and deterministic: the same record and the same reference values give the same content, so the same hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.billing_terms import BillingTerms, CapScope, PeriodBasis
from oppsync.domain.deal.customers import ErpCustomer, with_customer
from oppsync.domain.deal.opportunity import Account, ContractTerms, Opportunity
from oppsync.domain.plan.capabilities import PRICE_DECIMALS
from oppsync.domain.plan.conversion import converted
from oppsync.domain.plan.enrichment import Enrichment, IntercompanyDelivery
from oppsync.domain.plan.margin import margin_percent, total_cost
from oppsync.domain.plan.plan import (
    ROOT_PATH,
    BillingLine,
    ContractFacts,
    Intercompany,
    LineKind,
    NewCustomer,
    NodeKind,
    PlanContent,
    PlanNode,
    RateCardUse,
    RevenueSchedule,
    WithheldTax,
)
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.planning import templates
from oppsync.domain.policy.filling import with_filled
from oppsync.domain.reference.rates import Rate
from oppsync.domain.reference.tax import Withholding
from oppsync.domain.revenue.schedule import revenue_schedules
from oppsync.domain.values.model import changed, require
from oppsync.domain.values.money import Money


def content_of(
    record: Opportunity,
    enrichment: Enrichment,
    workstreams: Sequence[Workstream],
    price_decimals: int = PRICE_DECIMALS,
    customer: ErpCustomer | None = None,
) -> PlanContent:
    """The plan's content of a validated and enriched deal, under its customer's code as the ERP writes it.

    `customer`: as it was read from the ERP; one of another code was read for an earlier record, by a release
    that did not read it for this one.
    """
    deal = with_customer(with_filled(record, enrichment.filled), enrichment.customer)
    if customer is not None and (deal.account is None or deal.account.code != customer.code):
        customer = None
    return make_plan(deal, enrichment, workstreams, price_decimals, customer)


def make_plan(
    opportunity: Opportunity,
    enrichment: Enrichment,
    workstreams: Sequence[Workstream],
    price_decimals: int = PRICE_DECIMALS,
    customer: ErpCustomer | None = None,
) -> PlanContent:
    """The plan's content, for an ERP that keeps `price_decimals` of a price and knows the `customer`.

    Its total is the opportunity's amount, which was signed, less what lies beyond caps and is not billable.
    Raises ValueError when its money is not the deal's: a bug.
    """
    account = require(opportunity.account, "the account")
    currency = require(opportunity.currency, "the currency")
    signed = Money(amount=require(opportunity.amount, "the amount"), currency=currency)
    total = signed - Money.total((each.sold - each.amount for each in workstreams), currency)
    entity, tax, delivery = enrichment.legal_entity, enrichment.tax, enrichment.delivery_model
    money = _schedules(workstreams, price_decimals)
    nodes = tuple(_nodes(_deal_names(opportunity, enrichment), currency, workstreams, money))
    content = PlanContent(
        record_id=opportunity.id,
        name=opportunity.name,
        customer=require(account.code, "the customer's code"),
        customer_name=account.name,
        legal_entity=entity.code,
        erp_company=entity.erp_company,
        entity_currency=entity.currency,
        currency=currency,
        total=total,
        tax=tax.code,
        tax_percent=tax.percent,
        tax_reason=tax.reason,
        tax_kind=tax.kind,
        withholding=_withheld(enrichment.withholding, total),
        tax_rounding=entity.billing_policy.rounding,
        payment_terms=require(opportunity.contract.payment_terms, "the payment terms"),
        po_number=opportunity.contract.po_number,
        po_limit=_po_limit(opportunity),
        po_expires_on=opportunity.contract.po_expires_on,
        contract=_contract(opportunity.contract),
        new_customer=_new_customer(account) if entity.creates_customers and customer is None else None,
        erp_customer=customer,
        delivery_model=delivery.code if delivery else None,
        compliance=_compliance(enrichment),
        conversions=tuple(converted(exchange, total, nodes[0].cost) for exchange in enrichment.exchanges),
        nodes=nodes,
    )
    check(content)
    return content


def check(content: PlanContent) -> None:
    """Raise ValueError unless every path is unique and all money adds up to the total."""
    paths = [node.path for node in content.nodes] + [line.path for _, line in content.billing_lines()]
    paths += [asked.path for asked in content.staffing()]
    if len(set(paths)) < len(paths):
        raise ValueError(f"plan of {content.record_id}: two things have the same path")
    billed = Money.total((line.amount for _, line in content.billing_lines()), content.currency)
    if not content.node(ROOT_PATH).amount == content.total == billed:
        raise ValueError(f"plan of {content.record_id}: the sums do not agree with {content.total}")
    for node in content.nodes:
        below = Money.total((line.amount for line in node.lines), content.currency)
        if node.lines and below != node.amount:
            raise ValueError(f"plan of {content.record_id}: the lines of {node.path} sum to {below}")
        beyond = Money.total((line.beyond_cap for line in node.lines), content.currency)
        if node.lines and beyond != node.beyond_cap:
            raise ValueError(
                f"plan of {content.record_id}: {beyond} of the lines of {node.path} is not billable"
            )
    _check_revenue(content)


def _check_revenue(content: PlanContent) -> None:
    schedules = tuple(content.revenue_schedules())
    for schedule in schedules:
        if Money.total((line.amount for line in schedule.lines), content.currency) != schedule.price:
            raise ValueError(
                f"plan of {content.record_id}: the revenue of {schedule.obligation} is not its price"
            )
    price = Money.total((schedule.price for schedule in schedules), content.currency)
    if schedules and price != content.total:
        raise ValueError(f"plan of {content.record_id}: revenue of {price} is not the total of {content.total}")


class _Schedules(NamedTuple):
    """Schedules by workstream key."""

    billing: Mapping[str, tuple[BillingLine, ...]]
    revenue: Mapping[str, RevenueSchedule]


def _schedules(workstreams: Sequence[Workstream], price_decimals: int) -> _Schedules:
    billing = {workstream.key: _billing(workstream, price_decimals) for workstream in workstreams}
    return _Schedules(billing, revenue_schedules(workstreams, billing))


def _nodes(
    deal: Mapping[str, str], currency: str, workstreams: Sequence[Workstream], money: _Schedules
) -> Iterator[PlanNode]:
    """Parents before their children. `deal`: the deal's own values for naming patterns."""
    name = deal["deal"]
    if len(workstreams) == 1:
        yield from _delivering(workstreams[0], money, path=ROOT_PATH, parent=None, name=name, deal=deal)
        return
    hours = [workstream.hours for workstream in workstreams if workstream.hours is not None]
    amount = Money.total((workstream.amount for workstream in workstreams), currency)
    sold = Money.total((workstream.sold for workstream in workstreams), currency)
    rounding = Money.total((workstream.rounding for workstream in workstreams if workstream.rounding), currency)
    cost = total_cost((workstream.cost for workstream in workstreams), currency)
    yield PlanNode(
        path=ROOT_PATH,
        kind=NodeKind.PROJECT,
        name=name,
        amount=amount,
        estimate=sold if sold != amount else None,
        rounding=rounding if rounding.amount else None,
        cost=cost,
        margin_percent=margin_percent(amount, cost),
        hours=sum(hours, start=Decimal(0)) if hours else None,
        starts_on=min(workstream.starts_on for workstream in workstreams),
        ends_on=max(workstream.ends_on for workstream in workstreams),
    )
    for workstream in workstreams:
        yield from _delivering(
            workstream, money, path=workstream.key, parent=ROOT_PATH, name=workstream.name, deal=deal
        )


def _delivering(
    workstream: Workstream,
    money: _Schedules,
    *,
    path: str,
    parent: str | None,
    name: str,
    deal: Mapping[str, str],
) -> Iterator[PlanNode]:
    """The project that carries a workstream's billing, then its template's tasks."""
    reference = workstream.enrichment
    values = {**deal, **_names(workstream)}
    yield PlanNode(
        path=path,
        parent=parent,
        kind=NodeKind.WORKSTREAM if parent else NodeKind.PROJECT,
        name=templates.name_of(workstream, name, values),
        billing_model=workstream.billing_model,
        amount=workstream.amount,
        estimate=workstream.estimate,
        rounding=workstream.rounding,
        hours=workstream.hours,
        starts_on=workstream.starts_on,
        ends_on=workstream.ends_on,
        service_line=reference.service_line.code,
        cost_centre=reference.cost_centre.code,
        template=reference.template.code,
        intercompany=_intercompany(reference.intercompany),
        lines=money.billing[workstream.key],
        terms=_terms(workstream),
        cost=workstream.cost,
        margin_percent=margin_percent(workstream.amount, workstream.cost),
        rate_card=_rate_card(reference.rate),
        number=templates.number_of(workstream, values),
        time_entry=reference.template.time_entry,
        staffing=templates.staffing(workstream),
        revenue=money.revenue.get(workstream.key),
    )
    yield from templates.task_nodes(workstream, path)


def _terms(workstream: Workstream) -> BillingTerms:
    """Keep those that the billing model uses. A cap for each month says of which months, also where only the
    entity's policy does."""
    terms = workstream.terms.only(BILLING_MODELS[workstream.billing_model].uses)
    is_monthly = terms.cap is not None and terms.cap.scope is CapScope.PERIOD
    if is_monthly and workstream.period_basis is PeriodBasis.CONTRACT:
        return changed(terms, periods=PeriodBasis.CONTRACT)
    return terms


def _deal_names(opportunity: Opportunity, enrichment: Enrichment) -> dict[str, str]:
    account = require(opportunity.account, "the account")
    return {
        "account": account.name,
        "customer": require(account.code, "the customer's code"),
        "deal": opportunity.name,
        "entity": enrichment.legal_entity.code,
        "record": opportunity.id,
    }


def _names(workstream: Workstream) -> dict[str, str]:
    reference = workstream.enrichment
    return {
        "key": workstream.key,
        "workstream": workstream.name,
        "region": reference.region.code,
        "service_line": reference.service_line.code,
        "template": reference.template.code,
    }


def _intercompany(delivery: IntercompanyDelivery | None) -> Intercompany | None:
    if delivery is None:
        return None
    return Intercompany(
        delivery_entity=delivery.entity.code,
        erp_company=delivery.entity.erp_company,
        transfer_price=delivery.transfer_price,
        revenue_cost_centre=delivery.revenue_cost_centre.code,
    )


def _billing(workstream: Workstream, price_decimals: int) -> tuple[BillingLine, ...]:
    """Without instalments of nothing: a fee may have fewer minor units than periods, milestones or phases.
    Hours are no instalment: those beyond a cap are worked, and earn nothing."""
    model = BILLING_MODELS[workstream.billing_model]
    parts = (changed(part, price_decimals=price_decimals) for part in workstream.parts or (workstream,))
    lines = (line for part in parts for line in model.lines(part))
    return tuple(line for line in lines if line.amount.amount or line.kind is LineKind.TIME)


def _new_customer(account: Account) -> NewCustomer:
    return NewCustomer(
        code=require(account.code, "the customer's code"),
        name=account.name,
        country=require(account.country, "the customer's country"),
        tax_id=account.tax_id,
    )


def _contract(terms: ContractTerms) -> ContractFacts:
    return ContractFacts(
        signed_on=terms.signed_on,
        document_url=terms.document_url,
        special_terms=terms.special_terms,
    )


def _po_limit(opportunity: Opportunity) -> Money | None:
    limit = opportunity.contract.po_limit
    return (
        None if limit is None else Money(amount=limit, currency=require(opportunity.currency, "the currency"))
    )


def _withheld(row: Withholding | None, total: Money) -> WithheldTax | None:
    if row is None:
        return None
    amount = Money.rounded(total.amount * row.percent / 100, total.currency)
    return WithheldTax(percent=row.percent, amount=amount, reason=row.reason)


def _rate_card(rate: Rate | None) -> RateCardUse | None:
    """A card without a version of its own is named in the provenance only."""
    return RateCardUse(card=rate.card, version=rate.version) if rate and rate.version else None


def _compliance(enrichment: Enrichment) -> dict[str, str]:
    """Attributes of every delivery region: `DACH data residency` -> `EU`."""
    return {
        f"{line.region.code} {attribute}": value
        for line in enrichment.lines
        for attribute, value in line.region.compliance.items()
    }
