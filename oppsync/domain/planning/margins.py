"""The margin floor: of the deal, and of each service line that has one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.enrichment.lookup import Lookup
from oppsync.domain.plan.enrichment import Enrichment, LineEnrichment
from oppsync.domain.plan.margin import cost_of, margin_percent, total_cost
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.planning.apply_overrides import Overridden
from oppsync.domain.reference.book import ANY, ReferenceBook, ReferenceKind, ReferenceUse
from oppsync.domain.reference.rates import MarginPolicy
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.findings.summary import summed_up
from oppsync.domain.values.model import plain, require
from oppsync.domain.values.money import Money

# Codes of the findings that `check_margins` makes.
MARGIN_CODES = frozenset({"COST_RATE_MISSING", "MARGIN_BELOW_FLOOR", "PLANNED_HOURS_MISSING"})


class Margins(NamedTuple):
    """`rows`: the margin policies that were used."""

    findings: tuple[Finding, ...]
    rows: tuple[ReferenceUse, ...]


class _Sold(NamedTuple):
    """A thing with a price and a cost: a line, or a workstream that a person changed. `path` is the line's."""

    name: str
    path: str
    role: str | None
    price: Money
    hours: Decimal | None
    cost: Money | None
    known: LineEnrichment


def check_margins(
    opportunity: Opportunity, enrichment: Enrichment, overridden: Overridden, book: ReferenceBook
) -> Margins:
    """Findings for margins below their floor, and for what is missing to know a margin that has a floor.

    Each line is checked as it was sold; where an override changed a workstream's cost or margin policy, or a
    cap its price, the workstreams of its lines are checked instead.
    """
    lookup = Lookup(book, require(opportunity.won_on, "the close date"))
    currency, entity = require(opportunity.currency, "the currency"), enrichment.legal_entity.code
    kind = ReferenceKind.MARGIN_POLICY
    of_deal = lookup.first(MarginPolicy, kind, (entity,), (ANY,))
    costs: list[Money | None] = []
    findings: list[Finding] = []
    for sold in _all_sold(opportunity, enrichment, currency, _repriced(overridden)):
        own = lookup.first(MarginPolicy, kind, (entity, sold.known.service_line.code))
        costs.append(sold.cost)
        if sold.cost is None and (own or of_deal):
            findings += _unknown(sold, currency)
        findings += _below(sold.name, sold.price, sold.cost, own, f"{sold.path}/net")
    beyond = Money.total((each.sold - each.amount for each in overridden.workstreams), currency)
    revenue = Money.rounded(require(opportunity.amount, "the amount"), currency) - beyond
    findings += _below("The deal", revenue, total_cost(costs, currency), of_deal, "/amount")
    return Margins(summed_up(findings), tuple(lookup.used.values()))


def _repriced(overridden: Overridden) -> tuple[Workstream, ...]:
    """Workstreams whose hours or service line people changed, or of which a cap cuts off a part; and those that
    share their lines."""
    fields = (OverrideField.HOURS, OverrideField.SERVICE_LINE)
    keys = {each.use.workstream for each in overridden.applied if each.use.field in fields}
    keys |= {each.key for each in overridden.workstreams if each.estimate is not None}
    lines = {line for each in overridden.workstreams if each.key in keys for line in each.line_ids}
    return tuple(each for each in overridden.workstreams if not lines.isdisjoint(each.line_ids))


def _all_sold(
    opportunity: Opportunity, enrichment: Enrichment, currency: str, repriced: Sequence[Workstream]
) -> Iterator[_Sold]:
    elsewhere = {line_id for workstream in repriced for line_id in workstream.line_ids}
    paths = {line.id: f"/lines/{index}" for index, line in enumerate(opportunity.lines)}
    for line in opportunity.lines:
        if line.id not in elsewhere:
            yield _line(line, enrichment.line(line.id), currency, paths[line.id])
    for workstream in repriced:
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
