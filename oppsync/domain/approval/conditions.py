"""What conditions of approvals see: the deal, and the plan that is made of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import ROOT_PATH, PlanContent
from oppsync.domain.policy.context import Scope
from oppsync.domain.policy.expressions import Context, context_of_deal
from oppsync.domain.policy.facts import Codes, Values, deal_values
from oppsync.domain.policy.filling import with_filled
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.values.money import Money


def plan_context(content: PlanContent, deal: Opportunity, enrichment: Enrichment) -> Context:
    """`deal` and `enrichment`: those that the plan was made of."""
    filled = with_filled(deal, enrichment.filled)
    root = content.node(ROOT_PATH)
    margin = {"percent": root.margin_percent, "cost": root.cost and root.cost.amount}
    values = deal_values(filled, _codes(filled, enrichment)) | {
        "plan": _plan(content) | _reporting(content, enrichment.legal_entity),
        "margin": margin,
    }
    context = context_of_deal(Scope.PLAN, values)
    if values["plan"]["reporting_total"] is None:
        return context._replace(unknown={"plan.reporting_total": "no exchange rate is set for that day"})
    return context


def _codes(deal: Opportunity, enrichment: Enrichment) -> Codes:
    lines = [(line, enrichment.line(line.id)) for line in deal.lines]
    services = ((deal.service_line_of(line), known.service_line.code) for line, known in lines)
    regions = ((deal.region_of(line), known.region.code) for line, known in lines)
    return Codes(
        entity=enrichment.legal_entity,
        service_lines={name: code for name, code in services if name},
        regions={name: code for name, code in regions if name},
    )


def _plan(content: PlanContent) -> Values:
    beyond = (node.beyond_cap for node in content.nodes if node.billing_model is not None)
    return {
        "total": content.total.amount,
        "beyond_cap": Money.total(beyond, content.currency).amount,
        "workstreams": sum(1 for node in content.nodes if node.billing_model is not None),
        "billing_models": _once(node.billing_model for node in content.nodes),
        "service_lines": _once(node.service_line for node in content.nodes),
        "intercompany": any(node.intercompany is not None for node in content.nodes),
        "new_customer": content.new_customer is not None,
        "tax_percent": content.tax_percent,
    }


def _reporting(content: PlanContent, entity: LegalEntity) -> Values:
    """In the currency of the group, or in that of the entity's books; None where the rate is not known."""
    wanted = entity.reporting_currency or entity.currency
    totals = (content.total, *(each.total for each in content.conversions))
    found = next((total.amount for total in totals if total.currency == wanted), None)
    return {"reporting_total": found, "reporting_currency": wanted}


def _once(codes: Iterable[Any]) -> list[str]:
    return sorted({str(code) for code in codes if code is not None})
