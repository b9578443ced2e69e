"""The margin floor: of the deal, and of each service line that has one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from oppsync.domain.enrichment import LineEnrichment
from oppsync.domain.findings import Finding, finding
from oppsync.domain.margin import cost_of, margin_percent, total_cost
from oppsync.domain.model import plain
from oppsync.domain.money import TOO_LARGE, Money, current_currencies
from oppsync.domain.opportunity import Opportunity, OpportunityLine
from oppsync.domain.policies.search import Search
from oppsync.domain.reference import ANY, MarginPolicy, ReferenceKind


def check_margins(opportunity: Opportunity, lines: Sequence[LineEnrichment], search: Search) -> None:
    """Adds what falls below its floor, and what keeps a margin that has a floor from being known.

    Silent for a deal whose money has findings of its own.
    """
    currency, entity = opportunity.currency, opportunity.contracting_entity
    amounts = [opportunity.amount or Decimal(0), *(line.net for line in opportunity.lines)]
    if currency not in current_currencies() or currency is None or len(lines) < len(opportunity.lines):
        return
    if max(map(abs, amounts)) >= TOO_LARGE:
        return
    kind = ReferenceKind.MARGIN_POLICY
    of_deal = search.first(MarginPolicy, kind, (entity,), (ANY,))
    costs: list[Money | None] = []
    for index, (line, known) in enumerate(zip(opportunity.lines, lines, strict=True)):
        path = f"/lines/{index}"
        own = search.first(MarginPolicy, kind, (entity, known.service_line.code))
        cost = cost_of(line, known.cost_rate, currency)
        costs.append(cost)
        if cost is None and (own or of_deal):
            search.findings += _unknown(line, known, currency, path)
        search.findings += _below(line.title, Money.rounded(line.net, currency), cost, own, f"{path}/net")
    revenue = Money.rounded(opportunity.amount or Decimal(0), currency)
    search.findings += _below("The deal", revenue, total_cost(costs, currency), of_deal, "/amount")


def _below(
    what: str, revenue: Money, cost: Money | None, policy: MarginPolicy | None, path: str
) -> Iterator[Finding]:
    margin = margin_percent(revenue, cost)
    if policy is None or margin is None or margin >= policy.floor_percent:
        return
    yield finding(
        "MARGIN_BELOW_FLOOR",
        f"{what} has a margin of {plain(margin)} % (sold at {revenue}, planned cost {cost}); at least "
        f"{plain(policy.floor_percent)} % are wanted",
        path=path,
        value=f"{plain(margin)} %",
        severity=policy.severity,
    )


def _unknown(line: OpportunityLine, known: LineEnrichment, currency: str, path: str) -> Iterator[Finding]:
    if line.hours is None:
        yield finding(
            "PLANNED_HOURS_MISSING",
            f"{line.title} has no planned hours, so its margin is not known",
            path=f"{path}/planned_hours",
        )
    if known.cost_rate is None:
        who = line.role or "any role"
        yield finding(
            "COST_RATE_MISSING",
            f"No cost rate is set for {who} in {known.region.code} in {currency}, so the margin of "
            f"{line.title} is not known",
            path=f"{path}/role",
            value=line.role or "",
        )
