"""Enrichment: what reference data says about a deal on the day it was won."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.customers import CustomerLink, with_customer
from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.enrichment.exchange import exchanges_of
from oppsync.domain.enrichment.lookup import Search
from oppsync.domain.enrichment.rates import cost_rate_of, rate_of
from oppsync.domain.enrichment.taxes import tax_of, withholding_of
from oppsync.domain.plan.enrichment import Enrichment, IntercompanyDelivery, LineEnrichment
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.planning.apply_overrides import repriced
from oppsync.domain.planning.margins import check_margins
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind
from oppsync.domain.reference.entities import (
    CostCentre,
    DeliveryModel,
    LegalEntity,
    ProjectTemplate,
    Region,
    ServiceLine,
)
from oppsync.domain.reference.rates import TransferPrice
from oppsync.domain.reference.splitting import LineFacts, SplitRule, first_that_takes, line_facts
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, Severity, blocking, warnings
from oppsync.domain.values.model import changed, require


def enrich(
    opportunity: Opportunity, book: ReferenceBook, overrides: Sequence[PlanOverride] = ()
) -> Enrichment | tuple[Finding, ...]:
    """The enrichment of a validated deal, or everything that stands in its way. `overrides` change no value of
    it, but the margins that are judged.

    Raises ValueError without a close date. A deal that lacks something else gets no enrichment: what is missing
    is validation's to tell, and the rest is looked up all the same.
    """
    search = Search(book, require(opportunity.won_on, "the close date"))
    linked = _linked(opportunity, search)
    opportunity = with_customer(opportunity, linked)
    entity = search.find(
        LegalEntity, ReferenceKind.LEGAL_ENTITY, "/contracting_entity", opportunity.contracting_entity
    )
    tax = tax_of(opportunity, entity, search)
    withholding = withholding_of(opportunity, entity, search)
    exchanges = exchanges_of(opportunity, entity, search)
    delivery = None
    if opportunity.delivery_model is not None:
        delivery = search.find(
            DeliveryModel, ReferenceKind.DELIVERY_MODEL, "/delivery_model", opportunity.delivery_model
        )
    lines = [_line(opportunity, index, entity, search) for index in range(len(opportunity.lines))]
    found = tuple(line for line in lines if line is not None)
    if blocking(search.findings) or entity is None or tax is None or len(found) < len(lines):
        check_margins(opportunity, found, search)
        return (*blocking(search.findings), *warnings(search.findings))
    enrichment = Enrichment(
        legal_entity=entity,
        customer=linked,
        tax=tax,
        withholding=withholding,
        exchanges=exchanges,
        delivery_model=delivery,
        lines=found,
        used=(),
    )
    repriced_ = repriced(opportunity, enrichment, overrides, book) if overrides else ()
    check_margins(opportunity, found, search, repriced_)
    met = warnings(search.findings)
    if blocking(search.findings):
        return (*blocking(search.findings), *met)
    return changed(enrichment, used=tuple(search.used.values()), warnings=met)


def _linked(opportunity: Opportunity, search: Search) -> str | None:
    """The customer that an account without a code of its own was linked to."""
    account = opportunity.account
    if account is None or account.code is not None:
        return None
    row = search.first(CustomerLink, ReferenceKind.CUSTOMER_LINK, (opportunity.system, account.id))
    return row.customer if row else None


def _line(
    opportunity: Opportunity, index: int, entity: LegalEntity | None, search: Search
) -> LineEnrichment | None:
    line, path, begin = opportunity.lines[index], f"/lines/{index}", len(search.trail)
    model = BILLING_MODELS.get(opportunity.billing_model_of(line) or "")
    service_path = f"{path}/service_line" if line.service_line else "/service_line"
    region_path = f"{path}/delivery_region" if line.delivery_region else "/region"
    service = search.find(
        ServiceLine, ReferenceKind.SERVICE_LINE, service_path, opportunity.service_line_of(line)
    )
    region = search.find(Region, ReferenceKind.REGION, region_path, opportunity.region_of(line))
    service_code, region_code = service.code if service else None, region.code if region else None
    rule, delivery = None, None
    if entity is not None and service is not None and region is not None and model is not None:
        facts = line_facts(line, entity.code, service.code, region.code, model.code)
        rule = _split_rule(line, facts, path, search)
        delivering = (rule and rule.delivery_entity) or region.delivery_entity
        delivery = _intercompany(entity, delivering, service, path, search)
    deliverer = delivery.entity if delivery else entity
    entity_code = deliverer.code if deliverer else None
    centre = search.find(CostCentre, ReferenceKind.COST_CENTRE, path, entity_code, service_code)
    template = search.find(
        ProjectTemplate,
        ReferenceKind.PROJECT_TEMPLATE,
        path,
        service_code,
        region_code,
        model.code if model else None,
    )
    if centre is not None:
        search.findings += _about_closing(centre, opportunity.end_of(line), path, search.day)
    rate = None
    if model is not None and LineKind.TIME in model.kinds:
        rate = rate_of(opportunity, line, path, region_code, search)
    cost_rate = cost_rate_of(opportunity, line, region_code, entity, search)
    if template is not None and template.budget and not line.hours:
        search.findings.append(
            finding(
                "BUDGET_HOURS_MISSING",
                f"{line.title} has no planned hours for the budget of the template {template.code}",
                path=f"{path}/planned_hours",
                value=template.code,
            )
        )
    if service is None or region is None or centre is None or template is None:
        return None
    return LineEnrichment(
        line_id=line.id,
        service_line=service,
        region=region,
        cost_centre=centre,
        template=template,
        rate=rate,
        cost_rate=cost_rate,
        split_rule=rule,
        intercompany=delivery,
        rows=tuple(search.trail[begin:]),
    )


def _about_closing(centre: CostCentre, ends_on: date | None, path: str, day: date) -> Iterator[Finding]:
    """Closed already it blocks; closing before the work ends it warns."""
    closed_on = centre.closed_on
    if closed_on is None or (closed_on > day and (ends_on is None or closed_on > ends_on)):
        return
    yield finding(
        "COST_CENTRE_CLOSED",
        f"The cost centre {centre.code} closes on {closed_on}, the work ends on {ends_on}",
        path=path,
        value=centre.code,
        severity=Severity.BLOCKS if closed_on <= day else Severity.WARNS,
    )


def _split_rule(line: OpportunityLine, facts: LineFacts, path: str, search: Search) -> SplitRule | None:
    """The rule that takes the line. Milestones have dates and amounts of their own: no phases for them."""
    rule = first_that_takes(search.split_rules(), facts)
    if rule is None:
        return None
    search.use(rule)
    if rule.phases and line.milestones:
        search.findings.append(
            finding(
                "SPLIT_NOT_POSSIBLE",
                f"The split rule {rule.code} spreads {line.title} over phases, but it is billed by milestones",
                path=path,
                value=rule.code,
            )
        )
    return rule


def _intercompany(
    selling: LegalEntity, code: str | None, service: ServiceLine, path: str, search: Search
) -> IntercompanyDelivery | None:
    """`code` is who delivers; None when the selling entity does itself. With something missing, which is then a
    finding, there is no delivery either."""
    if code is None or code == selling.code:
        return None
    entity = search.find(LegalEntity, ReferenceKind.LEGAL_ENTITY, path, code)
    price = search.find(TransferPrice, ReferenceKind.TRANSFER_PRICE, path, selling.code, code)
    revenue = search.find(CostCentre, ReferenceKind.COST_CENTRE, path, selling.code, service.code)
    why = entity.not_approved_on(search.day) if entity is not None else None
    if entity is not None and why:
        search.findings.append(
            finding(
                "LEGAL_ENTITY_NOT_APPROVED",
                f"{entity.name} ({code}), which is to deliver, {why}",
                path=path,
                value=code,
            )
        )
    if entity is None or price is None or revenue is None:
        return None
    return IntercompanyDelivery(entity=entity, transfer_price=price, revenue_cost_centre=revenue)
