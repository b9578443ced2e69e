"""Enrichment: what reference data says about a deal on the day it was won."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.customers import CustomerLink, with_customer
from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.enrichment.delivery import cost_centre_of, intercompany_delivery
from oppsync.domain.enrichment.exchange import exchanges_of
from oppsync.domain.enrichment.lookup import Lookup
from oppsync.domain.enrichment.rates import cost_rate_of, rate_of
from oppsync.domain.enrichment.splitting import Holds, conditions_of, split_rule_of
from oppsync.domain.enrichment.taxes import tax_of, withholding_of
from oppsync.domain.plan.enrichment import Enrichment, LineEnrichment
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.policy.facts import codes_of
from oppsync.domain.policy.filling import Filling
from oppsync.domain.policy.firm_rules import firm_rules, rule_failed
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceUse
from oppsync.domain.reference.entities import (
    DeliveryModel,
    LegalEntity,
    ProjectTemplate,
    Region,
    ServiceLine,
)
from oppsync.domain.reference.splitting import line_facts
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, blocking, warnings
from oppsync.domain.values.findings.summary import summed_up
from oppsync.domain.values.identifiers import customer_code_key
from oppsync.domain.values.model import require


def enrich(
    opportunity: Opportunity,
    book: ReferenceBook,
    customer: str | None = None,
    field_at: Callable[[str], FieldOfCrm] = field_words,
) -> Enrichment | tuple[Finding, ...]:
    """The enrichment of a validated deal, or everything that stands in its way. `customer`: its customer's code
    as the ERP writes it, where it has one. `field_at`: what the CRM calls the field of a place in the deal.

    Raises ValueError without a close date. A deal that lacks another field gets no enrichment: validation
    reports the field, and everything else is looked up all the same.
    """
    lookup = Lookup(book, require(opportunity.won_on, "the close date"), field_at)
    rules = firm_rules(book, opportunity, lookup.day)
    filling = rules.fill(opportunity)
    opportunity = filling.deal
    lookup.findings += map(rule_failed, filling.failed)
    stated = opportunity.account.code if opportunity.account else None
    linked = _linked(opportunity, customer, lookup)
    opportunity = with_customer(opportunity, customer or linked)
    code = opportunity.account.code if opportunity.account else None
    entity = lookup.find(
        LegalEntity, ReferenceKind.LEGAL_ENTITY, "/contracting_entity", opportunity.contracting_entity
    )
    tax = tax_of(opportunity, entity, lookup)
    withholding = withholding_of(opportunity, entity, lookup)
    exchanges = exchanges_of(opportunity, entity, lookup)
    delivery = None
    if opportunity.delivery_model is not None:
        delivery = lookup.find(
            DeliveryModel, ReferenceKind.DELIVERY_MODEL, "/delivery_model", opportunity.delivery_model
        )
    asked_about = conditions_of(opportunity, cache(lambda: codes_of(book, opportunity, lookup.day)))
    lines = [
        _line(opportunity, index, entity, lookup, asked_about(line))
        for index, line in enumerate(opportunity.lines)
    ]
    # By these the deal's ERP and PSA are chosen, also where each line has one of its own.
    lookup.expect(ReferenceKind.SERVICE_LINE, "/service_line", opportunity.service_line)
    lookup.expect(ReferenceKind.REGION, "/region", opportunity.region)
    complete = tuple(line for line in lines if line is not None)
    warned = summed_up(warnings(lookup.findings))
    if blocking(lookup.findings) or entity is None or tax is None or len(complete) < len(lines):
        return (*summed_up(blocking(lookup.findings)), *warned)
    return Enrichment(
        legal_entity=entity,
        customer=code if code != stated else None,
        tax=tax,
        withholding=withholding,
        exchanges=exchanges,
        delivery_model=delivery,
        lines=complete,
        used=tuple(dict.fromkeys((*lookup.used.values(), *rules.judging(opportunity), *_filling(filling)))),
        warnings=warned,
        filled=filling.filled,
    )


def _filling(filling: Filling) -> Iterator[ReferenceUse]:
    return (each.use for each in filling.filled)


def _linked(opportunity: Opportunity, customer: str | None, lookup: Lookup) -> str | None:
    """The customer that an account was linked to whose own code, where it has one, is not the `customer`'s."""
    account = opportunity.account
    if account is None:
        return None
    if account.code and customer_code_key(account.code) == customer_code_key(customer or account.code):
        return None
    row = lookup.first(CustomerLink, ReferenceKind.CUSTOMER_LINK, (opportunity.system, account.id))
    return row.customer if row else None


def _line(
    opportunity: Opportunity,
    index: int,
    entity: LegalEntity | None,
    lookup: Lookup,
    condition_holds: Holds,
) -> LineEnrichment | None:
    line, path, begin = opportunity.lines[index], f"/lines/{index}", len(lookup.trail)
    model, ends_on = BILLING_MODELS.get(opportunity.billing_model_of(line) or ""), opportunity.end_of(line)
    service_path = f"{path}/service_line" if line.service_line else "/service_line"
    region_path = f"{path}/delivery_region" if line.delivery_region else "/region"
    service = lookup.find(
        ServiceLine, ReferenceKind.SERVICE_LINE, service_path, opportunity.service_line_of(line)
    )
    region = lookup.find(Region, ReferenceKind.REGION, region_path, opportunity.region_of(line))
    service_code, region_code = service.code if service else None, region.code if region else None
    rule, delivery = None, None
    if entity is not None and service is not None and region is not None and model is not None:
        facts = line_facts(line, entity.code, service.code, region.code, model.code)
        rule = split_rule_of(line, facts, path, lookup, condition_holds)
        delivering = (rule and rule.delivery_entity) or region.delivery_entity
        delivery = intercompany_delivery(lookup, entity, delivering, service.code, ends_on=ends_on, path=path)
    deliverer = delivery.entity if delivery else entity
    entity_code = deliverer.code if deliverer else None
    centre = cost_centre_of(lookup, entity_code, service_code, ends_on=ends_on, path=path)
    template = lookup.find(
        ProjectTemplate,
        ReferenceKind.PROJECT_TEMPLATE,
        path,
        service_code,
        region_code,
        model.code if model else None,
    )
    rate = None
    if model is not None and LineKind.TIME in model.kinds:
        rate = rate_of(opportunity, line, path, region_code, lookup)
    cost_rate = cost_rate_of(opportunity, line, region_code, entity, lookup)
    if template is not None and template.budget and not line.hours:
        lookup.findings.append(
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
        rows=tuple(lookup.trail[begin:]),
    )
