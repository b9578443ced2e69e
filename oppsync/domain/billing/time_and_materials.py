"""Time and materials: nothing up front; approved hours are invoiced at the role's rate."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal

from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine, Unit
from oppsync.domain.plan.plan import BillingLine, LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.keys import slug
from oppsync.domain.values.model import require
from oppsync.domain.values.money import amount_text
from oppsync.domain.values.pricing import net_of


class TimeAndMaterials:
    code = BillingModelCode.TIME_AND_MATERIALS
    title = "Time and materials"
    revenue_method = RevenueMethod.AS_INVOICED
    kinds = frozenset({LineKind.TIME})
    uses: frozenset[str] = frozenset()

    def findings(self, opportunity: Opportunity, line: OpportunityLine, path: str) -> Iterator[Finding]:
        if line.role is None:
            yield finding(
                "FIELD_MISSING",
                f"{line.title} is sold by the hour, but names no role",
                path=f"{path}/role",
                fix="Name the role on the line in the CRM: the rate card has one rate for each role.",
            )
        if line.unit is not Unit.HOUR:
            yield finding(
                "UNIT_NOT_HOURS",
                f"{line.title} is time and materials, but sold by the {line.unit}",
                path=f"{path}/unit",
                value=line.unit,
            )
        if line.net < 0:
            net = amount_text(line.net, opportunity.currency)
            yield finding(
                "CREDIT_BY_THE_HOUR",
                f"{line.title} is a credit of {net} by the hour, but neither hours nor rates can be negative",
                path=f"{path}/net",
                value=net,
            )

    def lines(self, workstream: Workstream) -> tuple[BillingLine, ...]:
        """One line for the role; its amount is the estimate, hours x rate, as it was sold, or what a cap
        allows of it."""
        role = require(workstream.role, "the role")
        rate = require(workstream.enrichment.rate, "the rate")
        less_discount = net_of(Decimal(1), rate.price, workstream.discount_percent)
        # The plan has the price with as many decimals as the ERP keeps.
        step = Decimal(1).scaleb(-workstream.price_decimals)
        return (
            BillingLine(
                path=f"{workstream.key}/time/{slug(role)}",
                kind=LineKind.TIME,
                description=f"{workstream.name}: {role}",
                amount=workstream.amount,
                estimate=workstream.estimate,
                hours=require(workstream.hours, "the hours"),
                rate=less_discount.quantize(step, ROUND_HALF_EVEN),
                role=role,
            ),
        )
