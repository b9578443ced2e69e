"""The margin floor: of the deal, and of each service line that has one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.enrichment.lookup import Search
from oppsync.domain.plan.enrichment import LineEnrichment
from oppsync.domain.plan.margin import cost_of, margin_percent, total_cost
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.book import ANY, ReferenceKind
from oppsync.domain.reference.rates import MarginPolicy
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import plain
from oppsync.domain.values.money import TOO_LARGE, Money, current_currencies


class _Sold(NamedTuple):
    """What has a price and a cost: a line, or a workstream that a person changed. `path` is the line's."""

    name: str
    path: str
    role: str | None
    price: Money
    hours: Decimal | None
    cost: Money | None
    known: LineEnrichment


def check_margins(
    opportunity: Opportunity,
    lines: Sequence[LineEnrichment],
    search: Search,
    changed: Sequence[Workstream] = (),
) -> None:
    """Adds what falls below its floor, and what keeps a margin that has a floor from being known.

    `changed`: workstreams as people want them, which count instead of their lines. Silent for a deal whose
    money has findings of its own.
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
    for sold in _all_sold(opportunity, lines, currency, changed):
        own = search.first(MarginPolicy, kind, (entity, sold.known.service_line.code))
        costs.append(sold.cost)
        if sold.cost is None and (own or of_deal):
            search.findings += _unknown(sold, currency)
        search.findings += _below(sold.name, sold.price, sold.cost, own, f"{sold.path}/net")
    revenue = Money.rounded(opportunity.amount or Decimal(0), currency)
    search.findings += _below("The deal", revenue, total_cost(costs, currency), of_deal, "/amount")


def _all_sold(
    opportunity: Opportunity, lines: Sequence[LineEnrichment], currency: str, changed: Sequence[Workstream]
) -> Iterator[_Sold]:
    elsewhere = {line_id for workstream in changed for line_id in workstream.line_ids}
    paths = {line.id: f"/lines/{index}" for index, line in enumerate(opportunity.lines)}
    for line, known in zip(opportunity.lines, lines, strict=True):
        if line.id not in elsewhere:
            yield _line(line, known, currency, paths[line.id])
    for workstream in changed:
        yield _Sold(
            workstream.name,
            paths[workstream.line_ids[0]],
            workstream.role,
            workstream.amount,
            workstream.hours,
            workstream.cost,
            workstream.enrichment,
        )


def _line(line: OpportunityLine, known: LineEnrichment, currency: str, path: str) -> _Sold:
    price, cost = Money.rounded(line.net, currency), cost_of(line, known.cost_rate, currency)
    return _Sold(line.title, path, line.role, price, line.hours, cost, known)


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


def _unknown(sold: _Sold, currency: str) -> Iterator[Finding]:
    if sold.hours is None:
        yield finding(
            "PLANNED_HOURS_MISSING",
            f"{sold.name} has no planned hours, so its margin is not known",
            path=f"{sold.path}/planned_hours",
        )
    if sold.known.cost_rate is None:
        who = sold.role or "any role"
        yield finding(
            "COST_RATE_MISSING",
            f"No cost rate is set for {who} in {sold.known.region.code} in {currency}, so the margin of "
            f"{sold.name} is not known",
            path=f"{sold.path}/role",
            value=sold.role or "",
        )
